//! A cache in the Secret Service of a Linux desktop (GNOME Keyring, KWallet, KeePassXC).

use std::ffi::CString;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use silentry_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::super::{StoreError, StoreErrorKind};
use super::file::{CacheFile, damaged_suffix, text};
use super::libsecret::{Found, Library, Service};
use super::lock::Lock;
use super::locked::{Glance, Locked, Medium, locked_store};
use super::session_bus::{self, unavailable};

/// The attribute in which libsecret keeps the name of a schema.
const SCHEMA: &str = "xdg:schema";

/// Says which item of the Secret Service a cache is, and how its text is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretServiceItem {
    /// The name of the schema that the item is stored with.
    pub schema: String,
    /// Whether the item is looked for by the name of its schema too. libsecret does so unless the
    /// schema has the flag `SECRET_SCHEMA_DONT_MATCH_NAME`, as that of MSAL.NET has.
    pub match_schema: bool,
    /// The collection that it is stored in: `default`, or `session` for until the user logs out.
    pub collection: String,
    /// What a person sees in a keyring manager.
    pub label: String,
    /// What it is found by.
    pub attributes: Vec<(String, String)>,
    /// How the text is written.
    pub encoding: SecretEncoding,
}

/// How the text of a cache is written as a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretEncoding {
    /// As it is: MSAL Python's and MSAL Node's extensions.
    Plain,
    /// As Base64 of it: MSAL.NET's extensions.
    Base64,
}

/// Keeps a token cache in the Secret Service, by libsecret, which is looked for when it is needed.
///
/// It never asks the user anything: a collection that is locked, or none at all, is an error.
pub struct SecretServiceStore(Locked<KeyringItem>);

impl SecretServiceStore {
    /// Keeps the cache in that item. The `signal` file holds nothing: the lock is beside it, and its time
    /// tells other programs of changes.
    ///
    /// A session bus or a Secret Service that does not answer is given up after 3 s, here and in every call of the
    /// store, and then left alone for half a minute.
    ///
    /// # Errors
    /// [`StoreErrorKind::Unavailable`] without libsecret, session bus, Secret Service or collection, when they do not
    /// answer, and in a process with more rights than its caller, whose environment names the bus; [`StoreErrorKind::Denied`] when the collection is locked; [`StoreErrorKind::Io`] when a name of
    /// the item has a NUL in it.
    pub fn new(signal: impl Into<PathBuf>, item: SecretServiceItem) -> Result<Self, StoreError> {
        let store = KeyringItem {
            signal: CacheFile::new(signal),
            library: reachable_library()?,
            item,
        };
        store.call(|service, item| item.check_collection(service))?;
        Ok(Self(Locked::new(store)))
    }
}

locked_store!(SecretServiceStore, |_| {
    crate::cache::store::StoreKind::System
});

struct KeyringItem {
    signal: CacheFile,
    library: &'static Library,
    item: SecretServiceItem,
}

impl Medium for KeyringItem {
    fn file(&self) -> &CacheFile {
        &self.signal
    }

    fn place(&self) -> String {
        format!("keyring item {:?}", self.item.label)
    }

    fn glance(&self) -> Result<Glance, StoreError> {
        Ok(Glance::Opaque)
    }

    fn load(&self) -> Result<Secret, StoreError> {
        let secret = self.call(|service, item| item.find(service))?;
        let decoded = match self.item.encoding {
            SecretEncoding::Base64 => STANDARD.decode(&*secret).map(Zeroizing::new),
            SecretEncoding::Plain => return Ok(text(&secret)),
        };
        // What is no Base64 is no cache: the JSON that another program may have put there as it is
        // begins with a brace, and still is read.
        Ok(text(&decoded.unwrap_or(secret)))
    }

    fn save(&self, text: &Secret, _: &Lock) -> Result<(), StoreError> {
        let secret = match self.item.encoding {
            SecretEncoding::Base64 => Secret::from(STANDARD.encode(text.expose())),
            SecretEncoding::Plain => text.clone(),
        };
        self.call(move |service, item| {
            item.check_collection(service)?;
            item.store(service, secret.expose().as_bytes())
        })?;
        self.signal.touch()
    }

