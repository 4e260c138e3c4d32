//! The places of the operating systems, each behind the MSALs' lock.

#[cfg(windows)]
mod dpapi;
mod file;
mod flight;
#[cfg(target_os = "macos")]
mod keychain;
#[cfg(target_os = "linux")]
mod libsecret;
mod lock;
mod locked;
mod os;
mod places;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
mod session_bus;

#[cfg(windows)]
pub use self::dpapi::DpapiStore;
pub use self::file::FileStore;
#[cfg(target_os = "macos")]
pub use self::keychain::KeychainStore;
pub use self::places::{MsalDotnetStorage, default_store, msal_python_store};
#[cfg(target_os = "linux")]
pub use self::secret_service::{SecretEncoding, SecretServiceItem, SecretServiceStore};
