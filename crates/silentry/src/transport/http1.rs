//! The transport that ships: hyper on rustls, HTTP/1.1, through the system's proxy.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::proxy::Proxies;
use super::proxy_login::ProxyAuthenticator;
use super::tls::Tls;
use super::tunnel::Tunnels;
use super::{
    BoxFuture, Connection, HttpRequest, HttpResponse, MAX_RESPONSE_BYTES, Origin, Transport,
    TransportError, TransportErrorKind,
};
use crate::error::{Code, Error, Stage};

/// How long opening a connection may take, with the proxy's part and the TLS handshake; a ticket for the proxy has a
/// time limit of its own.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one exchange may take. MSAL.NET gives 100 s to the call as a whole.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(30);

/// Reply headers beyond this are refused; an AP-REP with its SPNEGO wrapper is far smaller.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// The transport that ships: HTTP/1.1 by hyper, TLS by rustls, trust by the platform's verifier, and the proxy of the
/// environment or the system.
///
/// It needs a Tokio runtime with I/O and time enabled.
pub struct HyperTransport {
    tls: Tls,
    proxies: Proxies,
    tunnels: Tunnels,
}

/// Builds a [`HyperTransport`].
#[derive(Default)]
pub struct HyperTransportBuilder {
    ca_bundle: Vec<u8>,
    proxy: Option<String>,
    direct: bool,
    proxy_authenticator: Option<Arc<dyn ProxyAuthenticator>>,
}

/// What is left of the time that opening a connection may take.
pub(super) struct Patience(Duration);

impl HyperTransport {
    /// Returns a builder with the platform's trust and the system's proxy.
    pub fn builder() -> HyperTransportBuilder {
        HyperTransportBuilder::default()
    }

    async fn open(&self, origin: &Origin) -> Result<Box<dyn Connection>, TransportError> {
        let mut patience = Patience(CONNECT_TIMEOUT);
        let stream = match self.proxies.for_origin(origin)? {
            Some(proxy) => self.tunnels.open(&proxy, origin, &mut patience).await?,
            None => {
                let connecting = connect_tcp(origin.host(), origin.port());
                patience.spend(origin, connecting).await?
            }
        };
        let handshake = self.tls.handshake(origin, stream);
        let stream = patience.spend(origin, handshake).await?;
        let leaf = leaf_certificate(&stream);
        let mut http = hyper::client::conn::http1::Builder::new();
        http.max_buf_size(MAX_HEADER_BYTES);
        let (sender, driver) = http
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| {
                TransportError::new(TransportErrorKind::Protocol, error.to_string())
            })?;
        let driver: Driver = Box::pin(async move {
            // A broken connection shows itself to the exchange on it.
            let _ = driver.await;
        });
        Ok(Box::new(HyperConnection {
            origin: origin.clone(),
            leaf,
            sender,
            driver: Some(driver),
        }))
    }
}

impl HyperTransportBuilder {
    /// Trusts the authorities of a PEM bundle besides the platform's.
    pub fn with_ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_bundle = pem.into();
        self
    }

    /// Uses this proxy (`http://host:port`, with `user:password@` where it asks for Basic) for every host, instead of the system's.
    pub fn with_proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Connects directly, whatever proxy the system names.
    pub fn without_proxy(mut self) -> Self {
        self.direct = true;
        self
    }

    /// Lets a proxy that asks for a ticket have one.
    #[cfg(feature = "integrated")]
    pub(crate) fn with_proxy_authenticator(
        mut self,
        authenticator: Arc<dyn ProxyAuthenticator>,
    ) -> Self {
        self.proxy_authenticator = Some(authenticator);
        self
    }

    /// Builds the transport.
    ///
    /// # Errors
    ///
    /// `invalid_ca_bundle` when the bundle holds no certificate, `invalid_proxy` when the URL of the proxy, the
    /// given one or the environment's, cannot be used.
    pub fn build(self) -> Result<HyperTransport, Error> {
        let proxies = match (self.direct, self.proxy) {
            (true, _) => Proxies::none(),
            (false, Some(url)) => Proxies::fixed(&url)
                .map_err(|why| Error::new(Code::InvalidProxy, Stage::Request, why))?,
            (false, None) => Proxies::of_system()
                .map_err(|why| Error::new(Code::InvalidProxy, Stage::Request, why))?,
        };
        let tls = Tls::new(&self.ca_bundle)
            .map_err(|why| Error::new(Code::InvalidCaBundle, Stage::Request, why))?;
        Ok(HyperTransport {
            tls,
            proxies,
            tunnels: Tunnels::new(self.proxy_authenticator),
        })
    }
}

