//! One request of the browser: to the lab over TLS, or to a client on the loopback address.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{HeaderMap, LOCATION, SET_COOKIE};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::Url;

/// No page of a sign-in is longer.
const MAX_BODY: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take to listen after it has opened the browser: MSAL.NET opens it first.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);

/// What the browser sends.
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) body: String,
}

/// What it gets.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
    pub(super) cookies: Vec<String>,
    pub(super) body: String,
}

/// Returns a TLS configuration that trusts these authorities and no other.
pub(super) fn trusting(authorities: &[Vec<u8>]) -> Result<Arc<ClientConfig>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(CertificateDer::from(authority.clone()))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Sends one request, on a connection of its own.
pub(super) async fn send(
    sent: &Sent,
    lab: SocketAddr,
    tls: &Arc<ClientConfig>,
    cookies: &str,
) -> io::Result<Answer> {
    let exchange = async {
        let host = sent.url.host_str().unwrap_or_default();
        match sent.url.scheme() {
            "https" => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                let stream = TcpStream::connect(lab).await?;
                let connector = TlsConnector::from(Arc::clone(tls));
                exchange(connector.connect(name, stream).await?, sent, cookies).await
            }
            "http" if matches!(host, "localhost" | "127.0.0.1" | "[::1]") => {
                let port = sent.url.port().unwrap_or(80);
                let host = host.trim_matches(['[', ']']);
                exchange(connect_to_client(host, port).await?, sent, cookies).await
            }
            other => Err(io::Error::other(format!("{other} leads out of the lab"))),
        }
    };
    match tokio::time::timeout(PATIENCE, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// Connects to a client that listens, or will soon.
async fn connect_to_client(host: &str, port: u16) -> io::Result<TcpStream> {
    let until = Instant::now() + LISTENS_WITHIN;
    loop {
        match TcpStream::connect((host, port)).await {
            Err(error)
                if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < until =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            connected => return connected,
        }
    }
}

async fn exchange<S>(stream: S, sent: &Sent, cookies: &str) -> io::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);
    let url = &sent.url;
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let mut request = Request::builder()
        .method(&sent.method)
        .uri(path)
        .header("host", url.authority())
        .header("accept", "text/html")
        .header("user-agent", "Mozilla/5.0 (silentry-lab)");
    if !cookies.is_empty() {
        request = request.header("cookie", cookies);
    }
    if sent.method == Method::POST {
        request = request.header("content-type", "application/x-www-form-urlencoded");
    }
    let request = request
        .body(Full::new(Bytes::from(sent.body.clone())))
        .map_err(io::Error::other)?;
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await;
    driver.abort();
    let body = body.map_err(io::Error::other)?.to_bytes();
    Ok(Answer {
        status: parts.status.as_u16(),
        location: parts
            .status
            .is_redirection()
            .then(|| texts(&parts.headers, &LOCATION).pop())
            .flatten(),
        cookies: texts(&parts.headers, &SET_COOKIE),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn texts(headers: &HeaderMap, name: &hyper::header::HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// MSAL.NET opens the browser, and listens for its return after that.
    #[tokio::test]
    async fn a_client_that_does_not_listen_yet_is_waited_for() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = free.local_addr().unwrap();
        drop(free);
        let sent = Sent {
            method: Method::GET,
            url: format!("http://{client}/").parse().unwrap(),
            body: String::new(),
        };
        let tls = trusting(&[]).unwrap();

        let listens_late = async {
            let listener = TcpListener::bind(client).await.unwrap();
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            assert_ne!(stream.read(&mut request).await.unwrap(), 0);
            let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
            stream.write_all(response).await.unwrap();
            std::future::pending::<()>().await;
        };
        let answer = tokio::select! {
            // The first is polled first, and finds nobody.
            biased;
            answer = send(&sent, client, &tls, "") => answer.unwrap(),
            () = listens_late => unreachable!("it waits for ever"),
        };
        assert_eq!(answer.body, "hi");
    }
}
