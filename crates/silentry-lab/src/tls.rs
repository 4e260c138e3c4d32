//! The lab's own certification authority, and the certificates of the names it answers for.
//!
//! Keys are made at every start and never leave the process.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use ring::digest;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};

use crate::error::LabError;

/// One certificate and the TLS configuration that shows it.
pub(crate) struct Leaf {
    /// The `tls-server-end-point` binding of RFC 5929: what a client that saw this certificate
    /// binds its token to.
    pub(crate) channel_binding: Vec<u8>,
    pub(crate) config: Arc<ServerConfig>,
}

/// Every certificate of the lab.
pub(crate) struct Certificates {
    ca_pem: String,
    ca_der: Vec<Vec<u8>>,
    leaves: HashMap<&'static str, Vec<Arc<Leaf>>>,
    turn: AtomicUsize,
}

impl Certificates {
    /// Makes two authorities and, for each name, one certificate of each. The second authority
    /// signs with SHA-384: a channel binding that always hashes with SHA-256 fails on it
    /// (RFC 5929 section 4.1).
    pub(crate) fn generate(
        names: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, LabError> {
        let authorities = [
            authority(
                "Silentry Lab Root",
                &rcgen::PKCS_ECDSA_P256_SHA256,
                &digest::SHA256,
            )?,
            authority(
                "Silentry Lab Root 2",
                &rcgen::PKCS_ECDSA_P384_SHA384,
                &digest::SHA384,
            )?,
        ];
        let mut leaves = HashMap::new();
        for name in names {
            let of_name = authorities
                .iter()
                .map(|authority| leaf(name, authority).map(Arc::new))
                .collect::<Result<Vec<_>, _>>()?;
            leaves.insert(name, of_name);
        }
        Ok(Self {
            ca_pem: authorities
                .iter()
                .map(|authority| authority.issuer.pem())
                .collect(),
            ca_der: authorities
                .iter()
                .map(|authority| authority.issuer.der().to_vec())
                .collect(),
            leaves,
            turn: AtomicUsize::new(0),
        })
    }

    /// Returns the certificates to trust, in PEM.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Returns the certificates to trust, in DER.
    pub(crate) fn ca_der(&self) -> &[Vec<u8>] {
        &self.ca_der
    }

    /// Returns the certificate that a farm of one server shows.
    pub(crate) fn only(&self, name: &str) -> Option<Arc<Leaf>> {
        self.leaves.get(name)?.first().cloned()
    }

    /// Returns the certificates of a farm's servers in turn, one for each connection.
    pub(crate) fn in_turn(&self, name: &str) -> Option<Arc<Leaf>> {
        let of_name = self.leaves.get(name)?;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        of_name.get(turn % of_name.len()).cloned()
    }

    /// Returns a certificate of the same name that no client is ever shown by [`Self::only`]: what
    /// AD FS has when something in between shows its own.
    pub(crate) fn hidden(&self, name: &str) -> Option<Arc<Leaf>> {
        self.leaves.get(name)?.last().cloned()
    }
}

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The hash of the signatures it makes.
    hash: &'static digest::Algorithm,
}

fn authority(
    name: &str,
    algorithm: &'static rcgen::SignatureAlgorithm,
    hash: &'static digest::Algorithm,
) -> Result<Authority, LabError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_lifetime(&mut params);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate_for(algorithm)?)?;
    Ok(Authority { issuer, hash })
}

fn leaf(name: &str, authority: &Authority) -> Result<Leaf, LabError> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_lifetime(&mut params);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority.issuer)?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut channel_binding = b"tls-server-end-point:".to_vec();
    channel_binding.extend(digest::digest(authority.hash, certificate.der()).as_ref());
    Ok(Leaf {
        channel_binding,
        config: Arc::new(config),
    })
}

/// Apple's platforms refuse server certificates that live longer than 825 days.
fn set_lifetime(params: &mut CertificateParams) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::days(1);
    params.not_after = now + Duration::days(30);
}
