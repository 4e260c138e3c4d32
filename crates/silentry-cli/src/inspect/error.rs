//! `silentry inspect error`: what an error body of Entra or AD FS means.

use serde_json::{Value, json};
use silentry::oauth::classification::{Classification, Grant};
use silentry::oauth::error_response::ErrorResponse;

/// The status that a body is taken to have come with when none is given: Entra sends nearly all of
/// its errors with 400.
pub(crate) const DEFAULT_STATUS: u16 = 400;

/// Describes an error body. Reading one never fails, so there is always something to say.
///
/// A captured body does not tell what had been sent, so [`Grant::Unknown`] decides: `invalid_grant`
/// without suberror and claims asks for the user, as in MSAL, unless its code can only come from a
/// SAML assertion. `kind` is never `client`: that is a failure on this side, and none of those comes
/// in a server's answer.
pub(crate) fn inspect(body: &[u8], status: u16) -> Value {
    let error = ErrorResponse::parse(status, body);
    let classified = error.classify(Grant::Unknown);
    json!({
        "kind": classified.kind.as_str(),
        "error": error.error(),
        "aadsts": error.codes(),
        "classification": classified.classification.map(Classification::as_str),
        "retryable": classified.retryable,
        "claims": error.claims().is_some(),
        "correlation_id": error.correlation_id(),
        "mitigation": error.mitigation(Grant::Unknown),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_must_act() {
        let body = br#"{"error":"invalid_grant","error_description":"AADSTS50079: x","error_codes":[50079],"suberror":"basic_action","claims":"{}","correlation_id":"10148fe9-b8bd-4c03-922f-8d351298ffa7"}"#;
        let mut found = inspect(body, DEFAULT_STATUS);
        let mitigation = found["mitigation"].take();
        assert!(mitigation.as_str().unwrap().contains("multi-factor"), "{mitigation}");
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
        let found = inspect(body, DEFAULT_STATUS);
        assert_eq!((&found["kind"], &found["classification"]), (&json!("service"), &Value::Null));
        let page = inspect(b"<html>busy</html>", 503);
        assert_eq!((&page["error"], &page["retryable"]), (&json!("service_not_available"), &json!(true)));
    }
}
