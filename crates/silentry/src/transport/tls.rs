//! TLS with the platform's trust.

use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, OtherError, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::trust::{self, NoTrust};
use super::{Origin, TransportError, TransportErrorKind};
use crate::advice::Advice;

/// Makes TLS connections. The platform's roots are read at the first one, as not every run needs any.
pub(super) struct Tls {
    further_roots: Arc<RootCertStore>,
    config: OnceLock<Result<Arc<ClientConfig>, NoTrust>>,
}

impl Tls {
    /// Trusts the authorities of `ca_bundle` (PEM, may be empty) besides the platform's.
    pub(super) fn new(ca_bundle: &[u8]) -> Result<Self, String> {
        if ca_bundle.len() > silentry_files::MAX_BYTES {
            let limit = silentry_files::MAX_BYTES;
            return Err(format!("the CA bundle is larger than {limit} bytes"));
        }
        // Behind a byte order mark, as Notepad writes it, the first certificate would be passed over.
        let ca_bundle = ca_bundle.strip_prefix(b"\xef\xbb\xbf").unwrap_or(ca_bundle);
        let certificates = CertificateDer::pem_slice_iter(ca_bundle)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the CA bundle is not PEM: {error}"))?;
        let mut further_roots = RootCertStore::empty();
        let (added, _) = further_roots.add_parsable_certificates(certificates);
        if added == 0 && !ca_bundle.is_empty() {
            return Err("the CA bundle holds no certificate in PEM".to_owned());
        }
        Ok(Tls {
            further_roots: Arc::new(further_roots),
            config: OnceLock::new(),
        })
    }

    pub(super) async fn handshake(
        &self,
        origin: &Origin,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TransportError> {
        let config = self
            .config
            .get_or_init(|| self.configure())
            .clone()
            .map_err(cannot_start)?;
        let bare = origin
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let name = ServerName::try_from(bare).map_err(|_| {
            TransportError::new(
                TransportErrorKind::UnknownHost,
                format!("`{}` is not a host name", origin.host()),
            )
        })?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| failure(origin, &error))
    }

    fn configure(&self) -> Result<Arc<ClientConfig>, NoTrust> {
        // Passed on explicitly: a library does not choose the process's default provider.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = trust::verifier(self.further_roots.clone(), provider.clone())?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| NoTrust::Broken(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session shows no certificate, and without one there is no channel binding.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }
}

fn cannot_start(why: NoTrust) -> TransportError {
    match why {
        NoTrust::NoAuthority(why) => TransportError::new(
            TransportErrorKind::TlsTrust,
            format!("no certificate can be trusted, as no certificate authority is known: {why}"),
        )
        .with_advice(Advice::from(
            "Install the certificate authorities of your system (the package ca-certificates on most of them), or \
             name a file with those to trust: {ca-bundle}.",
        )),
        NoTrust::Broken(why) => TransportError::new(
            TransportErrorKind::Unusable,
            format!("TLS cannot start: {why}"),
        ),
    }
}

fn failure(origin: &Origin, error: &std::io::Error) -> TransportError {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(why)) => {
            // What the platform itself says would be shown as a structure.
            let why = match why {
                CertificateError::Other(OtherError(platform)) => platform.to_string(),
                rustls => rustls.to_string(),
            };
            TransportError::new(
                TransportErrorKind::TlsTrust,
                format!("the certificate of {origin} is not trusted: {why}"),
            )
        }
        Some(why) => TransportError::new(
            TransportErrorKind::TlsHandshake,
            format!("the TLS handshake with {origin} failed: {why}"),
        ),
        None => TransportError::new(
            TransportErrorKind::TlsHandshake,
            format!("{origin} broke off the TLS handshake: {error}"),
        ),
    }
}
