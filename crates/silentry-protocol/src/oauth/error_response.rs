//! Errors of the token endpoint and its neighbours: read leniently, whatever the server sent.

use std::fmt;

use serde_json::{Map, Value};

use super::error_members::{
    claims, codes_in_text, codes_in_value, form_members, guid_member, sanitise, scalar, short,
    without_70002,
};
use crate::MAX_BODY_BYTES;
use crate::http::retry_after::RetryAfter;

/// Characters of a description that are kept; Entra's own stay below 1000.
const MAX_DESCRIPTION: usize = 2048;

/// What a server answered instead of a token.
///
/// Reading it never fails: HTML of a proxy, an empty body, JSON without an `error`, `error_codes` as
/// text and error pages with status 200 have all been seen. Texts meant for people are freed of
/// control characters and shortened, as they come from the network and go to terminals and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorResponse {
    status: u16,
    error: Option<String>,
    description: Option<String>,
    suberror: Option<String>,
    codes: Vec<u32>,
    claims: Option<String>,
    correlation_id: Option<String>,
    trace_id: Option<String>,
    timestamp: Option<String>,
    error_uri: Option<String>,
    password_change_url: Option<String>,
    format: Format,
    retry_after: Option<RetryAfter>,
}

/// What kind of body carried the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Empty,
    Json,
    /// A query or form with an `error` member: the way the authorization endpoint reports errors.
    Form,
    /// HTML of a proxy or an error page, or JSON that is broken or too large.
    Other,
}

impl ErrorResponse {
    /// Reads the body of an answer with this HTTP status.
    ///
    /// Takes JSON (with or without a byte order mark) and the query or form in which the
    /// authorization endpoint sends its errors to a redirect URI.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> Self {
        let empty = Self {
            status,
            error: None,
            description: None,
            suberror: None,
            codes: Vec::new(),
            claims: None,
            correlation_id: None,
            trace_id: None,
            timestamp: None,
            error_uri: None,
            password_change_url: None,
            format: Format::Other,
            retry_after: None,
        };
        if body.len() > MAX_BODY_BYTES {
            return empty;
        }
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Self {
                format: Format::Empty,
                ..empty
            };
        }
        if let Ok(Value::Object(members)) = serde_json::from_str(text) {
            return empty.with_members(&members, Format::Json);
        }
        if let Some(members) = form_members(text) {
            return empty.with_members(&members, Format::Form);
        }
        Self {
            codes: without_70002(codes_in_text(text)),
            ..empty
        }
    }

    /// Adds what the `Retry-After` header of the answer said.
    #[must_use]
    pub fn with_retry_after(self, retry_after: RetryAfter) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..self
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns the server's `error`, or MSAL's word for an answer that has none: `not_found`,
    /// `service_not_available`, `request_throttled`, `request_timeout`, `non_parsable_oauth_error` or
    /// `http_status_not_200`.
    #[must_use]
    pub fn error(&self) -> &str {
        if let Some(error) = &self.error {
            return error;
        }
        match (self.status, self.format) {
            (404, _) => "not_found",
            (408, _) => "request_timeout",
            (429, _) => "request_throttled",
            (500..=599, _) => "service_not_available",
            (_, Format::Other) => "non_parsable_oauth_error",
            _ => "http_status_not_200",
        }
    }

    /// Returns whether the answer had an `error` member, so that it is an OAuth error at all.
    #[must_use]
    pub fn is_oauth_error(&self) -> bool {
        self.error.is_some()
    }

    /// Returns `error_description`, on one line.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns `suberror`: what Entra expects of the user, or an internal reason.
    #[must_use]
    pub fn suberror(&self) -> Option<&str> {
        self.suberror.as_deref()
    }

    /// Returns the AADSTS codes, the telling one first: from `error_codes`, else from the text.
    ///
    /// 70002 ("error validating credentials") only accompanies the real code, so it is left out when
    /// another follows.
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Returns the claims challenge exactly as it came; the next interactive request sends it.
    #[must_use]
    pub fn claims(&self) -> Option<&str> {
        self.claims.as_deref()
    }

    /// Returns the correlation id, when it is a GUID: Microsoft's support finds the request by it.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&str> {
        self.correlation_id.as_deref()
    }

    /// Returns the trace id, when it is a GUID.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        self.trace_id.as_deref()
    }

    /// Returns the server's time of the error, as it wrote it.
    #[must_use]
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// Returns the address of Microsoft's page about the error.
    #[must_use]
    pub fn error_uri(&self) -> Option<&str> {
        self.error_uri.as_deref()
    }

    /// Returns where the user changes an expired password.
    #[must_use]
    pub fn password_change_url(&self) -> Option<&str> {
        self.password_change_url.as_deref()
    }

    /// Returns what `Retry-After` said.
    #[must_use]
    pub fn retry_after(&self) -> Option<RetryAfter> {
        self.retry_after
    }

    fn with_members(self, members: &Map<String, Value>, format: Format) -> Self {
        // Microsoft Graph and Azure Resource Manager nest code and message in `error`.
        let nested = members.get("error").and_then(Value::as_object);
        let raw_description = scalar(members, "error_description")
            .or_else(|| nested.and_then(|error| scalar(error, "message")));
        let text = raw_description.as_deref().unwrap_or_default();
        let codes = match members.get("error_codes").map(codes_in_value) {
            Some(codes) if !codes.is_empty() => codes,
            _ => codes_in_text(text),
        };
        Self {
            error: short(members, "error")
                .or_else(|| nested.and_then(|error| short(error, "code"))),
            description: raw_description
                .as_deref()
                .and_then(|text| sanitise(text, MAX_DESCRIPTION)),
            suberror: short(members, "suberror"),
            codes: without_70002(codes),
            claims: claims(members),
            correlation_id: guid_member(members, "correlation_id", text, "Correlation ID:"),
            trace_id: guid_member(members, "trace_id", text, "Trace ID:"),
            timestamp: short(members, "timestamp"),
            error_uri: short(members, "error_uri"),
            password_change_url: short(members, "password_change_url"),
            format,
            ..self
        }
    }
}

