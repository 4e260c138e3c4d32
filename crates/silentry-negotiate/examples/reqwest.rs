//! Negotiate for [reqwest](https://docs.rs/reqwest), which has none: a GET with the signed-in user's
//! Kerberos ticket.
//!
//! ```sh
//! cargo run --example reqwest -- https://sts.contoso.com/adfs/ls/idpinitiatedsignon.aspx
//! ```
//!
//! The hard part is the channel binding: the server's certificate must be known before the token is made.
//! `TlsInfo` tells it only with the response, and not at all through a CONNECT proxy. So a verifier around
//! the platform's remembers the certificate of each handshake, and a HEAD without credentials makes the
//! connection that the GET then finds in the pool.

#![allow(clippy::print_stdout)] // the result of an example is what it prints

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Response, StatusCode, Url};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use silentry_negotiate::{ChannelBinding, Context, Negotiator, ServerProof, ServicePrincipal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url: Url = std::env::args()
        .nth(1)
        .ok_or("usage: reqwest URL")?
        .parse()?;
    if url.scheme() != "https" {
        return Err("a token is not sent without TLS".into());
    }
    let leaves = Arc::new(Leaves::new()?);
    let client = client(&leaves)?;

    client
        .head(url.origin().ascii_serialization())
        .send()
        .await?;
    let (response, proof) = get(&client, &leaves, &url).await?;
    println!("{} {proof:?}", response.status());
    println!("{}", response.text().await?);
    Ok(())
}

/// Sends the request with a token; once more if the connection turned out to be another one, to a server
/// with another certificate.
async fn get(
    client: &Client,
    leaves: &Leaves,
    url: &Url,
) -> Result<(Response, ServerProof), Box<dyn Error>> {
    let host = url.host_str().ok_or("a URL without host")?.to_owned();
    let mut bound_to = leaves.of(&host).ok_or("no handshake was seen")?;
    let mut tries = 2;
    loop {
        let (context, header) = authorization(&host, &bound_to).await?;
        let response = client
            .get(url.clone())
            .header(AUTHORIZATION, header)
            .send()
            .await?;
        tries -= 1;
        let now = leaves.of(&host).ok_or("no handshake was seen")?;
        if response.status() == StatusCode::UNAUTHORIZED && now != bound_to && tries > 0 {
            bound_to = now;
            continue;
        }
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err("the server refuses the token".into());
        }
        let final_token = final_token(&response);
        let proof = tokio::task::spawn_blocking(move || context.finish(final_token.as_deref()));
        return Ok((response, proof.await??));
    }
}

/// Makes a token bound to the certificate, off the async thread, as Kerberos blocks.
async fn authorization(host: &str, leaf: &[u8]) -> Result<(Context, HeaderValue), Box<dyn Error>> {
    let service = ServicePrincipal::http(host)?;
    let binding = ChannelBinding::tls_server_end_point(leaf).ok();
    let (context, token) =
        tokio::task::spawn_blocking(move || Negotiator::new().initiate(&service, binding.as_ref()))
            .await?
            .map_err(|error| format!("{error}\n{}", error.mitigation()))?;
    let text = format!("Negotiate {}", STANDARD.encode(token.as_bytes()));
    let mut header = HeaderValue::try_from(text)?;
    header.set_sensitive(true);
    Ok((context, header))
}

/// Returns what stands behind `Negotiate` in the response (RFC 4559, 5).
fn final_token(response: &Response) -> Option<Vec<u8>> {
    response
        .headers()
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .find_map(|challenge| {
            let (scheme, data) = challenge.to_str().ok()?.trim().split_once(' ')?;
            // What is not base64 is a token that cannot verify, not one that is absent.
            scheme
                .eq_ignore_ascii_case("negotiate")
                .then(|| STANDARD.decode(data.trim()).unwrap_or_default())
        })
}

fn client(leaves: &Arc<Leaves>) -> Result<Client, Box<dyn Error>> {
    let mut tls = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous() // the verifier below asks the platform's
        .with_custom_certificate_verifier(leaves.clone())
        .with_no_client_auth();
    // A resumed session shows no certificate.
    tls.resumption = Resumption::disabled();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none()) // a token is for one host
        .http1_only()
        .pool_max_idle_per_host(1)
        .timeout(Duration::from_secs(30))
        .build()?;
    Ok(client)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The platform's verifier, which remembers the last certificate of each server.
#[derive(Debug)]
struct Leaves {
    platform: Verifier,
    seen: Mutex<HashMap<String, Vec<u8>>>,
}

impl Leaves {
    fn new() -> Result<Leaves, rustls::Error> {
        Ok(Leaves {
            platform: Verifier::new(provider())?,
            seen: Mutex::default(),
        })
    }

    fn of(&self, host: &str) -> Option<Vec<u8>> {
        self.seen.lock().ok()?.get(host).cloned()
    }
}

impl ServerCertVerifier for Leaves {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.platform.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        if let Ok(mut seen) = self.seen.lock() {
            seen.insert(server_name.to_str().into_owned(), end_entity.to_vec());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.platform
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}
