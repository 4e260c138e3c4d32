//! The tunnel through a proxy (RFC 9110 9.3.6), and what the proxy asks for before it opens one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use silentry_protocol::http::challenge::{self, Challenge};
use silentry_protocol::http::connect::ConnectReply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::http1::{Patience, connect_tcp};
use super::proxy::Proxy;
use super::proxy_login::ProxyAuthenticator;
use super::{Origin, TransportError, TransportErrorKind};

/// A proxy that says more than this to a CONNECT is not one.
const MAX_CONNECT_REPLY: usize = 16 * 1024;

/// Opens tunnels through the proxy in force.
#[derive(Default)]
pub(super) struct Tunnels {
    authenticator: Option<Arc<dyn ProxyAuthenticator>>,
    /// The proxy has asked for a ticket before: it gets one at once, which saves a round trip and a connection.
    ticket_demanded: AtomicBool,
}

/// What a proxy says to a CONNECT.
enum Answer {
    /// What follows on the stream is the origin's. The proxy may have proved itself in passing.
    Opened(TcpStream, Option<Vec<u8>>),
    /// 407, with what it asks for.
    Unauthorized(Vec<Challenge>),
}

impl Tunnels {
    pub(super) fn new(authenticator: Option<Arc<dyn ProxyAuthenticator>>) -> Self {
        Tunnels {
            authenticator,
            ticket_demanded: AtomicBool::new(false),
        }
    }

    /// Opens a tunnel to `origin`.
    ///
    /// A proxy that asks for a ticket gets it on a new connection, as many close the one that they refused and a
    /// Kerberos token needs no connection that knows it; and once only.
    pub(super) async fn open(
        &self,
        proxy: &Proxy,
        origin: &Origin,
        patience: &mut Patience,
    ) -> Result<TcpStream, TransportError> {
        if let Some(authenticator) = &self.authenticator
            && self.ticket_demanded.load(Ordering::Relaxed)
        {
            return self
                .open_with_ticket(authenticator.as_ref(), proxy, origin, patience)
                .await;
        }
        let asked = connect(proxy, origin, proxy.authorization());
        let challenges = match patience.spend(origin, asked).await? {
            Answer::Opened(stream, _) => return Ok(stream),
            Answer::Unauthorized(challenges) => challenges,
        };
        let offers = |scheme| challenges.iter().any(|offered| offered.is(scheme));
        match &self.authenticator {
            Some(authenticator) if offers("Negotiate") && proxy.authorization().is_none() => {
                tracing::debug!(proxy = proxy.host(), "the proxy asks for a ticket");
                self.open_with_ticket(authenticator.as_ref(), proxy, origin, patience)
                    .await
            }
            _ => Err(unauthorized(proxy, origin, &challenges)),
        }
    }

    async fn open_with_ticket(
        &self,
        authenticator: &dyn ProxyAuthenticator,
        proxy: &Proxy,
        origin: &Origin,
        patience: &mut Patience,
    ) -> Result<TcpStream, TransportError> {
        let negotiation = authenticator.begin(proxy.host()).await?;
        let asked = connect(proxy, origin, Some(negotiation.authorization()));
        match patience.spend(origin, asked).await? {
            Answer::Opened(stream, proof) => {
                negotiation.accepted(proof).await?;
                self.ticket_demanded.store(true, Ordering::Relaxed);
                Ok(stream)
            }
            Answer::Unauthorized(challenges) => {
                // The network may be another one by now: start from the beginning next time.
                self.ticket_demanded.store(false, Ordering::Relaxed);
                let reason = challenge::negotiate_token(&challenges);
                Err(negotiation.refused(reason).await)
            }
        }
    }
}

/// Connects to the proxy and asks it for a tunnel.
async fn connect(
    proxy: &Proxy,
    origin: &Origin,
    authorization: Option<&str>,
) -> Result<Answer, TransportError> {
    let mut stream = connect_tcp(proxy.host(), proxy.port())
        .await
        .map_err(|error| {
            TransportError::new(
                error.kind(),
                format!("the proxy cannot be reached: {error}"),
            )
        })?;
    stream
        .write_all(request(origin, authorization).as_bytes())
        .await
        .map_err(|error| refused(proxy, origin, &error.to_string()))?;
    let reply = read_reply(&mut stream)
        .await
        .map_err(|why| refused(proxy, origin, &why))?;
    let Some(reply) = ConnectReply::parse(&reply) else {
        return Err(refused(proxy, origin, "its answer is not HTTP"));
    };
    let reason = reply.reason;
    match reply.status {
        200..=299 => {
            let proof = challenge::negotiate_token(&reply.challenges);
            Ok(Answer::Opened(stream, proof))
        }
        407 => Ok(Answer::Unauthorized(reply.challenges)),
        // Bad gateway, unavailable, time-out: the proxy would, but cannot get there itself.
        status @ 502..=504 => Err(TransportError::new(
            TransportErrorKind::Unreachable,
            format!("the proxy cannot reach {origin}: {status} {reason}"),
        )),
        status => Err(refused(proxy, origin, &format!("{status} {reason}"))),
    }
}

fn request(origin: &Origin, authorization: Option<&str>) -> Zeroizing<String> {
    const NAME: &str = "Proxy-Authorization: ";
    let connect = format!("CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n");
    // Reserved whole, so that no piece of a token stays behind in a buffer that was outgrown.
    let length = connect.len() + NAME.len() + authorization.map_or(0, str::len) + 4;
    let mut request = Zeroizing::new(String::with_capacity(length));
    request.push_str(&connect);
    if let Some(authorization) = authorization {
        request.push_str(NAME);
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    request
}

/// The error of a 407 to which there is nothing to answer.
fn unauthorized(proxy: &Proxy, origin: &Origin, challenges: &[Challenge]) -> TransportError {
    if proxy.authorization().is_some() {
        return refused(proxy, origin, "it refuses the credentials of its URL (407)");
    }
    let offered = challenge::offered_schemes(challenges);
    let basic = offered
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case("Basic"));
    if basic || offered.is_empty() {
        return refused(proxy, origin, "it asks for credentials (407)");
    }
    TransportError::new(
        TransportErrorKind::ProxySchemeUnknown,
        format!(
            "the proxy {}:{} wants {}",
            proxy.host(),
            proxy.port(),
            offered.join(" or ")
        ),
    )
}

fn refused(proxy: &Proxy, origin: &Origin, why: &str) -> TransportError {
    TransportError::new(
        TransportErrorKind::ProxyRefused,
        format!(
            "the proxy {}:{} gives no tunnel to {origin}: {why}",
            proxy.host(),
            proxy.port()
        ),
    )
}

/// Reads up to the empty line and not a byte further: what follows belongs to the tunnel.
async fn read_reply(stream: &mut TcpStream) -> Result<Vec<u8>, String> {
    let mut reply = Vec::with_capacity(256);
    while !reply.ends_with(b"\r\n\r\n") {
        if reply.len() >= MAX_CONNECT_REPLY {
            return Err("its answer has no end".to_owned());
        }
        let byte = stream
            .read_u8()
            .await
            .map_err(|_| "it closed the connection".to_owned())?;
        reply.push(byte);
    }
    Ok(reply)
}
