//! How the crates of Silentry read files that people name, and whose files they trust.
//!
//! [`read`] reads any file within limits: no devices, at most [`MAX_BYTES`], within five seconds. [`read_start`] reads the
//! first bytes without waiting. [`check`] and [`read_trusted`] are for files that choose code, hosts or places: nobody but
//! the user and root may be able to change them. [`home`] and [`elevated`] say what the environment of this process is
//! worth.
//!
//! This crate exists for its siblings. It follows their needs, and its API is no promise to others.

mod owner;
mod process;
mod reading;

pub use owner::{Owners, Untrusted, check, check_folder, others_may_write};
pub use process::{check_descriptors, elevated, home};
pub use reading::{MAX_BYTES, read, read_start, read_trusted};
