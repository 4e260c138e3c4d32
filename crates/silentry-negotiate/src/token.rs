//! A Negotiate token, and what can be told from its bytes.

use std::fmt;

use zeroize::Zeroizing;

/// What every NTLM message begins with (MS-NLMP 2.2.1).
const NTLM_SIGNATURE: &[u8] = b"NTLMSSP\0";

/// A token to send to the server, once: `Authorization: Negotiate <base64>` (RFC 4559).
///
/// It lets its holder sign in as the user to one service for some minutes, so it wipes itself when
/// dropped and never shows its bytes in `Debug`.
#[derive(Clone)]
pub struct Token(Zeroizing<Vec<u8>>);

impl Token {
    pub(crate) fn new(bytes: Vec<u8>) -> Token {
        Token(Zeroizing::new(bytes))
    }

    /// Returns the bytes that go, base64-encoded, behind `Negotiate` in the header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({} bytes)", self.0.len())
    }
}

/// Returns whether an NTLM message is inside a token, bare or wrapped in SPNEGO.
///
/// Everything that identifies the user in a Kerberos token is encrypted, and eight given bytes turn up by
/// chance once in 2^64: the signature tells reliably.
pub(crate) fn carries_ntlm(token: &[u8]) -> bool {
    token
        .windows(NTLM_SIGNATURE.len())
        .any(|window| window == NTLM_SIGNATURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_length_alone() {
        assert_eq!(
            format!("{:?}", Token::new(vec![0x60, 0x82, 0x41])),
            "Token(3 bytes)"
        );
    }

    #[test]
    fn ntlm_is_seen_bare_and_inside_spnego() {
        let bare = b"NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2".to_vec();
        // NegTokenInit { mechTypes [NTLMSSP], mechToken } as SSPI sends it from a workgroup machine.
        let mut wrapped =
            b"\x60\x2c\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x22\x30\x20\xa0\x0e\x30\x0c\
            \x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a\xa2\x0e\x04\x0c"
                .to_vec();
        wrapped.extend_from_slice(&bare[..12]);
        assert!(carries_ntlm(&bare));
        assert!(carries_ntlm(&wrapped));
    }

    #[test]
    fn an_offer_of_ntlm_beside_a_kerberos_token_is_not_ntlm() {
        // Windows lists NTLMSSP among the mechanisms although the token it sends is Kerberos's.
        let token =
            b"\x60\x82\x06\x06\x2b\x06\x01\x05\x05\x02\x06\x0a\x2b\x06\x01\x04\x01\x82\x37\x02\x02\
            \x0aNTLMSS";
        assert!(!carries_ntlm(token));
    }
}