impl Transport for HyperTransport {
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            if tokio::runtime::Handle::try_current().is_err() {
                return Err(TransportError::new(
                    TransportErrorKind::Unusable,
                    "no Tokio runtime is running here",
                ));
            }
            self.open(origin).await
        })
    }
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

struct HyperConnection {
    origin: Origin,
    leaf: Option<Vec<u8>>,
    sender: SendRequest<Full<Bytes>>,
    /// The connection's own work, done while an exchange is awaited, so that nothing needs to be spawned. `None` once
    /// it has ended.
    driver: Option<Driver>,
}

impl HyperConnection {
    async fn exchange(&mut self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let request = self.to_hyper(request)?;
        let sending = self.sender.send_request(request);
        let exchange = async {
            let response = sending.await.map_err(|error| closed(&error, true))?;
            read(response).await
        };
        drive(&mut self.driver, exchange).await
    }

    /// Nothing secret is copied into memory that nobody wipes; what hyper and rustls buffer is theirs.
    fn to_hyper(
        &self,
        request: &HttpRequest,
    ) -> Result<hyper::Request<Full<Bytes>>, TransportError> {
        let host = match self.origin.port() {
            443 => self.origin.host().to_owned(),
            _ => self.origin.to_string(),
        };
        let mut builder = hyper::Request::builder()
            .method(request.method().as_str())
            .uri(request.target())
            .header("host", host);
        for (name, value) in request.headers() {
            builder = match is_secret(name) {
                true => builder.header(name, secret_value(value)?),
                false => builder.header(name, value),
            };
        }
        builder
            .body(Full::new(request.shared_body()))
            .map_err(|_| malformed_header())
    }
}

/// Returns whether a header carries a credential (RFC 9110 11.6.2, RFC 6265).
fn is_secret(name: &str) -> bool {
    let secret = ["authorization", "cookie", "proxy-authorization"];
    secret
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
}

/// A header's value that is wiped, and that neither a log nor a table of HTTP shows.
fn secret_value(value: &str) -> Result<HeaderValue, TransportError> {
    let bytes = Bytes::from_owner(Zeroizing::new(value.as_bytes().to_vec()));
    let mut value = HeaderValue::from_maybe_shared(bytes).map_err(|_| malformed_header())?;
    value.set_sensitive(true);
    Ok(value)
}

fn malformed_header() -> TransportError {
    TransportError::new(
        TransportErrorKind::Protocol,
        "a header of the request is malformed",
    )
}

impl Connection for HyperConnection {
    fn leaf_certificate(&self) -> Option<&[u8]> {
        self.leaf.as_deref()
    }

    fn send<'a>(
        &'a mut self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move {
            let origin = self.origin.clone();
            within(EXCHANGE_TIMEOUT, &origin, self.exchange(request)).await
        })
    }

    fn is_open(&mut self) -> bool {
        // Nobody drives an idle connection; one turn shows whether the server has closed it meanwhile.
        if let Some(driver) = &mut self.driver
            && driver
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_ready()
        {
            self.driver = None;
        }
        self.driver.is_some() && !self.sender.is_closed()
    }
}

/// Awaits `work` while the connection is driven.
async fn drive<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        if let Some(running) = driver
            && running.as_mut().poll(context).is_ready()
        {
            *driver = None;
        }
        match work.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(value),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn read(
    response: hyper::Response<hyper::body::Incoming>,
) -> Result<HttpResponse, TransportError> {
    let (parts, body) = response.into_parts();
    let body = read_body(body).await?;
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    Ok(HttpResponse::of(parts.status.as_u16(), headers, body))
}

