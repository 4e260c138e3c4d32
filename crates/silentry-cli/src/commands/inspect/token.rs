//! `silentry inspect token`: the header and the claims of a JWT, never the token itself.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use silentry::Explain;
use silentry_protocol::oauth::id_token::{JwtError, UnverifiedJwt};

use super::document::InspectError;
use crate::failure::Failure;
use crate::text;

/// The claims that are times: of RFC 7519, OpenID Connect, and Entra's tenant creation.
const TIMES: [&str; 6] = ["auth_time", "exp", "iat", "nbf", "updated_at", "xms_tcdt"];

/// The members of JSON objects that hold a token: of `silentry token -o json` and token endpoints, of `az account
/// get-access-token`, and of an id token alone.
const MEMBERS: [&str; 4] = ["access_token", "accessToken", "token", "id_token"];

/// Decodes a JWT; its signature is neither checked nor shown.
///
/// What people copy along is taken off: blanks and line ends around it and in it, quotes, the name of the header and
/// `Bearer`. Of a JSON object it is the member that holds the token.
pub(crate) fn inspect(bytes: Vec<u8>) -> Result<Value, InspectError> {
    let mut bytes = text::normalized(bytes);
    if let Some(text) = text::utf16_without_mark(&bytes) {
        bytes = text;
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| failure(&JwtError::NotAJwt))?;
    let member = object(text).and_then(|object| {
        let found = MEMBERS.iter().find_map(|name| object.get(*name)?.as_str());
        found.map(str::to_owned)
    });
    let token = bare(member.as_deref().unwrap_or(text));
    let jwt = UnverifiedJwt::decode(&token).map_err(|error| failure(&error))?;
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

/// What cannot be read may be a token in place of a file's name.
pub(super) fn unreadable(mut error: InspectError) -> InspectError {
    "the file that holds the token cannot be read".clone_into(&mut error.message);
    let hint = " Give the token itself on stdin, as others can see a command line.";
    error.mitigation.push_str(hint);
    error
}

/// The pieces of a token, or of a header.
pub(super) fn given_as_arguments() -> Failure {
    Failure::usage(
        "usage",
        "`inspect token` takes one file",
        "Give the token itself on stdin, as others can see a command line.",
    )
}

/// Returns the token without what stands around and in it.
fn bare(text: &str) -> String {
    let is_around = |c: char| matches!(c, '"' | '\'' | ',' | ';') || is_blank(c);
    let mut text = text.trim_matches(is_around);
    for word in ["authorization:", "bearer"] {
        let start = text.get(..word.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(word)) {
            text = text[word.len()..].trim_matches(is_around);
        }
    }
    text.chars().filter(|c| !is_blank(*c)).collect()
}

/// White space, and what programs for text put in to let lines break.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || silentry::text::is_invisible(c)
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
        code: error.code().to_string(),
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
        let wrapped = token.split_at(20);
        let utf16 = |text: &str, mark: &str| -> Vec<u8> {
            let text = format!("{mark}{text}\r\n");
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        for text in [
            token.clone().into_bytes(),
            format!(" Bearer {token}\r\n").into_bytes(),
            format!("\u{feff}\"{token}\"").into_bytes(),
            format!("authorization: bearer {token}").into_bytes(),
            format!("AUTHORIZATION:Bearer\t'{token}'").into_bytes(),
            format!("\"Authorization: Bearer {token}\",").into_bytes(),
            format!("Bearer {}\r\n    {}\n", wrapped.0, wrapped.1).into_bytes(),
            format!("{}\u{200b}{}", wrapped.0, wrapped.1).into_bytes(),
            utf16(&token, "\u{feff}"),
            utf16(&format!("Bearer {token}"), ""),
            json!({"token_type": "Bearer", "access_token": token})
                .to_string()
                .into_bytes(),
            json!({"accessToken": format!("Bearer {token}")})
                .to_string()
                .into_bytes(),
            utf16(&json!({"id_token": token}).to_string(), "\u{feff}"),
        ] {
            let found = inspect(text).unwrap();
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
            let error = inspect(text.into()).unwrap_err();
            assert_eq!(error.code, "invalid_jwt", "{text}");
            assert!(!format!("{}{}", error.message, error.mitigation).contains("hunter2"));
        }
        assert!(inspect(b"\xff".to_vec()).is_err());
    }
}