    /// The schema and every attribute get the suffix: no program finds the item any more, but whoever
    /// looks at the keyring.
    fn set_aside(&self) -> Result<String, StoreError> {
        let suffix = damaged_suffix();
        let mut damaged = self.item.clone();
        damaged.schema += &suffix;
        damaged.label += &suffix;
        for (_, value) in &mut damaged.attributes {
            *value += &suffix;
        }
        let place = format!("the keyring item {:?}", damaged.label);
        self.call(move |service, item| {
            damaged.store(service, &item.find(service)?)?;
            service
                .clear(&item.sought()?)
                .map_err(|problem| item.failure("set aside", &problem))
        })?;
        Ok(place)
    }
}

impl KeyringItem {
    /// Calls the Secret Service, within its limit.
    fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service, &SecretServiceItem) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (library, item) = (self.library, self.item.clone());
        session_bus::call(library, move |cancel| {
            let service = library.connect(cancel);
            work(&service.map_err(|problem| unavailable(&problem))?, &item)
        })
    }
}

impl SecretServiceItem {
    fn check_collection(&self, service: &Service) -> Result<(), StoreError> {
        let name = &self.collection;
        let locked = service.is_locked(&c_string(name)?);
        match locked.map_err(|problem| unavailable(&problem))? {
            Some(false) => Ok(()),
            Some(true) => Err(locked_keyring(name)),
            None => Err(unavailable(&format!("it has no collection {name:?}"))),
        }
    }

    fn find(&self, service: &Service) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let found = service.find(&self.sought()?);
        match found.map_err(|problem| self.failure("read", &problem))? {
            Found::Nothing => Ok(Zeroizing::default()),
            Found::Locked => Err(locked_keyring(&self.collection)),
            Found::Secret(secret) => Ok(secret),
        }
    }

    /// Returns the attributes that the item is looked for by.
    fn sought(&self) -> Result<Vec<(CString, CString)>, StoreError> {
        let mut attributes = c_strings(&self.attributes)?;
        if self.match_schema {
            attributes.push((c_string(SCHEMA)?, c_string(&self.schema)?));
        }
        Ok(attributes)
    }

    fn store(&self, service: &Service, secret: &[u8]) -> Result<(), StoreError> {
        let mut attributes = c_strings(&self.attributes)?;
        attributes.push((c_string(SCHEMA)?, c_string(&self.schema)?));
        let (collection, label) = (c_string(&self.collection)?, c_string(&self.label)?);
        service
            .store(&attributes, &collection, &label, secret)
            .map_err(|problem| self.failure("write", &problem))
    }

    fn failure(&self, verb: &str, problem: &str) -> StoreError {
        let item = &self.label;
        StoreError::new(
            StoreErrorKind::Io,
            format!("cannot {verb} the keyring item {item:?}: {problem}"),
        )
    }
}

/// Opens libsecret where there is a session bus to be reached; without this look GLib would start one. The environment
/// names the bus, so that a program with more rights than its caller asks none.
fn reachable_library() -> Result<&'static Library, StoreError> {
    if silentry_files::elevated() {
        return Err(unavailable(
            "a program with more rights than its caller takes no session bus from the environment",
        ));
    }
    let is_there = match std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        Some(address) if !address.is_empty() => {
            !address.as_encoded_bytes().starts_with(b"autolaunch:")
        }
        _ => std::env::var_os("XDG_RUNTIME_DIR")
            .is_some_and(|folder| Path::new(&folder).join("bus").exists()),
    };
    if !is_there {
        return Err(unavailable("there is no session bus"));
    }
    Library::open().map_err(|problem| unavailable(&problem))
}

fn locked_keyring(collection: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Denied,
        format!("the collection {collection:?} of the Secret Service is locked"),
    )
}

fn c_string(text: &str) -> Result<CString, StoreError> {
    CString::new(text).map_err(|_| {
        StoreError::new(
            StoreErrorKind::Io,
            "a name of a keyring item has a NUL in it",
        )
    })
}

fn c_strings(pairs: &[(String, String)]) -> Result<Vec<(CString, CString)>, StoreError> {
    pairs
        .iter()
        .map(|(name, value)| Ok((c_string(name)?, c_string(value)?)))
        .collect()
}
