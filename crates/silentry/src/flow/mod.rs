//! The flows: one file each, a straight line from top to bottom.

mod asked;
mod cached_user;
mod call;
pub(crate) mod device_code;
mod endpoints;
mod federation;
mod flight;
#[cfg(feature = "integrated")]
pub(crate) mod integrated_windows;
#[cfg(feature = "interactive")]
pub(crate) mod interactive;
#[cfg(feature = "integrated")]
mod kerberos;
pub(crate) mod ladder;
#[cfg(feature = "integrated")]
mod proxy_ticket;
mod redeem;
pub(crate) mod refresh_token;
#[cfg(feature = "integrated")]
mod signed_in;
pub(crate) mod silent;
#[cfg(feature = "integrated")]
mod upn;
pub(crate) mod username_password;
mod who;
mod whose;
#[cfg(feature = "integrated")]
mod windows_transport;
mod wstrust;

pub(crate) use endpoints::environments;
#[cfg(feature = "integrated")]
pub(crate) use flight::Accept;
#[cfg(feature = "integrated")]
pub(crate) use proxy_ticket::ProxyTicket;
#[cfg(feature = "integrated")]
pub(crate) use who::Who;

use crate::cache::store::{StoreError, StoreErrorKind};
use crate::error::{Code, Error, Stage};

const BEGIN_ANEW: &str =
    "Sign in again ({login}): a sign-in sets the damaged cache aside and begins a new one.";
const ANOTHER_PLACE: &str = "It is left as it is: use another place for the token cache ({cache}), or remove what is there.";

/// The error of a cache whose store failed.
pub(crate) fn cache_failed(error: &StoreError) -> Error {
    let code = match error.kind() {
        StoreErrorKind::Encrypted => Code::TokenCacheEncrypted,
        _ => Code::TokenCacheFailed,
    };
    let failed = Error::new(code, Stage::Cache, error.to_string()).with_source(error.clone());
    match error.kind() {
        StoreErrorKind::Damaged => failed.with_mitigation(BEGIN_ANEW),
        StoreErrorKind::NotACache => failed.with_mitigation(ANOTHER_PLACE),
        _ => failed,
    }
}
