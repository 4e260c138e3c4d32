//! Proof Key for Code Exchange (RFC 7636).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use super::{Form, member};

/// What a client committed to when it asked for a code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Challenge {
    /// The verifier itself.
    Plain(String),
    /// The SHA-256 of the verifier.
    S256(String),
}

/// A challenge that is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BadChallenge;

impl Challenge {
    /// Reads `code_challenge` and `code_challenge_method`, whose default is `plain`
    /// (RFC 7636 section 4.3).
    pub(crate) fn of(form: &Form) -> Result<Option<Self>, BadChallenge> {
        let Some(value) = member(form, "code_challenge") else {
            return Ok(None);
        };
        if !is_verifier(value) {
            return Err(BadChallenge);
        }
        match member(form, "code_challenge_method").unwrap_or("plain") {
            "S256" => Ok(Some(Self::S256(value.to_owned()))),
            "plain" => Ok(Some(Self::Plain(value.to_owned()))),
            _ => Err(BadChallenge),
        }
    }

    /// Returns whether this verifier is the one that was committed to.
    pub(crate) fn is_met_by(&self, verifier: &str) -> bool {
        let answer = match self {
            Self::Plain(value) => return is_verifier(verifier) && value == verifier,
            Self::S256(value) => value,
        };
        let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
        is_verifier(verifier) && URL_SAFE_NO_PAD.encode(hash) == *answer
    }
}

/// 43 to 128 unreserved characters (RFC 7636 section 4.1), for verifier and challenge alike.
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(value: &str, method: &str) -> Result<Option<Challenge>, BadChallenge> {
        let pairs = [("code_challenge", value), ("code_challenge_method", method)];
        let form = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Challenge::of(&Form::from(form))
    }

    #[test]
    fn the_example_of_the_rfc_holds() {
        let s256 = challenge(CHALLENGE, "S256").unwrap().unwrap();
        assert!(s256.is_met_by(VERIFIER));
        assert!(!s256.is_met_by(CHALLENGE) && !s256.is_met_by(""));
        let plain = challenge(VERIFIER, "").unwrap().unwrap();
        assert!(plain.is_met_by(VERIFIER) && !plain.is_met_by(CHALLENGE));
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        assert_eq!(challenge("", "S256"), Ok(None));
        assert_eq!(challenge("short", "S256"), Err(BadChallenge));
        assert_eq!(challenge(CHALLENGE, "S512"), Err(BadChallenge));
    }
}
