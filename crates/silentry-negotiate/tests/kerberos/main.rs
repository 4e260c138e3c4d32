//! The system's MIT Kerberos library against the lab's KDC and acceptor.
//!
//! What needs a KDC or the login's ccache runs in a child process, because `KRB5_CONFIG` and `KRB5CCNAME`
//! count for a whole process. The rest names a ccache with a service ticket in it.

#![cfg(target_os = "linux")]
// Tests may unwrap and print; clippy does not count their helpers among them.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod ccaches;
mod credentials;
mod failures;
mod handshake;
mod lab;
mod library;
mod messages;
mod third_party;
