//! What all stores of this folder have in common: when to lock, and what a version is.

use sha2::{Digest, Sha256};
use silentry_protocol::secret::Secret;

use super::super::{FlightLock, StoreError, StoreErrorKind, StoreVersion, TokenStore};
use super::file::CacheFile;
use super::flight;
use super::lock::Lock;

/// A place that holds a text, without any thought of others who use it at the same time.
pub(super) trait Medium: Send + Sync + 'static {
    /// The file beside which the lock is: the cache itself, or the one that is touched as a signal when
    /// the cache is kept elsewhere.
    fn file(&self) -> &CacheFile;

    /// Returns what people call the place.
    fn place(&self) -> String {
        self.file().path().display().to_string()
    }

    /// Returns what can be known of the text without reading it.
    fn glance(&self) -> Result<Glance, StoreError>;

    /// Reads the text; an empty one when there is none. Bytes that are no text of this medium are handed
    /// over as they are, with U+FFFD for what is not UTF-8.
    fn load(&self) -> Result<Secret, StoreError>;

    /// Writes the text, whole or not at all.
    fn save(&self, text: &Secret, lock: &Lock) -> Result<(), StoreError>;

    /// Moves what is there to a name of its own and says where.
    fn set_aside(&self) -> Result<String, StoreError>;
}

/// What is known of a text without reading it.
pub(super) enum Glance {
    /// There is none.
    Absent,
    /// It is a file, which others may be writing just now.
    File {
        /// Changes when the file does, unless it changes twice within the resolution of its clock.
        mark: Vec<u8>,
        /// The mark was made so long ago that the next change will be seen.
        settled: bool,
    },
    /// Nothing, and it is only ever replaced as a whole.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    Opaque,
}

impl Glance {
    /// Returns whether the file is one at rest, and the same.
    fn is_same_file_as(&self, other: &Glance) -> bool {
        match (self, other) {
            (
                Glance::File {
                    mark: ours,
                    settled: true,
                },
                Glance::File { mark: theirs, .. },
            ) => ours == theirs,
            _ => false,
        }
    }
}

/// A medium with the MSALs' lock beside it.
pub(super) struct Locked<M> {
    medium: M,
}

impl<M: Medium> Locked<M> {
    pub(super) fn new(medium: M) -> Self {
        Self { medium }
    }

    fn lock(&self) -> Result<Lock, StoreError> {
        let file = self.medium.file();
        Lock::acquire_both(file.path(), &file.real()?)
    }

