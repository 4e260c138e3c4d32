//! The ways in: one file each, a straight line from top to bottom.

mod asked;
mod cached_user;
mod call;
pub(crate) mod device_code;
mod endpoints;
mod federation;
pub(crate) mod integrated_windows;
#[cfg(feature = "interactive")]
pub(crate) mod interactive;
mod kerberos;
pub(crate) mod ladder;
mod proxy_ticket;
mod redeem;
pub(crate) mod refresh_token;
mod signed_in;
pub(crate) mod silent;
mod upn;
pub(crate) mod username_password;
mod windows_transport;
mod wstrust;

pub(crate) use endpoints::{EndpointMemory, environments};
pub(crate) use federation::FederationMemory;
pub(crate) use proxy_ticket::ProxyTicket;

use crate::cache::store::StoreError;
use crate::error::{Error, Stage};

/// The error of a cache whose store failed.
pub(crate) fn cache_failed(error: &StoreError) -> Error {
    Error::new("token_cache_failed", Stage::Cache, error.to_string())
}
