//! Where caches are: Silentry's own place, and those of the MSALs' extensions.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::super::{StoreError, StoreErrorKind, TokenStore};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
mod other;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(target_os = "macos")]
use self::macos as system;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
use self::other as system;
#[cfg(windows)]
use self::windows as system;

/// Long enough for any program's name, and short enough for every file system.
const LONGEST_NAME: usize = 100;

/// Returns Silentry's own store for the caches of that name, which belong to one user of one machine.
///
/// | system | place |
/// |---|---|
/// | Windows | `%LOCALAPPDATA%\silentry\<name>.cache`, encrypted by DPAPI |
/// | macOS | the default keychain, service `silentry`, account `<name>` |
/// | Linux | the Secret Service, if it is there and its default collection is unlocked |
/// | Linux without | `$XDG_RUNTIME_DIR/silentry/<name>.cache`, in memory and gone after the session |
///
/// A Secret Service that does not answer is given up after 3 s, which this call blocks for. On Linux a process with more
/// rights than its caller (set-user-ID, file capabilities) has no store, as its caller's environment names the place.
///
/// A file that outlasts the session and is not encrypted must be asked for with
/// [`FileStore`](super::FileStore).
///
/// # Errors
/// [`StoreErrorKind::Unavailable`] when this machine has no such place, and [`StoreErrorKind::Io`] for a
/// name with anything but ASCII letters, digits, `.`, `_` and `-`.
pub fn default_store(name: &str) -> Result<Box<dyn TokenStore>, StoreError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let dots_only = name.bytes().all(|byte| byte == b'.');
    if dots_only || name.len() > LONGEST_NAME || !name.bytes().all(allowed) {
        return Err(StoreError::new(
            StoreErrorKind::Io,
            format!("{name:?} cannot be the name of a token cache"),
        ));
    }
    system::default_store(name)
}

/// Returns the store of `build_encrypted_persistence(location)` in MSAL Python's extensions
/// (`msal-extensions`).
///
/// | system | place | text |
/// |---|---|---|
/// | Windows | the file `location` | encrypted by DPAPI, as MSAL.NET's |
/// | macOS | keychain, service `msal-extensions`, account SHA-256 of `location` | as it is, as MSAL.NET's |
/// | Linux | Secret Service, schema SHA-256 of `location`, no attributes, looked for by the schema | as it is, where MSAL.NET writes Base64 |
///
/// `location` is hashed as it was given to MSAL Python, with a leading `~`; both then write to the file
/// in the home folder. For MSAL Python's `FilePersistence` use [`FileStore`](super::FileStore).
///
/// # Errors
/// Those of the system's store.
pub fn msal_python_store(location: &str) -> Result<Box<dyn TokenStore>, StoreError> {
    let path = match location.strip_prefix("~/") {
        Some(rest) => home()?.join(rest),
        None => PathBuf::from(location),
    };
    let hash = Sha256::digest(location);
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    system::msal_python_store(path, hash)
}

/// Says where MSAL.NET's extensions keep a cache: their `StorageCreationProperties`.
///
/// | system | place | text |
/// |---|---|---|
/// | Windows | the file `cache_file` | encrypted by DPAPI |
/// | macOS | keychain, `keychain_service` and `keychain_account` | as it is |
/// | Linux | Secret Service, looked for by both attributes and not by the schema | Base64 |
///
/// Outside Windows the file holds nothing; the lock is beside it, and its time tells of changes. For
/// MSAL.NET's unprotected file use [`FileStore`](super::FileStore).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MsalDotnetStorage {
    /// `CacheFileName` in `CacheDirectory`.
    pub cache_file: PathBuf,
    /// `MacKeyChainServiceName`.
    pub keychain_service: String,
    /// `MacKeyChainAccountName`.
    pub keychain_account: String,
    /// `KeyringSchemaName`.
    pub keyring_schema: String,
    /// `KeyringCollection`.
    pub keyring_collection: String,
    /// `KeyringSecretLabel`.
    pub keyring_label: String,
    /// `KeyringAttribute1` and `KeyringAttribute2`.
    pub keyring_attributes: [(String, String); 2],
}

impl MsalDotnetStorage {
    /// Returns the cache that Microsoft's developer tools share, as Git Credential Manager names its
    /// places: `%LOCALAPPDATA%\.IdentityService\msal.cache`, elsewhere the item
    /// `Microsoft.Developer.IdentityService` with `~/.local/.IdentityService/msal.cache` beside it.
    ///
    /// Its refresh tokens are those of other applications. They serve this one only as family refresh
    /// tokens, which must be asked for. Azure Identity and Azure PowerShell keep theirs in other files
    /// (`msal.cache.cae`, `msal.cache.nocae`), which [`cache_file`](Self::cache_file) can name.
    ///
    /// # Errors
    /// [`StoreErrorKind::Unavailable`] for a user without a home folder.
    pub fn shared_developer_cache() -> Result<Self, StoreError> {
        const SERVICE: &str = "Microsoft.Developer.IdentityService";
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Ok(Self {
            cache_file: system::developer_folder()?
                .join(".IdentityService")
                .join("msal.cache"),
            keychain_service: SERVICE.to_owned(),
            keychain_account: "MSALCache".to_owned(),
            keyring_schema: "msal.cache".to_owned(),
            keyring_collection: "default".to_owned(),
            keyring_label: "MSALCache".to_owned(),
            keyring_attributes: [
                attribute("MsalClientID", SERVICE),
                attribute(SERVICE, "1.0.0.0"),
            ],
        })
    }

    /// Returns the store of this system.
    ///
    /// # Errors
    /// Those of the system's store.
    pub fn store(&self) -> Result<Box<dyn TokenStore>, StoreError> {
        system::msal_dotnet_store(self)
    }
}

fn home() -> Result<PathBuf, StoreError> {
    silentry_files::home().ok_or_else(|| unavailable("this user has no home folder"))
}

fn unavailable(problem: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        let long = "x".repeat(LONGEST_NAME + 1);
        for name in [
            "", ".", "..", "../x", "a/b", "a\\b", "C:x", "a\0b", "größe", " ", &long,
        ] {
            let error = default_store(name).err().expect(name);
            assert!(
                error
                    .to_string()
                    .ends_with("cannot be the name of a token cache"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_shared_developer_cache_is_where_git_credential_manager_has_it() {
        let storage = MsalDotnetStorage::shared_developer_cache().unwrap();
        let file = storage.cache_file.to_string_lossy().replace('\\', "/");
        assert!(file.ends_with("/.IdentityService/msal.cache"), "{file}");
        assert_eq!(file.contains("/.local/"), cfg!(unix));
        assert_eq!(storage.keychain_account, "MSALCache");
    }
}
