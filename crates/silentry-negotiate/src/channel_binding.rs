//! The TLS channel binding `tls-server-end-point` of RFC 5929.

use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};

use crate::{Error, der};

/// The channel binding of a TLS connection: what ties a token to the server's certificate, so that an
/// attacker who has another certificate cannot pass the token on (Extended Protection for Authentication).
///
/// It is of the connection that will carry the token. Two connections whose servers present the same
/// certificate have equal bindings; behind one name a farm may present several.
///
/// ```no_run
/// # fn leaf() -> Vec<u8> { Vec::new() }
/// use silentry_negotiate::ChannelBinding;
///
/// // No binding exists for some certificates (Ed25519); no AD FS server can have one of them.
/// let binding = ChannelBinding::tls_server_end_point(&leaf()).ok();
/// ```
///
/// On macOS the system's library fails when given bindings, so none are passed there. MIT Kerberos before
/// 1.19 does not hand them through SPNEGO: a server that requires them refuses such tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding {
    application_data: Vec<u8>,
}

impl ChannelBinding {
    /// Returns the binding to the server's end-entity certificate, given as it came in the handshake.
    ///
    /// The hash is that of the certificate's signature; SHA-256 in the place of MD5 and SHA-1
    /// (RFC 5929, 4.1). RSASSA-PSS names its hash in its parameters (RFC 4055, 3.1).
    ///
    /// # Errors
    ///
    /// [`Error::ChannelBindingUndefined`] where RFC 5929 defines none: the signature has no single hash
    /// of its own (Ed25519, Ed448, ML-DSA), or one that this crate does not know. Nothing is invented for
    /// these, as implementations differ; go on without a binding.
    pub fn tls_server_end_point(leaf_der: &[u8]) -> Result<ChannelBinding, Error> {
        let algorithm =
            der::signature_algorithm(leaf_der).ok_or_else(|| Error::ChannelBindingUndefined {
                reason: "not a DER certificate".to_owned(),
            })?;
        let hash = Hash::of_signature(&algorithm).ok_or_else(|| {
            let oid = der::dotted(algorithm.oid);
            Error::ChannelBindingUndefined {
                reason: format!("certificate signed with {oid}"),
            }
        })?;
        let mut application_data = b"tls-server-end-point:".to_vec();
        application_data.extend_from_slice(&hash.digest(leaf_der));
        Ok(ChannelBinding { application_data })
    }

    /// Returns the application data of the binding: `tls-server-end-point:` and the hash.
    pub fn application_data(&self) -> &[u8] {
        &self.application_data
    }
}

/// A hash function with which a binding is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512Cut224,
    Sha512Cut256,
}

