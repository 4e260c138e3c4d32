//! One https request to a name the lab plays.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::Request;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use silentry_lab::Lab;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The lab's own answers are far smaller.
const MAX_BODY: usize = 1024 * 1024;

/// Sends a GET with an access token, and returns status and body.
pub(crate) async fn get(
    lab: &Lab,
    host: &str,
    path: &str,
    access_token: &str,
) -> io::Result<(u16, Bytes)> {
    let stream = TcpStream::connect(lab.proxy_addr()).await?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let tls = TlsConnector::from(Arc::new(trusting(lab)?))
        .connect(name, stream)
        .await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls))
        .await
        .map_err(io::Error::other)?;
    let driver = tokio::spawn(connection);

    let request = Request::get(path)
        .header("host", host)
        .header("authorization", format!("Bearer {access_token}"))
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    driver.abort();
    Ok((status, body.map_err(io::Error::other)?.to_bytes()))
}

fn trusting(lab: &Lab) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in lab.ca_der() {
        roots
            .add(CertificateDer::from(certificate.clone()))
            .map_err(io::Error::other)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
