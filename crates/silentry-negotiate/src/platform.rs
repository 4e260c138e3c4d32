//! The calls of the system that this is built for.

#[cfg(unix)]
pub(crate) use crate::unix::{Initiator, signed_in_user};
#[cfg(windows)]
pub(crate) use crate::windows::{Initiator, signed_in_user};
