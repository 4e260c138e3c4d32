//! `silentry inspect error`: what an error body of Entra or AD FS means.

use serde_json::{Value, json};
use silentry::Error;
use silentry_protocol::MAX_BODY_BYTES;

use super::document::InspectError;

/// The status that a body is taken to have come with when none is given: Entra sends nearly all of
/// its errors with 400.
pub(crate) const DEFAULT_STATUS: u16 = 400;

/// Describes an error body. Reading one never fails, so there is something to say of any document
/// that a server could have answered with; a larger one is no error body.
///
/// A captured body does not tell what had been sent; [`Error::of_reply`] says what is decided then. `kind` is never `client`: that is a failure on this side, and none of those comes
/// in a server's answer.
pub(crate) fn inspect(body: &[u8], status: u16) -> Result<Value, InspectError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(InspectError {
            code: "non_parsable_oauth_error".to_owned(),
            message: "the document is larger than 1 MiB".to_owned(),
            mitigation:
                "Give the body of one error answer; Microsoft Entra's have a few kilobytes."
                    .to_owned(),
            stage: "token",
        });
    }
    let error = Error::of_reply(status, body);
    let (kind, classification, claims) = match &error {
        Error::InteractionRequired(needed) => (
            "interaction_required",
            needed.classification(),
            needed.claims().is_some(),
        ),
        _ => ("service", None, false),
    };
    Ok(json!({
        "kind": kind,
        "error": error.code().as_str(),
        "aadsts": error.aadsts(),
        "classification": classification,
        "retryable": error.is_retryable(),
        "claims": claims,
        "correlation_id": error.correlation_id(),
        "mitigation": error.advice().for_command(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_must_act() {
        let body = br#"{"error":"invalid_grant","error_description":"AADSTS50079: x","error_codes":[50079],"suberror":"basic_action","claims":"{}","correlation_id":"10148fe9-b8bd-4c03-922f-8d351298ffa7"}"#;
        let mut found = inspect(body, DEFAULT_STATUS).unwrap();
        let mitigation = found["mitigation"].take();
        assert!(
            mitigation.as_str().unwrap().contains("multi-factor"),
            "{mitigation}"
        );
        assert_eq!(
            found,
            json!({
                "kind": "interaction_required",
                "error": "invalid_grant",
                "aadsts": [50079],
                "classification": "basic_action",
                "retryable": false,
                "claims": true,
                "correlation_id": "10148fe9-b8bd-4c03-922f-8d351298ffa7",
                "mitigation": null,
            })
        );
    }

    #[test]
    fn an_assertion_that_entra_refused_is_not_the_users_to_cure() {
        let body = br#"{"error":"invalid_grant","error_codes":[51004]}"#;
        let found = inspect(body, DEFAULT_STATUS).unwrap();
        assert_eq!(
            (&found["kind"], &found["classification"]),
            (&json!("service"), &Value::Null)
        );
        let page = inspect(b"<html>busy</html>", 503).unwrap();
        assert_eq!(
            (&page["error"], &page["retryable"]),
            (&json!("service_not_available"), &json!(true))
        );
    }

    #[test]
    fn a_document_that_no_server_sends_is_refused() {
        let error = inspect(&vec![b' '; MAX_BODY_BYTES + 1], DEFAULT_STATUS).unwrap_err();
        assert_eq!(error.code, "non_parsable_oauth_error");
    }
}
