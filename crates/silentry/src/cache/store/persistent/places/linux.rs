//! Linux: the Secret Service, or memory.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::statfs;

use super::super::super::{StoreError, TokenStore};
use super::super::file::FileStore;
use super::super::os::other_owner;
use super::super::secret_service::{SecretEncoding, SecretServiceItem, SecretServiceStore};
use super::{MsalDotnetStorage, home, unavailable};

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of linux/magic.h.
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

pub(super) fn default_store(name: &str) -> Result<Box<dyn TokenStore>, StoreError> {
    if silentry_files::elevated() {
        return Err(unavailable(
            "a program with more rights than its caller takes no place from the environment",
        ));
    }
    let file = format!("{name}.cache");
    let item = SecretServiceItem {
        schema: "silentry.token-cache".to_owned(),
        match_schema: true,
        collection: "default".to_owned(),
        label: format!("Silentry token cache ({name})"),
        attributes: vec![("cache".to_owned(), name.to_owned())],
        encoding: SecretEncoding::Plain,
    };
    let keyring = state_folder().and_then(|state| SecretServiceStore::new(state.join(&file), item));
    let no_keyring = match keyring {
        Ok(store) => return Ok(Box::new(store)),
        Err(error) => error,
    };
    match runtime_folder() {
        Ok(folder) => {
            tracing::debug!(%no_keyring, "the token cache is in memory, until the session ends");
            Ok(Box::new(FileStore::of_session(
                folder.join("silentry").join(file),
            )))
        }
        Err(no_memory) => Err(unavailable(format!("{no_keyring}; and {no_memory}"))),
    }
}

pub(super) fn msal_python_store(
    path: PathBuf,
    hash: String,
) -> Result<Box<dyn TokenStore>, StoreError> {
    let item = SecretServiceItem {
        schema: hash,
        match_schema: true,
        collection: "default".to_owned(),
        label: String::new(),
        attributes: Vec::new(),
        encoding: SecretEncoding::Plain,
    };
    Ok(Box::new(SecretServiceStore::new(path, item)?))
}

pub(super) fn msal_dotnet_store(
    storage: &MsalDotnetStorage,
) -> Result<Box<dyn TokenStore>, StoreError> {
    let item = SecretServiceItem {
        schema: storage.keyring_schema.clone(),
        match_schema: false,
        collection: storage.keyring_collection.clone(),
        label: storage.keyring_label.clone(),
        attributes: storage.keyring_attributes.to_vec(),
        encoding: SecretEncoding::Base64,
    };
    Ok(Box::new(SecretServiceStore::new(
        &storage.cache_file,
        item,
    )?))
}

/// Git Credential Manager keeps Linux and macOS alike.
pub(super) fn developer_folder() -> Result<PathBuf, StoreError> {
    Ok(home()?.join(".local"))
}

/// The folder for what outlasts a restart and is no document (XDG Base Directory Specification): the
/// lock and the signal file, which hold no secrets.
fn state_folder() -> Result<PathBuf, StoreError> {
    let state = match absolute("XDG_STATE_HOME") {
        Some(folder) => folder,
        None => home()?.join(".local").join("state"),
    };
    Ok(state.join("silentry"))
}

/// Returns `$XDG_RUNTIME_DIR` if it is what the specification demands, this user's alone, and in memory.
fn runtime_folder() -> Result<PathBuf, StoreError> {
    let folder =
        absolute("XDG_RUNTIME_DIR").ok_or_else(|| unavailable("XDG_RUNTIME_DIR is not set"))?;
    match private_memory(&folder) {
        Ok(()) => Ok(folder),
        Err(why) => {
            let folder = folder.display();
            Err(unavailable(format!(
                "XDG_RUNTIME_DIR ({folder}) is not used: {why}"
            )))
        }
    }
}

fn private_memory(folder: &Path) -> Result<(), String> {
    let metadata = folder.metadata().map_err(|error| error.to_string())?;
    if other_owner(&metadata).is_some() {
        return Err("it belongs to another user".to_owned());
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err("other users can look into it".to_owned());
    }
    let system = statfs(folder).map_err(|error| error.to_string())?;
    // The word has another width on other processors; the numbers have 32 bits everywhere.
    if !IN_MEMORY.contains(&(system.f_type as u32)) {
        return Err("it is not in memory".to_owned());
    }
    Ok(())
}

fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
