//! Which certificates are believed: those that the platform trusts, and those of the authorities that the user names.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Why nothing can be believed.
#[derive(Clone, Debug)]
#[cfg_attr(
    any(windows, target_vendor = "apple"),
    allow(dead_code, reason = "their own verifier always knows authorities")
)]
pub(super) enum NoTrust {
    /// No authority is known, for this reason.
    #[cfg_attr(
        any(windows, target_vendor = "apple"),
        allow(dead_code, reason = "those systems answer for their store themselves")
    )]
    NoAuthority(String),
    /// TLS itself cannot be set up.
    Broken(String),
}

/// Returns the verifier of the platform, widened by the authorities in `further_roots`.
///
/// Those are looked at by rustls itself, the same on every system. The platform's own way of adding authorities differs:
/// Windows takes self-signed ones alone, and first looks for the unknown issuer on the network. Where the platform knows
/// no authority, as in a small container, they are enough.
pub(super) fn verifier(
    further_roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, NoTrust> {
    let platform = of_platform(&provider);
    if further_roots.is_empty() {
        return platform;
    }
    let given = of_roots(further_roots, provider)?;
    match platform {
        Ok(platform) => Ok(Arc::new(Widened { given, platform })),
        Err(why) => {
            tracing::debug!(?why, "only the authorities of the CA bundle are trusted");
            Ok(given)
        }
    }
}

fn of_roots(
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, NoTrust> {
    WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| NoTrust::Broken(error.to_string()))
}

#[cfg(any(windows, target_vendor = "apple"))]
fn of_platform(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, NoTrust> {
    match Verifier::new(provider.clone()) {
        Ok(verifier) => Ok(Arc::new(verifier)),
        Err(error) => Err(NoTrust::Broken(error.to_string())),
    }
}

/// The platform's store is files here, and two variables, which OpenSSL invented, name others.
#[cfg(not(any(windows, target_vendor = "apple")))]
fn of_platform(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, NoTrust> {
    let set = |variable| std::env::var_os(variable);
    let named = |variable| set(variable).filter(|value| !value.is_empty());
    let file = named("SSL_CERT_FILE").map(std::path::PathBuf::from);
    let folder = named("SSL_CERT_DIR");
    if silentry_files::elevated() && (file.is_some() || folder.is_some()) {
        let why = "a program with more rights than its caller takes none from SSL_CERT_FILE and SSL_CERT_DIR";
        return Err(NoTrust::NoAuthority(why.to_owned()));
    }
    if let Some(file) = &file {
        // The platform's verifier would read whatever it is to its end.
        let roots = roots_of(file).map_err(|why| {
            NoTrust::NoAuthority(format!("SSL_CERT_FILE ({}): {why}", file.display()))
        })?;
        if folder.is_none() {
            return Ok(of_roots(Arc::new(roots), provider.clone())?);
        }
    } else if folder.is_none()
        && set("SSL_CERT_FILE").is_some()
        && let Some(file) = openssl_probe::probe().cert_file
    {
        // An empty variable is one that is not set; the platform's verifier takes it for a file without a name.
        let roots = roots_of(&file)
            .map_err(|why| NoTrust::NoAuthority(format!("{}: {why}", file.display())))?;
        return Ok(of_roots(Arc::new(roots), provider.clone())?);
    }
    Verifier::new(provider.clone())
        .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
        .map_err(|error| NoTrust::NoAuthority(error.to_string()))
}

#[cfg(not(any(windows, target_vendor = "apple")))]
fn roots_of(file: &std::path::Path) -> Result<RootCertStore, String> {
    use rustls::pki_types::pem::PemObject;

    let bytes =
        silentry_files::read(file, silentry_files::MAX_BYTES).map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bytes).flatten());
    match roots.is_empty() {
        true => Err("it holds no certificate in PEM".to_owned()),
        false => Ok(roots),
    }
}

/// Believes what either of two verifiers believes.
#[derive(Debug)]
struct Widened {
    given: Arc<WebPkiServerVerifier>,
    platform: Arc<dyn ServerCertVerifier>,
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
            Err(given) if !is_of_unknown_issuer(&given) => ask(&*self.platform).map_err(|_| given),
            Err(_) => ask(&*self.platform),
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
