//! An API that is not content with its token, in the lab.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use silentry::{ClaimsChallenge, Error, PublicClientApplication, TokenSource};
use silentry_lab::{DEFAULT_SCOPE, Lab};
use tokio_rustls::TlsConnector;

use crate::support::client_with_ticket;

fn app(lab: &Lab) -> PublicClientApplication {
    client_with_ticket(lab)
        .with_client_capabilities(["cp1"])
        .build()
        .unwrap()
}

/// Calls the API, and returns the status with the `WWW-Authenticate` headers.
async fn call(lab: &Lab, access_token: &str) -> (u16, Vec<String>) {
    let mut roots = RootCertStore::empty();
    for certificate in lab.ca_der() {
        roots
            .add(CertificateDer::from(certificate.clone()))
            .unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = tokio::net::TcpStream::connect(lab.proxy_addr())
        .await
        .unwrap();
    let name = "api.contoso.test".try_into().unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = TokioIo::new(connector.connect(name, socket).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = hyper::Request::get("/")
        .header("host", "api.contoso.test")
        .header("authorization", format!("Bearer {access_token}"))
        .body(Empty::<Bytes>::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    connection.abort();
    let headers = response.headers().get_all("www-authenticate");
    let headers = headers
        .iter()
        .map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), headers.collect())
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_renewed_with_the_claims_of_the_api() {
    let lab = Lab::builder().scenario("cae").start().await.unwrap();
    let app = app(&lab);
    let first = app.acquire_token([DEFAULT_SCOPE]).await.unwrap();
    let (status, headers) = call(&lab, first.access_token()).await;
    assert_eq!(status, 401);
    let challenge = ClaimsChallenge::from_www_authenticate(&headers).unwrap();

    let exchanges = lab.exchanges().len();
    let ladder = app.acquire_token([DEFAULT_SCOPE]).with_claims(challenge);
    let second = ladder.await.unwrap();
    assert_eq!(second.token_source(), TokenSource::IdentityProvider);
    assert_ne!(second.access_token(), first.access_token());
    assert_eq!(lab.exchanges().len() - exchanges, 1, "by the refresh token");
    assert_eq!(call(&lab, second.access_token()).await.0, 200);

    let third = app.acquire_token([DEFAULT_SCOPE]).await.unwrap();
    assert_eq!(third.token_source(), TokenSource::Cache);
    assert_eq!(third.access_token(), second.access_token());
}

#[tokio::test]
async fn what_only_the_user_can_give_is_interaction_required_with_the_claims() {
    let lab = Lab::builder()
        .scenario("auth-context")
        .start()
        .await
        .unwrap();
    let app = app(&lab);
    let first = app.acquire_token([DEFAULT_SCOPE]).await.unwrap();
    let (status, headers) = call(&lab, first.access_token()).await;
    assert_eq!(status, 401);
    let challenge = ClaimsChallenge::from_www_authenticate(&headers).unwrap();
    let silent = app.acquire_token_silent([DEFAULT_SCOPE], first.account());
    let error = silent.with_claims(challenge).await.unwrap_err();
    let Error::InteractionRequired(needed) = error else {
        panic!("{error}");
    };
    assert!(needed.claims().unwrap().contains("acrs"));
}
