//! The RSA keys that the lab signs with: fixed, committed and public, so never to be trusted.
//!
//! They are files because the cryptography library can use RSA keys but not make them, and fixed
//! because a key id that never changes is easier to read in a log.

use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

const ADFS: &str = include_str!("../keys/adfs-token-signing.pem");
const UNREGISTERED: &str = include_str!("../keys/adfs-unregistered-signing.pem");
const ENTRA: &str = include_str!("../keys/entra-signing.pem");

/// Every signing key of the lab.
pub(crate) struct Keys {
    /// Signs assertions; Entra has its certificate registered for the federated domain.
    pub(crate) adfs: SigningKey,
    /// Signs assertions after a rollover that nobody told Entra about.
    pub(crate) unregistered: SigningKey,
    /// Signs access tokens and id tokens.
    pub(crate) entra: SigningKey,
}

impl Keys {
    /// Loads the committed keys.
    ///
    /// # Panics
    ///
    /// Never with the keys as committed, which the tests load.
    pub(crate) fn load() -> Self {
        Self {
            adfs: SigningKey::load(ADFS, "ADFS Signing - sts.contoso.test"),
            unregistered: SigningKey::load(UNREGISTERED, "ADFS Signing - sts.contoso.test"),
            entra: SigningKey::load(ENTRA, "accounts.accesscontrol.windows.net"),
        }
    }
}

/// A private RSA key with its certificate.
pub(crate) struct SigningKey {
    pair: RsaKeyPair,
    certificate: Vec<u8>,
}

impl SigningKey {
    fn load(pem: &str, common_name: &str) -> Self {
        let key = rcgen::KeyPair::from_pem(pem).expect("a committed key is PKCS#8 PEM");
        let pair = RsaKeyPair::from_pkcs8(&key.serialize_der()).expect("a committed key is RSA");
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, common_name);
        let certificate = params.self_signed(&key).expect("a committed key can sign");
        Self {
            pair,
            certificate: certificate.der().to_vec(),
        }
    }

    /// Signs with RSA PKCS#1 v1.5 and SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .expect("the signature buffer has the length of the modulus");
        signature
    }

    /// Returns the self-signed certificate, in DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey {
            pkcs1: self.pair.public().as_ref().to_vec(),
        }
    }

    /// Returns modulus and exponent, big endian, as a JWK wants them.
    pub(crate) fn components(&self) -> PublicKeyComponents<Vec<u8>> {
        PublicKeyComponents::from(self.pair.public())
    }
}

/// A public RSA key.
pub(crate) struct PublicKey {
    pkcs1: Vec<u8>,
}

impl PublicKey {
    /// Returns whether the key's owner signed the message with RSA PKCS#1 v1.5 and SHA-256.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.pkcs1)
            .verify(message, signature)
            .is_ok()
    }
}

#[cfg(test)]
impl PublicKey {
    /// Finds the key in a certificate: the one BIT STRING that holds an RSA key of 2048 bits.
    pub(crate) fn of_certificate(certificate: &[u8]) -> Self {
        let start = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01];
        let at = certificate
            .windows(start.len())
            .position(|window| window == start);
        let at = at.expect("an RSA key of 2048 bits");
        Self {
            pkcs1: certificate[at..at + 270].to_vec(),
        }
    }
}
