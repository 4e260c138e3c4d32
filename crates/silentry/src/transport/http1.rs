//! The transport that ships: hyper on rustls, HTTP/1.1, through the system's proxy.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::proxy::Proxies;
use super::proxy_login::ProxyAuthenticator;
use super::tls::Tls;
use super::tunnel::Tunnels;
use super::{
    BoxFuture, Connection, HttpRequest, HttpResponse, MAX_RESPONSE_BYTES, Origin, Transport,
    TransportError, TransportErrorKind,
};
use crate::error::{Error, Stage};

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
                .map_err(|why| Error::new("invalid_proxy", Stage::Request, why))?,
            (false, None) => Proxies::of_system()
                .map_err(|why| Error::new("invalid_proxy", Stage::Request, why))?,
        };
        let tls = Tls::new(&self.ca_bundle)
            .map_err(|why| Error::new("invalid_ca_bundle", Stage::Request, why))?;
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
            builder = builder.header(name, value);
        }
        builder
            .body(Full::new(Bytes::copy_from_slice(request.body())))
            .map_err(|_| {
                TransportError::new(
                    TransportErrorKind::Protocol,
                    "a header of the request is malformed",
                )
            })
    }
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
    let body = Limited::new(body, MAX_RESPONSE_BYTES)
        .collect()
        .await
        .map_err(|error| match error.downcast_ref::<hyper::Error>() {
            Some(error) => closed(error, false),
            None => TransportError::new(
                TransportErrorKind::TooLarge,
                format!("the reply is larger than {MAX_RESPONSE_BYTES} bytes"),
            ),
        })?;
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
    Ok(HttpResponse::new(
        parts.status.as_u16(),
        headers,
        body.to_bytes().to_vec(),
    ))
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
