//! `silentry inspect token`: the header and the claims of a JWT, never the token itself.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use silentry::oauth::id_token::{JwtError, UnverifiedJwt};

use super::InspectError;

/// The claims that are times: of RFC 7519, OpenID Connect, and Entra's tenant creation.
const TIMES: [&str; 6] = ["auth_time", "exp", "iat", "nbf", "updated_at", "xms_tcdt"];

/// Decodes a JWT; its signature is neither checked nor shown.
///
/// Blanks around it, quotes and a leading `Bearer` are what people copy along, so they are taken off.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Value, InspectError> {
    let text = std::str::from_utf8(bytes).map_err(|_| failure(&JwtError::NotAJwt))?;
    let jwt = UnverifiedJwt::decode(bare(text)).map_err(|error| failure(&error))?;
    let header =
        object(jwt.header_json()).ok_or_else(|| failure(&JwtError::Malformed("header")))?;
    let claims =
        object(jwt.claims_json()).ok_or_else(|| failure(&JwtError::Malformed("payload")))?;
    let times: Map<String, Value> = TIMES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), json!(rfc3339(claims.get(*name)?)?))))
        .collect();
    Ok(json!({"header": header, "claims": claims, "times": times}))
}

fn bare(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let text = text
        .strip_prefix("Authorization:")
        .unwrap_or(text)
        .trim_start();
    let scheme = text
        .get(..7)
        .filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    text[scheme.map_or(0, str::len)..].trim().trim_matches('"')
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

/// A NumericDate (RFC 7519 section 2), which v1 endpoints write as text.
fn rfc3339(value: &Value) -> Option<String> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        number => number
            .as_i64()
            .or_else(|| number.as_f64().map(|seconds| seconds as i64))?,
    };
    Some(Timestamp::from_second(seconds).ok()?.to_string())
}

fn failure(error: &JwtError) -> InspectError {
    let mitigation = match error {
        JwtError::Encrypted => "Only the resource that the token is for can decrypt it.",
        _ => {
            "Give one JWT in its compact form. Access tokens of Microsoft Graph for personal accounts \
             are opaque; their id token can be read."
        }
    };
    InspectError {
        code: error.code(),
        message: error.to_string(),
        mitigation: mitigation.to_owned(),
        stage: "token",
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn jwt(claims: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!(
            "{}.{}.c2lnbmF0dXJl",
            part(r#"{"alg":"RS256"}"#),
            part(claims)
        )
    }

    #[test]
    fn shows_claims_and_times_but_not_the_token() {
        let token =
            jwt(r#"{"aud":"c","exp":1637195112,"iat":"1637191212","nbf":1e300,"auth_time":1.9}"#);
        for text in [
            token.clone(),
            format!(" Bearer {token}\r\n"),
            format!("\u{feff}\"{token}\""),
        ] {
            let found = inspect(text.as_bytes()).unwrap();
            assert_eq!(found["header"], json!({"alg": "RS256"}));
            assert_eq!(found["claims"]["exp"], json!(1_637_195_112));
            assert_eq!(
                found["times"],
                json!({
                    "exp": "2021-11-18T00:25:12Z",
                    "iat": "2021-11-17T23:20:12Z",
                    "auth_time": "1970-01-01T00:00:01Z",
                })
            );
            assert!(!found.to_string().contains("c2lnbmF0dXJl"));
        }
    }

    #[test]
    fn a_token_that_cannot_be_read_is_never_repeated() {
        for text in [
            "hunter2",
            "hunter2.hunter2.hunter2",
            "a.b.c.d.e",
            "{\"access_token\":\"hunter2\"}",
            "ä",
        ] {
            let error = inspect(text.as_bytes()).unwrap_err();
            assert_eq!(error.code, "invalid_jwt", "{text}");
            assert!(!format!("{}{}", error.message, error.mitigation).contains("hunter2"));
        }
        assert!(inspect(b"\xff").is_err());
    }
}
