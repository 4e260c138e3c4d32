//! Base64 as it is met: either alphabet, with or without padding.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use zeroize::Zeroizing;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes base64 or base64url, padded or not.
///
/// RFC 7515 wants base64url without padding; fixtures of MSAL.NET pad it, MSAL Node pads
/// `client_info`, and the claims of a challenge come in the standard alphabet, often unpadded.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut standard = Zeroizing::new(text.trim().as_bytes().to_vec());
    for byte in standard.iter_mut() {
        *byte = match *byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    LENIENT.decode(&*standard).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_every_spelling() {
        for text in ["-_8", "-_8=", "+/8", "+/8=", " +/8= "] {
            assert_eq!(decode(text).unwrap().as_slice(), [0xfb, 0xff], "{text}");
        }
        assert!(decode("a b").is_none());
        assert!(decode("=").is_none());
        assert!(decode("").unwrap().is_empty());
    }
}
