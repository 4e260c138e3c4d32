//! macOS: the Keychain.

use std::path::PathBuf;

use super::super::super::{StoreError, TokenStore};
use super::super::keychain::KeychainStore;
use super::{MsalDotnetStorage, home};

pub(super) fn default_store(name: &str) -> Result<Box<dyn TokenStore>, StoreError> {
    let folder = home()?
        .join("Library")
        .join("Application Support")
        .join("silentry");
    let signal = folder.join(format!("{name}.cache"));
    Ok(Box::new(KeychainStore::new(signal, "silentry", name)))
}

pub(super) fn msal_python_store(
    path: PathBuf,
    hash: String,
) -> Result<Box<dyn TokenStore>, StoreError> {
    Ok(Box::new(KeychainStore::new(path, "msal-extensions", hash)))
}

pub(super) fn msal_dotnet_store(
    storage: &MsalDotnetStorage,
) -> Result<Box<dyn TokenStore>, StoreError> {
    Ok(Box::new(KeychainStore::new(
        &storage.cache_file,
        &storage.keychain_service,
        &storage.keychain_account,
    )))
}

/// Git Credential Manager keeps Linux and macOS alike.
pub(super) fn developer_folder() -> Result<PathBuf, StoreError> {
    Ok(home()?.join(".local"))
}