/// Reads a body into memory that is wiped, also where it had to grow.
async fn read_body(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, TransportError> {
    let too_large = || {
        TransportError::new(
            TransportErrorKind::TooLarge,
            format!("the reply is larger than {MAX_RESPONSE_BYTES} bytes"),
        )
    };
    let announced = body.size_hint().exact().unwrap_or(0);
    let announced = usize::try_from(announced).map_err(|_| too_large())?;
    if announced > MAX_RESPONSE_BYTES {
        return Err(too_large());
    }
    let mut whole = Zeroizing::new(Vec::with_capacity(announced));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| closed(&error, false))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if piece.len() > MAX_RESPONSE_BYTES - whole.len() {
            return Err(too_large());
        }
        append(&mut whole, &piece);
    }
    Ok(whole)
}

/// A vector that grows by itself leaves its old memory behind as it was.
fn append(whole: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    let needed = whole.len() + piece.len();
    if needed > whole.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * whole.capacity())));
        larger.extend_from_slice(whole);
        *whole = larger;
    }
    whole.extend_from_slice(piece);
}

/// `before_reply`: nothing of the reply has been read when it happened.
fn closed(error: &hyper::Error, before_reply: bool) -> TransportError {
    if error.is_parse() {
        return TransportError::new(
            TransportErrorKind::Protocol,
            format!("what came is not HTTP: {error}"),
        );
    }
    TransportError::new(
        TransportErrorKind::Closed { before_reply },
        format!("the connection ended before the reply: {error}"),
    )
}

/// Opens a TCP connection to the first address of `host` that answers.
pub(super) async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, TransportError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = tokio::net::lookup_host((bare, port))
        .await
        .map_err(|error| {
            TransportError::new(
                TransportErrorKind::UnknownHost,
                format!("the name `{bare}` cannot be resolved: {error}"),
            )
        })?;
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "it has no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Requests are written whole; waiting for more would only delay them.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(TransportError::new(
        TransportErrorKind::Unreachable,
        format!("no connection to {host}:{port}: {last}"),
    ))
}

fn leaf_certificate(stream: &TlsStream<TcpStream>) -> Option<Vec<u8>> {
    let (_, session) = stream.get_ref();
    Some(session.peer_certificates()?.first()?.as_ref().to_vec())
}

impl Patience {
    /// Awaits `work` for as long as there is patience.
    pub(super) async fn spend<T>(
        &mut self,
        origin: &Origin,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        let begun = Instant::now();
        let result = within(self.0, origin, work).await;
        self.0 = self.0.saturating_sub(begun.elapsed());
        result
    }
}

async fn within<T>(
    limit: Duration,
    origin: &Origin,
    work: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(TransportError::new(
            TransportErrorKind::TimedOut,
            format!("{origin} did not answer within {} s", limit.as_secs()),
        ))
    })
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn a_body_is_sent_from_the_memory_that_is_wiped() {
        let url = Url::parse("https://login.contoso.test/token").unwrap();
        let body = Zeroizing::new(b"password=hunter2".to_vec());
        let place = body.as_ptr();
        let request = HttpRequest::post(&url, "application/x-www-form-urlencoded", body);
        assert_eq!(request.body().as_ptr(), place);
        assert_eq!(request.shared_body().as_ptr(), place);
    }

    #[test]
    fn credentials_are_marked_as_such() {
        for name in ["authorization", "Proxy-Authorization", "COOKIE"] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("accept"));
        let value = secret_value("Negotiate YII=").unwrap();
        assert!(value.is_sensitive());
        assert_eq!(value, "Negotiate YII=");
        assert!(!format!("{value:?}").contains("YII"));
        assert!(secret_value("Negotiate\r\nx: y").is_err());
    }

    #[test]
    fn a_body_that_grows_is_whole() {
        let mut whole = Zeroizing::new(Vec::with_capacity(3));
        for piece in [&b"abc"[..], b"", b"defghij", b"k"] {
            append(&mut whole, piece);
        }
        assert_eq!(whole.as_slice(), b"abcdefghijk");
    }
}
