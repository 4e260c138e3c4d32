//! Who signs in to a proxy that asks for it.

use super::{BoxFuture, TransportError};

/// Signs in to proxies by HTTP Negotiate (RFC 4559), so that the transport need not know where tickets come from.
pub(crate) trait ProxyAuthenticator: Send + Sync {
    /// Makes a token for the proxy on `host`, within a time limit of its own.
    fn begin<'a>(
        &'a self,
        host: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn ProxyNegotiation>, TransportError>>;
}

/// One token on its way to a proxy.
pub(crate) trait ProxyNegotiation: Send {
    /// Returns the value of the `Proxy-Authorization` header.
    fn authorization(&self) -> &str;

    /// Ends it after the proxy opened the tunnel. `proof` is the proxy's own token, if it sent one, and must verify.
    fn accepted(
        self: Box<Self>,
        proof: Option<Vec<u8>>,
    ) -> BoxFuture<'static, Result<(), TransportError>>;

    /// Ends it after the proxy said 407 again. `reason` is the token that came with it, if one did.
    fn refused(self: Box<Self>, reason: Option<Vec<u8>>) -> BoxFuture<'static, TransportError>;
}
