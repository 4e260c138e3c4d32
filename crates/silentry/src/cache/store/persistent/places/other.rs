//! Systems without a store that is known here.

use std::path::PathBuf;

use super::super::super::{StoreError, TokenStore};
use super::{MsalDotnetStorage, home, unavailable};

pub(super) fn default_store(_: &str) -> Result<Box<dyn TokenStore>, StoreError> {
    Err(no_store())
}

pub(super) fn msal_python_store(_: PathBuf, _: String) -> Result<Box<dyn TokenStore>, StoreError> {
    Err(no_store())
}

pub(super) fn msal_dotnet_store(_: &MsalDotnetStorage) -> Result<Box<dyn TokenStore>, StoreError> {
    Err(no_store())
}

pub(super) fn developer_folder() -> Result<PathBuf, StoreError> {
    Ok(home()?.join(".local"))
}

fn no_store() -> StoreError {
    unavailable("this system has no encrypted store that Silentry knows")
}
