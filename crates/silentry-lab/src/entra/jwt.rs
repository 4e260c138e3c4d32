//! JSON Web Tokens, signed with RS256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::keys::SigningKey;

/// No token of the lab is longer.
const MAX_TOKEN: usize = 64 * 1024;

#[derive(Serialize)]
struct Header {
    typ: &'static str,
    alg: &'static str,
    kid: String,
}

#[derive(serde::Deserialize)]
struct ReceivedHeader {
    alg: String,
    kid: Option<String>,
}

/// Returns the key id: the thumbprint of the certificate (`x5t`), as at Entra.
pub(crate) fn key_id(key: &SigningKey) -> String {
    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.certificate());
    URL_SAFE_NO_PAD.encode(thumbprint)
}

/// Returns a signed token with these claims.
pub(crate) fn sign(key: &SigningKey, claims: &impl Serialize) -> String {
    let header = Header {
        typ: "JWT",
        alg: "RS256",
        kid: key_id(key),
    };
    let mut token = format!("{}.{}", encode(&header), encode(claims));
    let signature = key.sign(token.as_bytes());
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    token
}

/// Returns the claims of a token that this key signed. Their meaning is the caller's to check.
pub(crate) fn verify<C: DeserializeOwned>(key: &SigningKey, token: &str) -> Option<C> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: ReceivedHeader = decode(header)?;
    // A token does not choose its own algorithm (RFC 8725 section 3.1).
    if header.alg != "RS256" || header.kid != Some(key_id(key)) {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !key.public().verifies(signed.as_bytes(), &signature) {
        return None;
    }
    decode(claims)
}

fn encode(part: &impl Serialize) -> String {
    let json = serde_json::to_vec(part).expect("claims serialize: their keys are strings");
    URL_SAFE_NO_PAD.encode(json)
}

fn decode<P: DeserializeOwned>(part: &str) -> Option<P> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::keys::Keys;

    #[test]
    fn only_tokens_of_the_key_are_read() {
        let keys = Keys::load();
        let token = sign(&keys.entra, &json!({"aud": "x"}));
        assert_eq!(
            verify::<Value>(&keys.entra, &token),
            Some(json!({"aud": "x"}))
        );
        assert_eq!(verify::<Value>(&keys.adfs, &token), None);

        let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
        parts[1] = encode(&json!({"aud": "y"}));
        assert_eq!(verify::<Value>(&keys.entra, &parts.join(".")), None);
        let unsigned = format!("{}.{}.", encode(&json!({"alg": "none"})), parts[1]);
        assert_eq!(verify::<Value>(&keys.entra, &unsigned), None);
    }
}
