//! A cache in the Keychain of macOS.

use std::path::PathBuf;

use security_framework::base::Error;
use security_framework::passwords::{
    delete_generic_password, get_generic_password, set_generic_password,
};
use silentry_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::super::{StoreError, StoreErrorKind};
use super::file::{CacheFile, damaged_suffix, text};
use super::lock::Lock;
use super::locked::{Glance, Locked, Medium, locked_store};

/// `errSecItemNotFound`, `errSecAuthFailed`, `errSecInteractionNotAllowed` and
/// `errSecUserCanceled` of SecBase.h.
const ITEM_NOT_FOUND: i32 = -25300;
const REFUSED: [i32; 3] = [-25293, -25308, -128];

/// Keeps a token cache as a generic password of the user's default keychain.
///
/// The password is the JSON of the unified schema: the format of MSAL.NET's, MSAL Python's and MSAL
/// Node's extensions alike. Items made by another program are that program's: macOS asks the user once
/// whether this one may use them.
pub struct KeychainStore(Locked<KeychainItem>);

impl KeychainStore {
    /// Keeps the cache in the item of that service and account. The `signal` file holds nothing: the
    /// lock is beside it, and its time tells other programs of changes.
    pub fn new(
        signal: impl Into<PathBuf>,
        service: impl Into<String>,
        account: impl Into<String>,
    ) -> Self {
        Self(Locked::new(KeychainItem {
            signal: CacheFile::new(signal),
            service: service.into(),
            account: account.into(),
        }))
    }
}

locked_store!(KeychainStore, |_| crate::cache::store::StoreKind::System);

struct KeychainItem {
    signal: CacheFile,
    service: String,
    account: String,
}

impl Medium for KeychainItem {
    fn file(&self) -> &CacheFile {
        &self.signal
    }

    fn place(&self) -> String {
        format!("keychain item {} of {}", self.service, self.account)
    }

    fn glance(&self) -> Result<Glance, StoreError> {
        Ok(Glance::Opaque)
    }

    fn load(&self) -> Result<Secret, StoreError> {
        match get_generic_password(&self.service, &self.account) {
            Ok(bytes) => Ok(text(&Zeroizing::new(bytes))),
            Err(error) if error.code() == ITEM_NOT_FOUND => Ok(Secret::default()),
            Err(error) => Err(self.failure("read", error)),
        }
    }

    fn save(&self, text: &Secret, _: &Lock) -> Result<(), StoreError> {
        self.set(&self.account, text)?;
        self.signal.touch()
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        let account = format!("{}{}", self.account, damaged_suffix());
        self.set(&account, &self.load()?)?;
        delete_generic_password(&self.service, &self.account)
            .map_err(|error| self.failure("set aside", error))?;
        Ok(format!("keychain item {} of {account}", self.service))
    }
}

impl KeychainItem {
    fn set(&self, account: &str, text: &Secret) -> Result<(), StoreError> {
        set_generic_password(&self.service, account, text.expose().as_bytes())
            .map_err(|error| self.failure("write", error))
    }

    fn failure(&self, verb: &str, error: Error) -> StoreError {
        let kind = if REFUSED.contains(&error.code()) {
            StoreErrorKind::Denied
        } else {
            StoreErrorKind::Io
        };
        let (service, account) = (&self.service, &self.account);
        StoreError::new(
            kind,
            format!("cannot {verb} the keychain item {service} of {account}: {error}"),
        )
    }
}
