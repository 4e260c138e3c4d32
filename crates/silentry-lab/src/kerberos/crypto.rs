use std::fmt;

use md5::{Digest, Md5};
use picky_krb::crypto::{ChecksumSuite, CipherSuite};
use thiserror::Error;

/// Key usage numbers of RFC 4120 7.5.1.
pub(crate) mod usage {
    pub(crate) const PA_ENC_TIMESTAMP: i32 = 1;
    pub(crate) const TICKET: i32 = 2;
    pub(crate) const AS_REP_PART: i32 = 3;
    pub(crate) const TGS_REQ_CHECKSUM: i32 = 6;
    pub(crate) const TGS_REQ_AUTHENTICATOR: i32 = 7;
    pub(crate) const TGS_REP_PART_SESSION_KEY: i32 = 8;
    pub(crate) const TGS_REP_PART_SUBKEY: i32 = 9;
    pub(crate) const AP_REQ_AUTHENTICATOR: i32 = 11;
    pub(crate) const AP_REP_PART: i32 = 12;
}

/// Checksum types of RFC 3961 8.
pub(crate) mod checksum_type {
    pub(crate) const RSA_MD5: i32 = 7;
    pub(crate) const HMAC_SHA1_96_AES128: i32 = 15;
    pub(crate) const HMAC_SHA1_96_AES256: i32 = 16;
}

/// An encryption type that the lab speaks.
///
/// RC4 is not one: domain controllers refuse it since KB5073381. The SHA-2 types of RFC 8009 are not
/// either, as Active Directory has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Etype {
    /// `aes128-cts-hmac-sha1-96`, number 17 (RFC 3962).
    Aes128,
    /// `aes256-cts-hmac-sha1-96`, number 18 (RFC 3962).
    Aes256,
}

impl Etype {
    /// Every type, strongest first.
    pub const ALL: [Self; 2] = [Self::Aes256, Self::Aes128];

    /// Returns the type with this number (RFC 3961 8), if the lab speaks it.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|etype| etype.number() == number)
    }

    /// Returns the number that names the type on the wire and in files.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Aes128 => 17,
            Self::Aes256 => 18,
        }
    }

    pub(crate) fn checksum_type(self) -> i32 {
        match self {
            Self::Aes128 => checksum_type::HMAC_SHA1_96_AES128,
            Self::Aes256 => checksum_type::HMAC_SHA1_96_AES256,
        }
    }

    fn key_length(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 => 32,
        }
    }

    fn cipher(self) -> CipherSuite {
        match self {
            Self::Aes128 => CipherSuite::Aes128CtsHmacSha196,
            Self::Aes256 => CipherSuite::Aes256CtsHmacSha196,
        }
    }
}

/// A key of one encryption type; its length fits the type and its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    etype: Etype,
    bytes: Vec<u8>,
}

impl Key {
    /// Makes a key of `etype` from its bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidKey`] if `etype` takes keys of another length.
    pub fn new(etype: Etype, bytes: Vec<u8>) -> Result<Self, InvalidKey> {
        if bytes.len() != etype.key_length() {
            return Err(InvalidKey);
        }
        Ok(Self { etype, bytes })
    }

    /// Makes a key nobody knows.
    #[must_use]
    pub fn random(etype: Etype) -> Self {
        let mut bytes = vec![0; etype.key_length()];
        random_bytes(&mut bytes);
        Self { etype, bytes }
    }

    /// Derives a key from a password and a salt with the 4096 rounds that are RFC 3962's default.
    #[must_use]
    pub fn from_password(etype: Etype, password: &str, salt: &str) -> Self {
        let bytes = etype
            .cipher()
            .cipher()
            .generate_key_from_password(password.as_bytes(), salt.as_bytes())
            .expect("PBKDF2 makes a key from any password and salt");
        Self { etype, bytes }
    }

    /// Returns the encryption type.
    #[must_use]
    pub fn etype(&self) -> Etype {
        self.etype
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn encrypt(&self, usage: i32, plain: &[u8]) -> Vec<u8> {
        self.etype
            .cipher()
            .cipher()
            .encrypt(&self.bytes, usage, plain)
            .expect("a key of the right length encrypts anything")
    }

    pub(crate) fn decrypt(&self, usage: i32, cipher: &[u8]) -> Option<Vec<u8>> {
        self.etype
            .cipher()
            .cipher()
            .decrypt(&self.bytes, usage, cipher)
            .ok()
    }

    /// The keyed checksum that belongs to this key's type (RFC 3961 5.4).
    pub(crate) fn checksum(&self, usage: i32, data: &[u8]) -> Vec<u8> {
        let suite = match self.etype {
            Etype::Aes128 => ChecksumSuite::HmacSha196Aes128,
            Etype::Aes256 => ChecksumSuite::HmacSha196Aes256,
        };
        suite
            .hasher()
            .checksum(&self.bytes, usage, data)
            .expect("a key of the right length hashes anything")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("etype", &self.etype)
            .finish_non_exhaustive()
    }
}

/// A key whose length does not fit its encryption type.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the key's length does not fit its encryption type")]
pub struct InvalidKey;

pub(crate) fn md5(data: &[u8]) -> [u8; 16] {
    Md5::digest(data).into()
}

pub(crate) fn random_bytes(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has random bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let text = text.replace(' ', "");
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    }

    /// The values are MIT's: `ktutil`'s `add_entry -password` and `list -K -k`.
    #[test]
    fn derives_the_keys_that_mit_derives() {
        let derive = |etype| Key::from_password(etype, "5hYYSAfFJp", "EXAMPLE.COMtest1");
        assert_eq!(
            derive(Etype::Aes128).bytes(),
            hex("bb43d002e37743161256aec90681cfdc")
        );
        assert_eq!(
            derive(Etype::Aes256).bytes(),
            hex("daded1cc15ae17de aa63a490f7678944 758f3b255a542569 cb20eba761eeabac")
        );
    }

    #[test]
    fn opens_only_with_the_key_and_usage_that_sealed() {
        for etype in Etype::ALL {
            let key = Key::random(etype);
            let mut sealed = key.encrypt(usage::TICKET, b"ticket");
            assert_eq!(key.decrypt(usage::TICKET, &sealed).unwrap(), b"ticket");
            assert_eq!(key.decrypt(usage::AP_REP_PART, &sealed), None);
            assert_eq!(Key::random(etype).decrypt(usage::TICKET, &sealed), None);
            sealed[20] ^= 1;
            assert_eq!(key.decrypt(usage::TICKET, &sealed), None);
        }
        assert_eq!(Key::new(Etype::Aes256, vec![0; 16]), Err(InvalidKey));
    }

    #[test]
    fn never_shows_a_key() {
        let key = Key::new(Etype::Aes128, hex("000102030405060708090a0b0c0d0e0f")).unwrap();
        assert_eq!(format!("{key:?}"), "Key { etype: Aes128, .. }");
    }
}
