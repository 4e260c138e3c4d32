//! Windows: files that DPAPI encrypts.

use std::path::PathBuf;

use super::super::super::{StoreError, TokenStore};
use super::super::dpapi::DpapiStore;
use super::{MsalDotnetStorage, unavailable};

pub(super) fn default_store(name: &str) -> Result<Box<dyn TokenStore>, StoreError> {
    let file = developer_folder()?
        .join("silentry")
        .join(format!("{name}.cache"));
    Ok(Box::new(DpapiStore::new(file)))
}

pub(super) fn msal_python_store(
    path: PathBuf,
    _hash: String,
) -> Result<Box<dyn TokenStore>, StoreError> {
    Ok(Box::new(DpapiStore::new(path)))
}

pub(super) fn msal_dotnet_store(
    storage: &MsalDotnetStorage,
) -> Result<Box<dyn TokenStore>, StoreError> {
    Ok(Box::new(DpapiStore::new(&storage.cache_file)))
}

/// Returns the folder for what belongs to this user on this machine.
pub(super) fn developer_folder() -> Result<PathBuf, StoreError> {
    std::env::var_os("LOCALAPPDATA")
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .ok_or_else(|| unavailable("LOCALAPPDATA is not set"))
}
