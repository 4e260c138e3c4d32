//! Where a token cache is kept between two runs of a program.
//!
//! A store knows nothing of tokens: it hands over and takes back the whole text of one cache. What the
//! text means is [`schema`](silentry_protocol::cache)'s business, and when to read or write it the cache's.
//!
//! With the feature `persistent-cache` there is a store for each place that the MSALs use: a plain file
//! ([`FileStore`]), a file that Windows encrypts (`DpapiStore`), the macOS Keychain (`KeychainStore`)
//! and the Secret Service of Linux desktops (`SecretServiceStore`). [`default_store`] chooses
//! Silentry's own place; [`MsalDotnetStorage`] and [`msal_python_store`] name the places of others.
//!
//! All of them take part in the MSALs' lock (`<cache>.lockfile`), write what is whole or nothing, and
//! never wait for a person, but for the Keychain, which may ask its user: a keyring that would have to ask is an error.

#[cfg(feature = "persistent-cache")]
mod persistent;

use std::fmt;
use std::path::PathBuf;

use silentry_protocol::secret::Secret;
use thiserror::Error;

use crate::text::printable;

#[cfg(feature = "persistent-cache")]
pub use self::persistent::*;

/// Keeps the text of one token cache: a file, a keyring, a database.
///
/// The methods may block; they are called on a thread of their own, and never for a token that is in
/// memory already. A call that takes longer than 3 s (10 s for a change; a minute on macOS, which may ask its user) has
/// failed for whoever waits for it, and until it has ended the store is asked nothing else.
///
/// # Errors
/// Every method returns [`StoreError`] when the store cannot be read or written. A cache whose text is
/// damaged is no error here: the text is handed over as it is.
pub trait TokenStore: Send + Sync + 'static {
    /// Returns the text with its version, or `None` when the version is still the `known` one.
    ///
    /// A store that holds nothing yet returns an empty text.
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError>;

    /// Replaces the text by what `change` makes of it, unless that is `None`, and returns the version
    /// that it then has.
    ///
    /// No other process may write between the reading and the writing: that is what the lock of the
    /// store is for. `change` is called exactly once, unless the store cannot be locked or read, and is
    /// quick: it never waits for the network.
    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError>;

    /// Puts a damaged cache out of the way, so that a new one can begin, and says where it went; it is never deleted.
    /// It is called for a change alone, and only where the text shows that it once was a cache.
    ///
    /// Returns `None` when the text is no longer the one of the version `seen`: of two processes that
    /// find the same damage, the second must not put the new cache of the first aside.
    fn set_aside(&self, seen: &StoreVersion) -> Result<Option<String>, StoreError>;

    /// Returns what people call the place, for messages: a path, the name of a keyring item.
    fn place(&self) -> String {
        "in its store".to_owned()
    }

    /// Tries to be the only process that gets the token which `key` names; `None` while another one is
    /// at it. It does not wait: it is asked again after a moment.
    ///
    /// This is another lock than that of [`update`](Self::update): it is held over the network, for seconds,
    /// and whoever does not get it in time goes on without. It must end with its process.
    ///
    /// By default nobody has to wait.
    fn try_lock_flight(&self, key: &str) -> Result<Option<FlightLock>, StoreError> {
        let _ = key;
        Ok(Some(FlightLock::new(())))
    }

    /// Returns what kind of place it is, which an administrator's policy may forbid.
    ///
    /// By default it is one of the program's own.
    fn kind(&self) -> StoreKind {
        StoreKind::Program
    }
}

/// What kind of place a store keeps its text in, as far as an administrator's policy tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreKind {
    /// Where the operating system keeps secrets, or what [`default_store`] takes in its stead.
    System,
    /// A file that is not encrypted.
    File(PathBuf),
    /// A place of the program's own.
    Program,
}

impl<T: TokenStore + ?Sized> TokenStore for Box<T> {
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        (**self).read(known)
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        (**self).update(change)
    }

    fn set_aside(&self, seen: &StoreVersion) -> Result<Option<String>, StoreError> {
        (**self).set_aside(seen)
    }

    fn place(&self) -> String {
        (**self).place()
    }

    fn try_lock_flight(&self, key: &str) -> Result<Option<FlightLock>, StoreError> {
        (**self).try_lock_flight(key)
    }

    fn kind(&self) -> StoreKind {
        (**self).kind()
    }
}

/// The right to get a token while other processes wait; it ends when this is dropped.
pub struct FlightLock {
    _guard: Box<dyn Send>,
}

impl FlightLock {
    /// Makes a lock that lasts as long as `guard`.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self {
            _guard: Box::new(guard),
        }
    }
}

impl fmt::Debug for FlightLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightLock").finish_non_exhaustive()
    }
}

/// What changes whenever the text does: a modification time with a length, a sequence number, a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreVersion(Vec<u8>);

impl StoreVersion {
    /// Makes a version of bytes that only the store understands.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes that it was made of.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why a store could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
}

/// What kind of trouble a store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// There is no such store here: no keyring service, no runtime folder.
    Unavailable,
    /// Another program holds the lock for too long.
    Locked,
    /// It is there, but this user may not use it.
    Denied,
    /// What is there once was a token cache and cannot be read any more. The next change sets it aside and begins anew.
    Damaged,
    /// What is there is something else than a token cache; it is left as it is.
    NotACache,
    /// Windows has encrypted what is there (DPAPI), and it was to be read as plain text.
    Encrypted,
    /// Reading or writing failed otherwise.
    Io,
}

/// Characters of an error's message: two paths and some words.
const LONGEST_MESSAGE: usize = 10_000;

/// Returns a path as it may be shown.
#[cfg(feature = "persistent-cache")]
fn shown(path: &std::path::Path) -> String {
    printable(&path.to_string_lossy(), LONGEST_MESSAGE)
}

impl StoreError {
    /// Makes an error; the message names the place and never holds a piece of the cache. It is made [fit to be
    /// shown](crate::text::printable), as a path may hold anything.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: printable(&message.into(), LONGEST_MESSAGE),
        }
    }

    /// Returns what kind of trouble it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
