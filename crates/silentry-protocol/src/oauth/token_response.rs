//! The token endpoint's success: access token, lifetimes, who it is for.

use serde::Deserialize;
use serde_json::Value;
use silentry_text::printable;
use thiserror::Error;

use super::members::{seconds, secret, text};
use super::scopes::Scopes;
use crate::MAX_BODY_BYTES;
use crate::secret::Secret;

/// The longest lifetime that is believed. Entra's tokens live up to 28 hours.
pub const MAX_LIFETIME: u64 = 365 * 24 * 3600;
/// The lifetime of a token whose response names none, as MSAL Python assumes it.
pub const DEFAULT_LIFETIME: u64 = 3599;

/// A successful answer of the token endpoint. Times are in seconds.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// How long it lives from now on.
    pub expires_in: Option<u64>,
    /// When it ends, in seconds since 1970; only v1 endpoints say so.
    pub expires_on: Option<u64>,
    /// How long it may still be used from now on while Entra is down.
    pub ext_expires_in: Option<u64>,
    /// After how long it should be renewed, though still good.
    pub refresh_in: Option<u64>,
    /// What it is for; `None` means what was asked for (RFC 6749 section 5.1).
    pub scope: Option<Scopes>,
    /// The refresh token, if `offline_access` was asked for and granted.
    pub refresh_token: Option<Secret>,
    /// The id token, if `openid` was asked for: see [`super::id_token::IdToken::decode`].
    pub id_token: Option<Secret>,
    /// Who the account is, still encoded: see [`super::id_token::ClientInfo::decode`].
    pub client_info: Option<String>,
    /// The family of applications that share the refresh token.
    pub family_id: Option<String>,
}

/// Why a body is not a token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenResponseError {
    /// It is an error after all: [`super::error_response::ErrorResponse::parse`] reads it.
    #[error("the token endpoint answered with an error")]
    ErrorReply,
    /// It is not a JSON object: the page of a proxy or a login portal, mostly.
    #[error("the answer of the token endpoint is not JSON")]
    NotJson,
    /// It has no access token.
    #[error("the answer of the token endpoint has no access token")]
    AccessTokenMissing,
    /// It has no token type (RFC 6749 section 5.1 demands one).
    #[error("the answer of the token endpoint has no token type")]
    TokenTypeMissing,
    /// The access token has a character that none has, such as a line end.
    #[error("the access token has a character that a token cannot have")]
    AccessTokenMalformed,
    /// The token is not a bearer token, and may not be used as one (RFC 6749 section 7.1).
    #[error("the token is of type `{0}` instead of Bearer")]
    TokenTypeMismatch(String),
    /// It is larger than any answer that is read.
    #[error("the answer of the token endpoint is larger than 1 MiB")]
    TooLarge,
}

impl TokenResponse {
    /// Reads the body of an answer with a 2xx status.
    ///
    /// Numbers may be texts (v1 endpoints, AD FS); scope, lifetimes, refresh token, id token and
    /// `client_info` may be missing; a member of the wrong kind counts as missing.
    ///
    /// # Errors
    /// [`TokenResponseError`] when the body carries no bearer token.
    pub fn parse(body: &[u8]) -> Result<Self, TokenResponseError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(TokenResponseError::TooLarge);
        }
        let body = body
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(body)
            .trim_ascii();
        if !body.starts_with(b"{") {
            return Err(TokenResponseError::NotJson);
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|_| TokenResponseError::NotJson)?;
        let Some(access_token) = wire.access_token else {
            return Err(match wire.error {
                Some(_) => TokenResponseError::ErrorReply,
                None => TokenResponseError::AccessTokenMissing,
            });
        };
        if !is_token(access_token.expose()) {
            return Err(TokenResponseError::AccessTokenMalformed);
        }
        let token_type = wire
            .token_type
            .ok_or(TokenResponseError::TokenTypeMissing)?;
        if !token_type.eq_ignore_ascii_case("Bearer") {
            let shown = printable(&token_type, 64);
            return Err(TokenResponseError::TokenTypeMismatch(shown));
        }
        let expires_in = wire.expires_in.map(|seconds| seconds.min(MAX_LIFETIME));
        let lifetime = expires_in.unwrap_or(MAX_LIFETIME);
        Ok(Self {
            access_token,
            expires_in,
            expires_on: wire.expires_on,
            // The extension can only extend, and 0 says that there is none (personal accounts).
            ext_expires_in: wire
                .ext_expires_in
                .map(|seconds| seconds.min(MAX_LIFETIME))
                .filter(|seconds| *seconds > 0 && expires_in.is_none_or(|base| *seconds >= base)),
            refresh_in: wire
                .refresh_in
                .filter(|seconds| *seconds > 0 && *seconds < lifetime),
            scope: wire.scope.as_deref().and_then(Scopes::from_wire),
            refresh_token: wire.refresh_token,
            id_token: wire.id_token,
            client_info: wire.client_info,
            family_id: wire.foci,
        })
    }

    /// Returns how long the token lives at this time (seconds since 1970): what the response says,
    /// at most [`MAX_LIFETIME`], or [`DEFAULT_LIFETIME`] when it says nothing.
    #[must_use]
    pub fn lifetime(&self, now: u64) -> u64 {
        let until = self
            .expires_on
            .map(|time| time.saturating_sub(now).min(MAX_LIFETIME));
        self.expires_in.or(until).unwrap_or(DEFAULT_LIFETIME)
    }
}

