//! Connections and what travels on them.
//!
//! [`Transport`] opens a connection to an https origin, directly or through a proxy. The connection tells its leaf
//! certificate before anything is sent, since the channel binding of the Negotiate token (RFC 5929) is made from it,
//! and then carries requests one after another.

mod clock;
mod error;
mod exchange;
mod http1;
mod message;
mod no_proxy;
mod pool;
mod proxy;
mod proxy_login;
mod tls;
mod trust;
mod tunnel;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

pub use error::{TransportError, TransportErrorKind};
pub use http1::{HyperTransport, HyperTransportBuilder};
pub use message::{HttpRequest, HttpResponse, Method};

pub(crate) use clock::{Clock, TokioClock, within};
#[cfg(feature = "integrated")]
pub(crate) use exchange::is_stale;
pub(crate) use exchange::{Exchange, is_redirect, redirect_refused, retry_after};
pub(crate) use pool::{Connections, Lease};
#[cfg(feature = "integrated")]
pub(crate) use proxy_login::{ProxyAuthenticator, ProxyNegotiation};

/// The largest reply that is read. AD FS metadata has up to 100 KB, tokens of users with many groups some tens of KB.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// A boxed future, so that the seams are object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Opens connections. Implement it to bring an HTTP stack of your own.
pub trait Transport: Send + Sync + 'static {
    /// Opens a TLS connection to `origin`.
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>>;
}

/// One TLS connection to an origin.
pub trait Connection: Send {
    /// Returns the server's leaf certificate in DER, as it was presented on this very connection; `None` when the
    /// stack cannot tell, and then the Negotiate token carries no channel binding.
    fn leaf_certificate(&self) -> Option<&[u8]>;

    /// Sends one request and reads its reply, following no redirect.
    fn send<'a>(
        &'a mut self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, TransportError>>;

    /// Returns `true` while another request can be sent on it.
    fn is_open(&mut self) -> bool;
}

/// An https origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    pub(crate) fn of(url: &url::Url) -> Option<Self> {
        let host = url.host_str().filter(|_| url.scheme() == "https")?;
        Some(Origin {
            host: host.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// Returns the host in lower case; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
