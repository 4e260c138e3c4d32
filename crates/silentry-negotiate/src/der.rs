//! As much DER (X.690) as it takes to find which algorithm signed a certificate.
//!
//! Certificates come from the network, before or while they are verified: every read is bounded by the
//! slice it reads from, nothing is allocated by a length found in the input, nothing recurses.

use std::fmt::Write as _;

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;

/// An `AlgorithmIdentifier` (RFC 5280, 4.1.1.2).
pub(crate) struct Algorithm<'a> {
    /// The content bytes of the object identifier.
    pub(crate) oid: &'a [u8],
    /// The encoded parameters; empty when absent.
    pub(crate) parameters: &'a [u8],
}

/// Returns the `signatureAlgorithm` of a certificate (RFC 5280, 4.1), or nothing if the bytes are not a
/// certificate.
pub(crate) fn signature_algorithm(certificate: &[u8]) -> Option<Algorithm<'_>> {
    let (content, trailing) = expect(SEQUENCE, certificate)?;
    if !trailing.is_empty() {
        return None;
    }
    let (_to_be_signed, rest) = expect(SEQUENCE, content)?;
    let (algorithm, _signature) = expect(SEQUENCE, rest)?;
    self::algorithm(algorithm)
}

/// Returns the `hashAlgorithm` of `RSASSA-PSS-params` (RFC 4055, 3.1): `Some(None)` if it is left out,
/// `None` if the parameters are malformed.
pub(crate) fn pss_hash_algorithm(parameters: &[u8]) -> Option<Option<Algorithm<'_>>> {
    if parameters.is_empty() {
        return Some(None);
    }
    let (content, _) = expect(SEQUENCE, parameters)?;
    if content.first() != Some(&CONTEXT_0) {
        return Some(None);
    }
    let (explicit, _) = expect(CONTEXT_0, content)?;
    let (hash, _) = expect(SEQUENCE, explicit)?;
    algorithm(hash).map(Some)
}

/// Writes the content bytes of an object identifier with dots, `1.3.101.112`.
pub(crate) fn dotted(oid: &[u8]) -> String {
    const LONGEST: usize = 32;
    let mut text = String::new();
    let mut arc = 0_u64;
    for byte in oid.iter().take(LONGEST) {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let root = (arc / 40).min(2);
            text = format!("{root}.{}", arc - root * 40);
        } else {
            let _ = write!(text, ".{arc}");
        }
        arc = 0;
    }
    text
}

fn algorithm(content: &[u8]) -> Option<Algorithm<'_>> {
    let (oid, parameters) = expect(OBJECT_IDENTIFIER, content)?;
    Some(Algorithm { oid, parameters })
}

/// Takes one element off the front: its content, and what follows it.
fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, input) = input.split_first()?;
    if found != tag {
        return None;
    }
    let (&first, input) = input.split_first()?;
    let (length, input) = if first < 0x80 {
        (usize::from(first), input)
    } else {
        // Four bytes of length are more than a certificate can need; 0x80 (indefinite) is not DER.
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) {
            return None;
        }
        let (digits, input) = input.split_at_checked(count)?;
        let length = digits
            .iter()
            .fold(0_u64, |length, digit| length << 8 | u64::from(*digit));
        (usize::try_from(length).ok()?, input)
    };
    input.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_form() {
        assert_eq!(expect(4, b"\x04\x01ab"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(expect(4, b"\x04\x81\x01ab"), Some((&b"a"[..], &b"b"[..])));
        assert_eq!(
            expect(4, b"\x04\x84\0\0\0\x01a"),
            Some((&b"a"[..], &b""[..]))
        );
    }

    #[test]
    fn lengths_that_lie() {
        for bytes in [
            &b""[..],
            b"\x04",
            b"\x04\x02a",
            b"\x04\x80a\0\0",
            b"\x04\x82\x01",
            b"\x04\x84\xff\xff\xff\xff",
            b"\x04\x85\0\0\0\0\x01a",
            b"\x04\xff",
            b"\x05\x01a",
        ] {
            assert_eq!(expect(4, bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn a_certificate_with_something_behind_it_is_none() {
        let certificate = b"\x30\x09\x30\x00\x30\x03\x06\x01\x2a\x03\x00";
        assert!(signature_algorithm(certificate).is_some());
        assert!(signature_algorithm(&[&certificate[..], b"\0"].concat()).is_none());
    }

    #[test]
    fn identifiers_with_dots() {
        assert_eq!(dotted(b"\x2b\x65\x70"), "1.3.101.112");
        assert_eq!(
            dotted(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"),
            "1.2.840.113549.1.1.10"
        );
        assert_eq!(
            dotted(b"\x60\x86\x48\x01\x65\x03\x04\x03\x11"),
            "2.16.840.1.101.3.4.3.17"
        );
        assert!(dotted(&[0xff; 1000]).len() < 200);
        assert!(dotted(&[0x7f; 1000]).len() < 200);
    }
}
