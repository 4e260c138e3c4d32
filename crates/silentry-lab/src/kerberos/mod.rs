//! Kerberos values and files without a network: principals, keys, keytabs, credential caches, and the
//! [`acceptor::Acceptor`] that a web server checks a Negotiate token with.
//!
//! Messages are parsed and built by `picky-krb`, but no byte from a peer reaches it before
//! `der::validate` has bounded its depth and its lengths.

pub mod acceptor;
pub mod ccache;
pub mod keytab;

pub(crate) mod ap_req;
pub(crate) mod crypto;
pub(crate) mod der;
pub(crate) mod flags;
mod principal;
pub(crate) mod replay;
pub(crate) mod wire;

pub(crate) mod private_file;
mod records;
#[cfg(test)]
pub(crate) mod testing;

pub use crypto::{Etype, InvalidKey, Key};
pub use principal::{InvalidPrincipal, Principal};

/// How far apart two clocks may be, in seconds.
///
/// RFC 4120 1.6 asks for clocks that agree within a few minutes and 5 minutes is what every
/// implementation uses; Active Directory calls it "maximum tolerance for computer clock
/// synchronization".
pub const CLOCK_SKEW: i64 = 300;