/// Whether an access token can stand in an `Authorization` header: RFC 6749 A.12 allows visible ASCII, and the blank,
/// which no bearer token has (RFC 6750 section 2.1). A line end would bring a header of its own.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The members as they come. Secrets go straight into types that wipe themselves.
#[derive(Deserialize)]
struct Wire {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<Secret>,
    #[serde(default, deserialize_with = "text")]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    expires_on: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    ext_expires_in: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    refresh_in: Option<u64>,
    #[serde(default, deserialize_with = "text")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    refresh_token: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    id_token: Option<Secret>,
    #[serde(default, deserialize_with = "text")]
    client_info: Option<String>,
    #[serde(default, deserialize_with = "text")]
    foci: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(members: &str) -> TokenResponse {
        let body = format!(r#"{{"access_token":"AT","token_type":"Bearer",{members}"x":1}}"#);
        TokenResponse::parse(body.as_bytes()).unwrap()
    }

    #[test]
    fn reads_a_whole_answer() {
        let token = parse(
            r#""scope":"User.Read openid","expires_in":4599,"ext_expires_in":4600,"refresh_in":2299,"refresh_token":"RT","id_token":"ID","client_info":"CI","foci":"1","#,
        );
        assert_eq!(token.access_token.expose(), "AT");
        assert_eq!(
            (token.lifetime(0), token.ext_expires_in, token.refresh_in),
            (4599, Some(4600), Some(2299))
        );
        assert_eq!(token.scope.unwrap().to_string(), "openid User.Read");
        assert_eq!(token.refresh_token.unwrap().expose(), "RT");
        assert_eq!(token.id_token.unwrap().expose(), "ID");
        assert_eq!(
            (token.client_info.as_deref(), token.family_id.as_deref()),
            (Some("CI"), Some("1"))
        );
    }

    #[test]
    fn lifetimes_come_in_every_spelling_and_are_bounded() {
        for (members, now, expected) in [
            (r#""expires_in":"3600","#, 0, 3600),
            (r#""expires_in":" 3600.9 ","#, 0, 3600),
            (r#""expires_in":86399,"#, 0, 86399),
            (r#""expires_in":-5,"#, 0, 0),
            (r#""expires_in":1e300,"#, 0, MAX_LIFETIME),
            (r#""expires_in":"999999999999999999999","#, 0, MAX_LIFETIME),
            (r#""expires_on":"5000","#, 1000, 4000),
            (r#""expires_on":5000,"#, 6000, 0),
            (r#""expires_in":10,"expires_on":5000,"#, 1000, 10),
            (r#""expires_in":"soon","#, 0, DEFAULT_LIFETIME),
            (r#""expires_in":null,"#, 0, DEFAULT_LIFETIME),
            (r#""expires_in":"NaN","#, 0, DEFAULT_LIFETIME),
            ("", 0, DEFAULT_LIFETIME),
        ] {
            assert_eq!(parse(members).lifetime(now), expected, "{members}");
        }
    }

    #[test]
    fn hints_that_make_no_sense_are_dropped() {
        let token = parse(r#""expires_in":3600,"ext_expires_in":0,"refresh_in":3600,"#);
        assert_eq!((token.ext_expires_in, token.refresh_in), (None, None));
        let token = parse(r#""expires_in":3600,"ext_expires_in":10,"refresh_in":0,"#);
        assert_eq!((token.ext_expires_in, token.refresh_in), (None, None));
    }

    #[test]
    fn missing_and_wrong_members_count_as_missing() {
        let token = parse(r#""scope":"","refresh_token":null,"id_token":7.5,"client_info":{},"#);
        assert_eq!((token.scope, token.client_info), (None, None));
        assert!(token.refresh_token.is_none());
        assert!(
            parse(r#""scope":["a"],"refresh_token":" ","#)
                .refresh_token
                .is_none()
        );
        assert_eq!(parse(r#""foci":1,"#).family_id.as_deref(), Some("1"));
    }

    #[test]
    fn tells_why_it_is_no_token() {
        let huge = vec![b' '; MAX_BODY_BYTES + 1];
        for (body, expected) in [
            (&b"<html>"[..], TokenResponseError::NotJson),
            (b"", TokenResponseError::NotJson),
            (b"[]", TokenResponseError::NotJson),
            (b"{}", TokenResponseError::AccessTokenMissing),
            (
                br#"{"access_token":""}"#,
                TokenResponseError::AccessTokenMissing,
            ),
            (
                br#"{"error":"authorization_pending"}"#,
                TokenResponseError::ErrorReply,
            ),
            (
                br#"{"access_token":"AT"}"#,
                TokenResponseError::TokenTypeMissing,
            ),
            (
                b"\xef\xbb\xbf{\"access_token\":\"AT\",\"token_type\":\"p\\u001bop\"}",
                TokenResponseError::TokenTypeMismatch("pop".into()),
            ),
            // It would bring a header of its own.
            (
                br#"{"access_token":"AT\r\nX-Evil: 1","token_type":"Bearer"}"#,
                TokenResponseError::AccessTokenMalformed,
            ),
            (&huge, TokenResponseError::TooLarge),
        ] {
            assert_eq!(TokenResponse::parse(body).unwrap_err(), expected);
        }
        assert!(TokenResponse::parse(br#"{"access_token":"AT","token_type":"bearer"}"#).is_ok());
    }

    #[test]
    fn debug_shows_no_token() {
        let shown = format!(
            "{:?}",
            parse(r#""refresh_token":"hunter2","id_token":"hunter3","#)
        );
        assert!(
            !shown.contains("hunter") && !shown.contains("AT"),
            "{shown}"
        );
    }
}
