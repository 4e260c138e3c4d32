//! Which certificates are believed: those that the platform trusts, and those of the authorities that the user names.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Returns the verifier of the platform, widened by the authorities in `further_roots`.
///
/// Those are looked at by rustls itself, the same on every system. The platform's own way of adding authorities differs:
/// Windows takes self-signed ones alone, and first looks for the unknown issuer on the network.
pub(super) fn verifier(
    further_roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let platform = Verifier::new(provider.clone()).map_err(|error| error.to_string())?;
    if further_roots.is_empty() {
        return Ok(Arc::new(platform));
    }
    let given = WebPkiServerVerifier::builder_with_provider(further_roots, provider)
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(Widened { given, platform }))
}

/// Believes what either of two verifiers believes.
#[derive(Debug)]
struct Widened {
    given: Arc<WebPkiServerVerifier>,
    platform: Verifier,
}

impl ServerCertVerifier for Widened {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let ask = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        match ask(&*self.given) {
            Ok(verified) => Ok(verified),
            // Under one of the given authorities, then, but expired or of another name: the platform, which does not
            // know the authority, could only say that.
            Err(given) if !is_of_unknown_issuer(&given) => ask(&self.platform).map_err(|_| given),
            Err(_) => ask(&self.platform),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.given
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.given
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.given.supported_verify_schemes()
    }
}

fn is_of_unknown_issuer(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
    )
}