impl Hash {
    fn of_signature(algorithm: &der::Algorithm<'_>) -> Option<Hash> {
        Some(match algorithm.oid {
            // 1.2.840.113549.1.1.x: RSASSA-PKCS1-v1_5 (RFC 8017, A.2.4), RSASSA-PSS
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, arc] => match arc {
                // md5, sha1, sha256
                4 | 5 | 11 => Hash::Sha256,
                10 => return Hash::of_pss(algorithm.parameters),
                12 => Hash::Sha384,
                13 => Hash::Sha512,
                14 => Hash::Sha224,
                15 => Hash::Sha512Cut224,
                16 => Hash::Sha512Cut256,
                _ => return None,
            },
            // 1.3.14.3.2.x: md5WithRSA, dsaWithSHA1, sha1WithRSA of OIW
            [0x2b, 14, 3, 2, 3 | 27 | 29] => Hash::Sha256,
            // 1.2.840.10045.4.x: ECDSA (RFC 5758, 3.2)
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] => Hash::Sha256,
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, arc] => match arc {
                1 => Hash::Sha224,
                2 => Hash::Sha256,
                3 => Hash::Sha384,
                4 => Hash::Sha512,
                _ => return None,
            },
            // 1.2.840.10040.4.3: DSA with SHA-1
            [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3] => Hash::Sha256,
            // 2.16.840.1.101.3.4.3.x: DSA with SHA-2 (RFC 5758, 3.1; NIST)
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, arc] => match arc {
                1 => Hash::Sha224,
                2 => Hash::Sha256,
                3 => Hash::Sha384,
                4 => Hash::Sha512,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn of_pss(parameters: &[u8]) -> Option<Hash> {
        // hashAlgorithm is optional and SHA-1 when absent (RFC 4055, 3.1).
        let Some(algorithm) = der::pss_hash_algorithm(parameters)? else {
            return Some(Hash::Sha256);
        };
        Some(match algorithm.oid {
            // 1.2.840.113549.2.5: MD5; 1.3.14.3.2.26: SHA-1
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 5] | [0x2b, 14, 3, 2, 26] => Hash::Sha256,
            // 2.16.840.1.101.3.4.2.x
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, arc] => match arc {
                1 => Hash::Sha256,
                2 => Hash::Sha384,
                3 => Hash::Sha512,
                4 => Hash::Sha224,
                5 => Hash::Sha512Cut224,
                6 => Hash::Sha512Cut256,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha224 => Sha224::digest(bytes).to_vec(),
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
            Hash::Sha384 => Sha384::digest(bytes).to_vec(),
            Hash::Sha512 => Sha512::digest(bytes).to_vec(),
            Hash::Sha512Cut224 => Sha512_224::digest(bytes).to_vec(),
            Hash::Sha512Cut256 => Sha512_256::digest(bytes).to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    /// Made with `openssl req -x509 -newkey rsa:1024 -sha384 -sigopt rsa_padding_mode:pss`.
    const PSS_SHA384: &str = include_str!("../tests/certificates/rsassa-pss-sha384.b64");
    /// Made with `openssl req -x509 -newkey rsa:1024 -sha1 -sigopt rsa_padding_mode:pss`: all parameters
    /// have their defaults, so the hash is absent.
    const PSS_SHA1: &str = include_str!("../tests/certificates/rsassa-pss-sha1.b64");
    /// Made with `openssl req -x509 -newkey rsa:1024 -md5`.
    const RSA_MD5: &str = include_str!("../tests/certificates/rsa-md5.b64");

    fn real(base64: &str) -> Vec<u8> {
        STANDARD.decode(base64.replace('\n', "")).unwrap()
    }

    fn expected(hash: &[u8]) -> Vec<u8> {
        [b"tls-server-end-point:", hash].concat()
    }

    fn binding(der: &[u8]) -> Vec<u8> {
        ChannelBinding::tls_server_end_point(der)
            .unwrap()
            .application_data
    }

    /// A certificate as far as the algorithm goes: `SEQUENCE { SEQUENCE {}, algorithm, BIT STRING }`.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let body = [b"\x30\x00", &wrap(0x30, algorithm)[..], b"\x03\x01\x00"].concat();
        wrap(0x30, &body)
    }

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        [&[tag, length], content].concat()
    }

    #[test]
    fn real_certificates_with_rsa() {
        let (pss384, pss1, md5) = (real(PSS_SHA384), real(PSS_SHA1), real(RSA_MD5));
        assert_eq!(binding(&pss384), expected(&Sha384::digest(&pss384)));
        assert_eq!(binding(&pss1), expected(&Sha256::digest(&pss1)));
        assert_eq!(binding(&md5), expected(&Sha256::digest(&md5)));
    }

    #[test]
    fn real_certificates_with_elliptic_curves() {
        let made_with = |algorithm: &'static rcgen::SignatureAlgorithm| {
            let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let parameters = rcgen::CertificateParams::new(["sts.contoso.com".to_owned()]).unwrap();
            parameters.self_signed(&key).unwrap().der().to_vec()
        };
        let p256 = made_with(&rcgen::PKCS_ECDSA_P256_SHA256);
        let p384 = made_with(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(binding(&p256), expected(&Sha256::digest(&p256)));
        assert_eq!(binding(&p384), expected(&Sha384::digest(&p384)));

        let error =
            ChannelBinding::tls_server_end_point(&made_with(&rcgen::PKCS_ED25519)).unwrap_err();
        assert_eq!(error.code(), "channel_binding_undefined");
        assert!(error.to_string().contains("1.3.101.112"), "{error}");
    }

    #[test]
    fn the_hash_follows_the_signature() {
        let rsa = |arc: u8| {
            [
                b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01",
                &[arc][..],
                b"\x05\0",
            ]
            .concat()
        };
        let lengths = [
            (5, 32),
            (11, 32),
            (12, 48),
            (13, 64),
            (14, 28),
            (15, 28),
            (16, 32),
        ];
        for (arc, length) in lengths {
            let data = binding(&certificate(&rsa(arc)));
            assert_eq!(
                data.len() - b"tls-server-end-point:".len(),
                length,
                "1.1.{arc}"
            );
        }
        // MD2, and the RSA encryption OID, which is no signature
        for arc in [1, 2] {
            assert!(ChannelBinding::tls_server_end_point(&certificate(&rsa(arc))).is_err());
        }
    }

    #[test]
    fn malformed_pss_parameters_are_refused() {
        let pss = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
        for parameters in [
            &b"\x30\x05\xa0\x03\x30\x01\x06"[..],
            b"\x04\x00",
            b"\x30\x02\xa0\x00",
        ] {
            let der = certificate(&[pss, parameters].concat());
            assert!(
                ChannelBinding::tls_server_end_point(&der).is_err(),
                "{parameters:x?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = ChannelBinding::tls_server_end_point(&bytes);
            let _ = ChannelBinding::tls_server_end_point(&certificate(&bytes[..bytes.len().min(100)]));
        }

        #[test]
        fn a_damaged_certificate_is_survived(place in 0_usize..400, byte: u8, length in 0_usize..600) {
            let mut der = real(PSS_SHA384);
            if let Some(target) = der.get_mut(place) {
                *target = byte;
            }
            der.truncate(length);
            let _ = ChannelBinding::tls_server_end_point(&der);
        }
    }
}
