//! The device authorization response: what the user must do elsewhere (RFC 8628 section 3.2).

use serde::Deserialize;
use serde_json::Value;
use silentry_text::{is_invisible, printable};
use thiserror::Error;

use super::members::{seconds, secret, text};
use crate::MAX_BODY_BYTES;
use crate::secret::Secret;

/// How long a code is good whose answer does not say (Entra's 15 minutes), in seconds.
const DEFAULT_LIFETIME: u64 = 900;
/// The longest lifetime that is believed, in seconds.
const MAX_LIFETIME: u64 = 24 * 3600;
/// How often to ask where the answer does not say (RFC 8628), in seconds.
const DEFAULT_INTERVAL: u64 = 5;
/// The longest pause that is kept, in seconds.
const MAX_INTERVAL: u64 = 60;

/// Characters of the code and of the message that are kept, and the longest address that is taken.
const MAX_USER_CODE: usize = 64;
const MAX_MESSAGE: usize = 2048;
const MAX_ADDRESS: usize = 2048;

/// A successful answer of the device authorization endpoint. Times are in seconds.
#[derive(Clone, Debug)]
pub struct DeviceCodeResponse {
    /// What the program asks for the token with.
    pub device_code: Secret,
    /// What the user types in.
    pub user_code: String,
    /// Where the user types it in.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code; Entra gives none, AD FS does.
    pub verification_uri_complete: Option<String>,
    /// The sentence that tells the user what to do, in the language that was asked for.
    pub message: Option<String>,
    /// How long the code is good from now on.
    pub expires_in: u64,
    /// How long to wait between two questions.
    pub interval: u64,
}

/// Why a body is no device authorization response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DeviceCodeResponseError {
    /// It is an error after all: [`super::error_response::ErrorResponse::parse`] reads it.
    #[error("the device code endpoint answered with an error")]
    ErrorReply,
    /// It is not a JSON object.
    #[error("the answer of the device code endpoint is not JSON")]
    NotJson,
    /// It has no device code, no user code, or no https address to type it in.
    #[error("the answer of the device code endpoint has no {0}")]
    Incomplete(&'static str),
}

impl DeviceCodeResponse {
    /// Reads the body of an answer with a 2xx status. `verification_url` is the older name of
    /// `verification_uri` (v1 endpoints, AD FS, RFC drafts).
    ///
    /// # Errors
    /// [`DeviceCodeResponseError`] when nobody could sign in with it.
    pub fn parse(body: &[u8]) -> Result<Self, DeviceCodeResponseError> {
        use DeviceCodeResponseError::{ErrorReply, Incomplete, NotJson};

        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if body.len() > MAX_BODY_BYTES || !body.trim_ascii_start().starts_with(b"{") {
            return Err(NotJson);
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|_| NotJson)?;
        if wire.error.is_some() {
            return Err(ErrorReply);
        }
        let uri = wire.verification_uri.or(wire.verification_url);
        Ok(Self {
            device_code: wire.device_code.ok_or(Incomplete("device code"))?,
            user_code: wire
                .user_code
                .map(|code| printable(&code, MAX_USER_CODE))
                .filter(|code| !code.is_empty())
                .ok_or(Incomplete("user code"))?,
            // The user will open it and sign in there.
            verification_uri: uri
                .filter(|uri| is_https(uri))
                .ok_or(Incomplete("https address"))?,
            verification_uri_complete: wire.verification_uri_complete.filter(|uri| is_https(uri)),
            message: wire
                .message
                .map(|message| printable(&message, MAX_MESSAGE))
                .filter(|message| !message.is_empty()),
            expires_in: wire
                .expires_in
                .unwrap_or(DEFAULT_LIFETIME)
                .min(MAX_LIFETIME),
            interval: wire
                .interval
                .unwrap_or(DEFAULT_INTERVAL)
                .clamp(1, MAX_INTERVAL),
        })
    }
}

fn is_https(uri: &str) -> bool {
    url::Url::parse(uri).is_ok_and(|url| url.scheme() == "https")
        && uri.len() <= MAX_ADDRESS
        && !uri.contains(|c: char| c.is_whitespace() || is_invisible(c))
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "secret")]
    device_code: Option<Secret>,
    #[serde(default, deserialize_with = "text")]
    user_code: Option<String>,
    #[serde(default, deserialize_with = "text")]
    verification_uri: Option<String>,
    #[serde(default, deserialize_with = "text")]
    verification_url: Option<String>,
    #[serde(default, deserialize_with = "text")]
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "text")]
    message: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    interval: Option<u64>,
    #[serde(default)]
    error: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_read() {
        for (member, more, lifetime, interval) in [
            (
                "verification_uri",
                r#","expires_in":900,"interval":5"#,
                900,
                5,
            ),
            (
                "verification_url",
                r#","expires_in":"600","interval":"0""#,
                600,
                1,
            ),
            ("verification_uri", "", 900, 5),
            (
                "verification_uri",
                r#","expires_in":1e9,"interval":1e9"#,
                86400,
                60,
            ),
        ] {
            let body = format!(
                r#"{{"device_code":"D","user_code":"BL6\u001bXB","{member}":"https://microsoft.com/devicelogin"{more}}}"#
            );
            let code = DeviceCodeResponse::parse(body.as_bytes()).unwrap();
            assert_eq!(code.device_code.expose(), "D");
            assert_eq!(code.user_code, "BL6XB");
            assert_eq!(code.verification_uri, "https://microsoft.com/devicelogin");
            assert_eq!((code.expires_in, code.interval), (lifetime, interval));
        }
    }

    #[test]
    fn the_message_is_one_line_fit_to_be_shown() {
        let body = r#"{"device_code":"D","user_code":"U","verification_uri":"https://a.test",
            "message":"To sign in,\r\nopen https://a.test\u202e\u001b[2J\n\tand enter U"}"#;
        let code = DeviceCodeResponse::parse(body.as_bytes()).unwrap();
        let message = "To sign in, open https://a.test[2J and enter U";
        assert_eq!(code.message.as_deref(), Some(message));
    }

    #[test]
    fn what_nobody_could_sign_in_with_is_an_error() {
        use DeviceCodeResponseError::{ErrorReply, Incomplete, NotJson};

        for (body, expected) in [
            ("<html>", NotJson),
            ("[]", NotJson),
            (r#"{"error":"invalid_client"}"#, ErrorReply),
            (
                r#"{"user_code":"U","verification_uri":"https://a"}"#,
                Incomplete("device code"),
            ),
            (
                r#"{"device_code":"D","user_code":"U","verification_uri":"http://a"}"#,
                Incomplete("https address"),
            ),
            (
                r#"{"device_code":"D","user_code":"","verification_uri":"https://a"}"#,
                Incomplete("user code"),
            ),
        ] {
            let error = DeviceCodeResponse::parse(body.as_bytes()).unwrap_err();
            assert_eq!(error, expected, "{body}");
        }
    }
}
