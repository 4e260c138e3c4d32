//! Where the policy of a machine stands: a place that only its administrator writes. No variable, setting or argument
//! leads elsewhere, or the policy would be whoever's who sets it.

#[cfg(all(unix, not(target_os = "macos")))]
mod file;
#[cfg(target_os = "macos")]
mod managed_preferences;
#[cfg(windows)]
mod registry;

#[cfg(all(unix, not(target_os = "macos")))]
pub(super) use file::{PLACE, read};
#[cfg(target_os = "macos")]
pub(super) use managed_preferences::{PLACE, read};
#[cfg(windows)]
pub(super) use registry::{PLACE, read};
