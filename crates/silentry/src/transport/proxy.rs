//! Which proxy leads to an origin, and the tunnel through it.

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

use super::http1::connect_tcp;
use super::{Origin, TransportError, TransportErrorKind};

/// A proxy that says more than this to a CONNECT is not one.
const MAX_CONNECT_REPLY: usize = 16 * 1024;

/// The proxies in force.
pub(super) enum Proxies {
    None,
    Rules(Box<Matcher>),
}

/// The way through one proxy.
pub(super) struct Proxy {
    host: String,
    port: u16,
    authorization: Option<String>,
}

impl Proxies {
    pub(super) fn none() -> Self {
        Proxies::None
    }

    /// `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` in either case as curl reads them, else the system's settings.
    pub(super) fn of_system() -> Self {
        Proxies::Rules(Box::new(Matcher::from_system()))
    }

    pub(super) fn fixed(url: &str) -> Result<Self, String> {
        let parsed = Url::parse(url).map_err(|error| format!("the proxy is no URL: {error}"))?;
        if parsed.scheme() != "http" || parsed.host_str().is_none() {
            return Err("a proxy is written http://host:port".to_owned());
        }
        Ok(Proxies::Rules(Box::new(
            Matcher::builder().https(url.to_owned()).build(),
        )))
    }

    pub(super) fn for_origin(&self, origin: &Origin) -> Option<Proxy> {
        let Proxies::Rules(matcher) = self else {
            return None;
        };
        let intercept = matcher.intercept(&format!("https://{origin}/").parse().ok()?)?;
        Proxy::of(&intercept)
    }
}

impl Proxy {
    fn of(intercept: &Intercept) -> Option<Self> {
        let uri = intercept.uri();
        let authorization = intercept.basic_auth().and_then(|value| value.to_str().ok());
        Some(Proxy {
            host: uri.host()?.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            authorization: authorization.map(str::to_owned),
        })
    }
}

/// Opens a tunnel to `origin` (RFC 9110 9.3.6).
pub(super) async fn open_tunnel(
    proxy: &Proxy,
    origin: &Origin,
) -> Result<TcpStream, TransportError> {
    let mut stream = connect_tcp(&proxy.host, proxy.port)
        .await
        .map_err(|error| {
            TransportError::new(
                error.kind(),
                format!("the proxy cannot be reached: {error}"),
            )
        })?;
    let mut request = format!("CONNECT {origin} HTTP/1.1\r\nHost: {origin}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str(&format!("Proxy-Authorization: {authorization}\r\n"));
    }
    request.push_str("\r\n");
    let refused = |why: String| {
        TransportError::new(
            TransportErrorKind::ProxyRefused,
            format!(
                "the proxy {}:{} gives no tunnel to {origin}: {why}",
                proxy.host, proxy.port
            ),
        )
    };
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| refused(error.to_string()))?;
    let reply = read_reply(&mut stream).await.map_err(refused)?;
    match status_of(&reply) {
        Some((200..=299, _)) => Ok(stream),
        Some((407, _)) => Err(refused("it asks for credentials (407)".to_owned())),
        // Bad gateway, unavailable, time-out: the proxy would, but cannot get there itself.
        Some((status @ 502..=504, reason)) => Err(TransportError::new(
            TransportErrorKind::Unreachable,
            format!("the proxy cannot reach {origin}: {status} {reason}"),
        )),
        Some((status, reason)) => Err(refused(format!("{status} {reason}"))),
        None => Err(refused("its answer is not HTTP".to_owned())),
    }
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

/// The status and reason of `HTTP/1.1 200 Connection established`.
fn status_of(reply: &[u8]) -> Option<(u16, String)> {
    let line = reply.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let mut words = line.splitn(3, ' ').skip(1);
    let status = words.next()?.parse().ok()?;
    let reason = words
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(80);
    Some((status, reason.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        Origin::of(&Url::parse(text).unwrap()).unwrap()
    }

    #[test]
    fn a_fixed_proxy_serves_every_origin() {
        let proxies = Proxies::fixed("http://user:pass@proxy.contoso.test:3128").unwrap();
        let proxy = proxies
            .for_origin(&origin("https://login.microsoftonline.com"))
            .unwrap();
        assert_eq!(
            (proxy.host.as_str(), proxy.port),
            ("proxy.contoso.test", 3128)
        );
        assert_eq!(proxy.authorization.as_deref(), Some("Basic dXNlcjpwYXNz"));
        assert!(
            Proxies::none()
                .for_origin(&origin("https://a.test"))
                .is_none()
        );
        assert!(Proxies::fixed("socks5://proxy:1080").is_err());
        assert!(Proxies::fixed("proxy").is_err());
    }

    #[test]
    fn the_status_line_is_read_and_nothing_else() {
        assert_eq!(
            status_of(b"HTTP/1.1 200 OK\r\n\r\n"),
            Some((200, "OK".to_owned()))
        );
        assert_eq!(
            status_of(b"HTTP/1.0 403\r\n\r\n"),
            Some((403, String::new()))
        );
        assert_eq!(status_of(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(status_of(b""), None);
    }
}