impl fmt::Display for ErrorResponse {
    /// Writes one line for people: the error and its description, or what came instead.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.description, self.format) {
            (Some(description), _) => write!(f, "{}: {description}", self.error()),
            (None, Format::Json | Format::Form) => {
                write!(
                    f,
                    "{} (HTTP {} without a description)",
                    self.error(),
                    self.status
                )
            }
            (None, Format::Empty) => {
                write!(
                    f,
                    "{} (HTTP {} with an empty body)",
                    self.error(),
                    self.status
                )
            }
            (None, Format::Other) => {
                write!(
                    f,
                    "{} (HTTP {} with a body that is not an OAuth error)",
                    self.error(),
                    self.status
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> ErrorResponse {
        ErrorResponse::parse(400, body.as_bytes())
    }

    #[test]
    fn reads_a_real_answer_of_either_form() {
        let lines = "AADSTS50049: Unknown.\\r\\nTrace ID: 82e709b9-f0b3-431d-99cd-f3c2ca3d4b00\\r\\nCorrelation ID: e7619cf4-53ea-443c-b76a-194c032e9840\\r\\nTimestamp: 2021-04-14 11:27:26Z";
        for text in [lines.to_owned(), lines.replace("\\r\\n", " ")] {
            let error = parse(&format!(
                r#"{{"error":"invalid_instance","error_description":"{text}"}}"#
            ));
            assert_eq!(error.error(), "invalid_instance");
            assert_eq!(error.codes(), [50049]);
            assert_eq!(
                error.trace_id(),
                Some("82e709b9-f0b3-431d-99cd-f3c2ca3d4b00")
            );
            assert_eq!(
                error.correlation_id(),
                Some("e7619cf4-53ea-443c-b76a-194c032e9840")
            );
            assert!(
                error
                    .description()
                    .unwrap()
                    .starts_with("AADSTS50049: Unknown. Trace ID: 82e7")
            );
        }
    }

    #[test]
    fn finds_the_codes_in_every_spelling() {
        for (codes, expected) in [
            ("[50076]", vec![50076]),
            ("[70002,70008]", vec![70008]),
            ("[70002]", vec![70002]),
            ("\"[500011]\"", vec![500011]),
            ("[\"50076\",\"50079\"]", vec![50076, 50079]),
            ("50076", vec![50076]),
            ("\"[70002,70008]\"", vec![70008]),
            ("[]", vec![65001]),
            ("null", vec![65001]),
            ("[[50076]]", vec![65001]),
            ("[-1e400]", vec![]),
        ] {
            let body = format!(
                r#"{{"error":"e","error_description":"AADSTS70002: a.AADSTS65001: b","error_codes":{codes}}}"#
            );
            let error = parse(&body);
            // A number that no one can hold makes the body unreadable, but the text still tells.
            let expected = if codes == "[-1e400]" {
                vec![65001]
            } else {
                expected
            };
            assert_eq!(error.codes(), expected, "{codes}");
        }
    }

    #[test]
    fn an_answer_without_an_error_gets_msals_word_for_it() {
        for (status, body, expected) in [
            (400, "", "http_status_not_200"),
            (400, "{}", "http_status_not_200"),
            (400, "<html>AADSTS50011</html>", "non_parsable_oauth_error"),
            (400, "[]", "non_parsable_oauth_error"),
            (404, "", "not_found"),
            (408, "", "request_timeout"),
            (429, "slow down", "request_throttled"),
            (503, "<html>", "service_not_available"),
            (
                503,
                r#"{"error":"temporarily_unavailable"}"#,
                "temporarily_unavailable",
            ),
            (
                200,
                r#"{"error":"authorization_pending"}"#,
                "authorization_pending",
            ),
        ] {
            let error = ErrorResponse::parse(status, body.as_bytes());
            assert_eq!(error.error(), expected, "{status} {body}");
        }
        assert_eq!(parse("<html>AADSTS50011: x</html>").codes(), [50011]);
        let huge = vec![b' '; MAX_BODY_BYTES + 1];
        assert_eq!(
            ErrorResponse::parse(400, &huge).error(),
            "non_parsable_oauth_error"
        );
    }

    #[test]
    fn texts_for_people_are_clean_and_bounded() {
        let long = "x".repeat(5000);
        let error = parse(&format!(
            "\u{feff}{{\"error\":\"a\\u001b[31m\\u202eb\",\"error_description\":\"one\\r\\n\\ttwo {long}\"}}"
        ));
        assert_eq!(error.error(), "a[31mb");
        let description = error.description().unwrap();
        assert!(description.starts_with("one two xxx"));
        assert_eq!(description.chars().count(), MAX_DESCRIPTION + 1);
        assert_eq!(
            parse(r#"{"error":"\u0007","error_description":" "}"#).error(),
            "http_status_not_200"
        );
    }

    #[test]
    fn claims_stay_exactly_as_they_came() {
        let claims = "{\"access_token\": {\"polids\":{}}}\n ";
        let body = serde_json::json!({"error": "invalid_grant", "claims": claims}).to_string();
        assert_eq!(parse(&body).claims(), Some(claims));
        assert_eq!(
            parse(r#"{"error":"e","claims":"some_claims"}"#).claims(),
            Some("some_claims")
        );
        assert_eq!(
            parse(r#"{"error":"e","claims":{"a":null}}"#).claims(),
            Some(r#"{"a":null}"#)
        );
        assert_eq!(parse(r#"{"error":"e","claims":" "}"#).claims(), None);
    }

    #[test]
    fn members_of_the_wrong_kind_do_no_harm() {
        let error = parse(
            r#"{"error":7,"error_description":["x"],"suberror":{},"correlation_id":"3a...95a","trace_id":null}"#,
        );
        assert_eq!(
            (error.error(), error.description(), error.suberror()),
            ("7", None, None)
        );
        assert_eq!((error.correlation_id(), error.trace_id()), (None, None));
        let nested = parse(r#"{"error":{"code":"InvalidAuthenticationToken","message":"m"}}"#);
        assert_eq!(
            (nested.error(), nested.description()),
            ("InvalidAuthenticationToken", Some("m"))
        );
    }

    #[test]
    fn reads_the_redirect_of_the_authorization_endpoint() {
        let error = parse(
            "msauth://app/x%3D?error=invalid_request&error_description=AADSTS900144%3a+The+body%0d%0aTrace+ID%3a+9bee0922-7158-44b3-8b22-4addd9225901&state=1",
        );
        assert_eq!(error.error(), "invalid_request");
        assert_eq!(error.codes(), [900144]);
        assert_eq!(
            error.trace_id(),
            Some("9bee0922-7158-44b3-8b22-4addd9225901")
        );
        assert_eq!(
            parse("<a href='?error=x'>").error(),
            "non_parsable_oauth_error"
        );
    }

    #[test]
    fn display_says_what_came() {
        assert_eq!(
            parse(r#"{"error":"e","error_description":"d"}"#).to_string(),
            "e: d"
        );
        assert_eq!(
            ErrorResponse::parse(502, b"<html>").to_string(),
            "service_not_available (HTTP 502 with a body that is not an OAuth error)"
        );
    }
}