    /// The MSALs write into the file that is there; only the lock keeps a reader from seeing half of it.
    /// Where no lock can be made, because the folder may not be written to, the file is read without.
    fn lock_to_read(&self, glance: &Glance) -> Result<Option<Lock>, StoreError> {
        if !matches!(glance, Glance::File { .. }) {
            return Ok(None);
        }
        match self.lock() {
            Ok(lock) => Ok(Some(lock)),
            Err(error) if error.kind() == StoreErrorKind::Denied => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads a file that nobody has written to for a while, and did not while it was read: there is no half of it to
    /// see, and so nothing to lock.
    fn load_at_rest(&self, before: &Glance) -> Result<Option<(Secret, Version)>, StoreError> {
        if !matches!(before, Glance::File { settled: true, .. }) {
            return Ok(None);
        }
        let loaded = self.load()?;
        let after = self.medium.glance()?;
        Ok(after.is_same_file_as(before).then_some(loaded))
    }

    /// The glance comes first: what is written after it is seen the next time.
    fn load(&self) -> Result<(Secret, Version), StoreError> {
        let glance = self.medium.glance()?;
        let text = self.medium.load()?;
        let version = Version::of(&text, glance);
        Ok((text, version))
    }
}

impl<M: Medium> TokenStore for Locked<M> {
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        let known = known.and_then(Version::parse);
        let glance = self.medium.glance()?;
        if known
            .as_ref()
            .is_some_and(|known| known.still_holds(&glance))
        {
            return Ok(None);
        }
        let (text, version) = match self.load_at_rest(&glance)? {
            Some(loaded) => loaded,
            None => {
                let _lock = self.lock_to_read(&glance)?;
                self.load()?
            }
        };
        if known.is_some_and(|known| known.hash == version.hash) {
            return Ok(None);
        }
        Ok(Some((text, version.into())))
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        self.medium.file().create_folder()?;
        let lock = self.lock()?;
        let (text, version) = self.load()?;
        let Some(changed) = change(&text).filter(|changed| changed.expose() != text.expose())
        else {
            return Ok(version.into());
        };
        self.medium.save(&changed, &lock)?;
        Ok(Version::of(&changed, self.medium.glance()?).into())
    }

    fn set_aside(&self, seen: &StoreVersion) -> Result<Option<String>, StoreError> {
        let _lock = self.lock()?;
        let (_, version) = self.load()?;
        if Version::parse(seen).is_none_or(|seen| seen.hash != version.hash) {
            return Ok(None);
        }
        self.medium.set_aside().map(Some)
    }

    fn place(&self) -> String {
        self.medium.place()
    }

    fn try_lock_flight(&self, key: &str) -> Result<Option<FlightLock>, StoreError> {
        self.medium.file().create_folder()?;
        flight::try_lock(&self.medium.file().real()?, key)
    }
}

/// Makes a store of a type that wraps a [`Locked`] medium.
macro_rules! locked_store {
    ($store:ident, $kind:expr) => {
        impl crate::cache::store::TokenStore for $store {
            fn read(
                &self,
                known: Option<&crate::cache::store::StoreVersion>,
            ) -> Result<
                Option<(
                    silentry_protocol::secret::Secret,
                    crate::cache::store::StoreVersion,
                )>,
                crate::cache::store::StoreError,
            > {
                self.0.read(known)
            }

            fn update(
                &self,
                change: &mut dyn FnMut(
                    &silentry_protocol::secret::Secret,
                ) -> Option<silentry_protocol::secret::Secret>,
            ) -> Result<crate::cache::store::StoreVersion, crate::cache::store::StoreError> {
                self.0.update(change)
            }

            fn set_aside(
                &self,
                seen: &crate::cache::store::StoreVersion,
            ) -> Result<Option<String>, crate::cache::store::StoreError> {
                self.0.set_aside(seen)
            }

            fn place(&self) -> String {
                crate::cache::store::TokenStore::place(&self.0)
            }

            fn try_lock_flight(
                &self,
                key: &str,
            ) -> Result<Option<crate::cache::store::FlightLock>, crate::cache::store::StoreError>
            {
                self.0.try_lock_flight(key)
            }

            fn kind(&self) -> crate::cache::store::StoreKind {
                let kind: fn(&Self) -> crate::cache::store::StoreKind = $kind;
                kind(self)
            }
        }

        impl std::fmt::Debug for $store {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(
                    f,
                    "{}({})",
                    stringify!($store),
                    crate::cache::store::TokenStore::place(&self.0)
                )
            }
        }
    };
}

pub(super) use locked_store;

/// What a version consists of: the hash of the text, and what may spare its reading.
struct Version {
    hash: [u8; 32],
    settled_mark: Option<Vec<u8>>,
}

impl Version {
    fn of(text: &Secret, glance: Glance) -> Self {
        let settled_mark = match glance {
            Glance::File {
                mark,
                settled: true,
            } => Some(mark),
            // An empty text is what an absent one reads as.
            _ => None,
        };
        Self {
            hash: Sha256::digest(text.expose()).into(),
            settled_mark,
        }
    }

    fn parse(version: &StoreVersion) -> Option<Self> {
        let (hash, mark) = version.as_bytes().split_first_chunk::<32>()?;
        Some(Self {
            hash: *hash,
            settled_mark: (!mark.is_empty()).then(|| mark.to_vec()),
        })
    }

    fn still_holds(&self, glance: &Glance) -> bool {
        match (glance, &self.settled_mark) {
            (Glance::File { mark, .. }, Some(settled)) => mark == settled,
            _ => false,
        }
    }
}

impl From<Version> for StoreVersion {
    fn from(version: Version) -> Self {
        let mut bytes = version.hash.to_vec();
        bytes.extend(version.settled_mark.unwrap_or_default());
        Self::new(bytes)
    }
}
