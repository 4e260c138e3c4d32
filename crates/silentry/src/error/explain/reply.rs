//! Who must do what about an error of the token endpoint, in words.

use silentry_protocol::oauth::aadsts::{lookup, words};
use silentry_protocol::oauth::classification::{Grant, Kind};
use silentry_protocol::oauth::error_response::ErrorResponse;

use crate::advice::Advice;

/// Returns who must do what, in a few plain sentences. The address to consent at is not part of it.
pub(in crate::error) fn advice(reply: &ErrorResponse, grant: Grant) -> Advice {
    let advice = words_for(reply);
    let needs_claims = reply.claims().is_some() && !advice.contains("claims of this answer");
    if needs_claims && reply.classify(grant).kind == Kind::InteractionRequired {
        return Advice::from(advice)
            .and("Pass the claims of this answer on to that sign-in ({claims}).");
    }
    advice.into()
}

/// Returns whether the scopes are what the server refuses, in any of the ways that it has for it.
pub(crate) fn is_about_scopes(reply: &ErrorResponse) -> bool {
    const NUMBERS: [u32; 11] = [
        28000, 28002, 28003, 50001, 65005, 70011, 70022, 90009, 500_011, 650_053, 650_057,
    ];
    ["invalid_scope", "invalid_resource"].contains(&reply.error())
        || reply.codes().iter().any(|number| NUMBERS.contains(number))
}

fn words_for(reply: &ErrorResponse) -> &'static str {
    if reply.status() == 429 {
        return words::THROTTLED;
    }
    if let Some(advice) = reply.suberror().and_then(internal_suberror_advice) {
        return advice;
    }
    if is_public_client_refused(reply) {
        return words::PUBLIC_CLIENT;
    }
    // Entra gives a code that was declined the numbers of codes that are no longer good.
    if let Some(advice) = left_by_the_user(reply.error()) {
        return advice;
    }
    if let Some(known) = reply.codes().iter().find_map(|code| lookup(*code)) {
        return known.advice;
    }
    if matches!(reply.status(), 408 | 500..=599) {
        return words::RETRY;
    }
    reply
        .suberror()
        .and_then(word_advice)
        .or_else(|| word_advice(reply.error()))
        .unwrap_or(
            "The answer is not one of Microsoft Entra: check {authority}, and whether a proxy or \
         firewall on the way answers in its place.",
        )
}

/// 70002 alone, naming what a confidential client would have to send, is the older form of
/// 7000218.
fn is_public_client_refused(reply: &ErrorResponse) -> bool {
    reply.codes() == [70002]
        && reply
            .description()
            .is_some_and(|text| text.contains("client_secret") || text.contains("client_assertion"))
}

fn internal_suberror_advice(suberror: &str) -> Option<&'static str> {
    match suberror.to_ascii_lowercase().as_str() {
        "client_mismatch" => Some(
            "The saved sign-in belongs to another family of applications: sign in again for this \
             application.",
        ),
        "protection_policy_required" | "device_authentication_failed" => Some(words::BROKER),
        _ => None,
    }
}

/// The words for a user who was asked and did not agree.
fn left_by_the_user(error: &str) -> Option<&'static str> {
    match error.to_ascii_lowercase().as_str() {
        "authorization_declined" => Some(words::DECLINED),
        _ => None,
    }
}

/// The words for an `error` or `suberror` whose code is not known.
fn word_advice(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "basic_action" | "interaction_required" | "login_required" => words::INTERACTIVE,
        "additional_action" => words::DEVICE_POLICY,
        "message_only" => words::POLICY,
        "consent_required" => words::CONSENT,
        "user_password_expired" => words::PASSWORD_CHANGE,
        "bad_token" | "token_expired" | "invalid_grant" => words::EXPIRED,
        "temporarily_unavailable"
        | "server_error"
        | "service_not_available"
        | "request_timeout" => words::RETRY,
        "request_throttled" => words::THROTTLED,
        "authorization_pending" | "slow_down" => {
            "The user has not entered the code yet: open the page that was shown and enter it."
        }
        "access_denied" => words::DECLINED,
        "bad_verification_code" | "code_expired" | "expired_token" => words::CODE_AGAIN,
        "invalid_client" | "unauthorized_client" => words::CONFIGURATION,
        "invalid_scope" => words::SCOPE,
        "invalid_resource" => words::RESOURCE,
        "invalid_request" | "unsupported_grant_type" | "unsupported_response_type" => {
            words::REQUEST
        }
        "invalid_tenant" | "invalid_instance" | "not_found" => {
            "Check {tenant}, and the host in {authority}."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use silentry_protocol::oauth::aadsts;

    #[test]
    fn mitigation_goes_by_what_tells_most() {
        let words = |status, members: &str| {
            let body = format!("{{{members}}}");
            advice(
                &ErrorResponse::parse(status, body.as_bytes()),
                Grant::Unknown,
            )
            .for_library()
            .to_owned()
        };
        let secret = r#""error":"invalid_client","error_codes":[70002],"error_description":"AADSTS70002: must contain 'client_secret' or 'client_assertion'.""#;
        assert!(words(401, secret).contains("Allow public client flows"));
        assert!(
            words(401, r#""error":"invalid_client","error_codes":[7000218]"#)
                .contains("Allow public client flows")
        );
        assert!(words(429, r#""error":"Server overload","error_codes":[90010]"#).contains("wait"));
        assert!(
            words(400, r#""error":"invalid_request","error_codes":[90010]"#)
                .contains("/organizations")
        );
        assert!(
            words(
                400,
                r#""error":"invalid_grant","suberror":"client_mismatch","error_codes":[50076]"#
            )
            .contains("family")
        );
        assert!(
            words(
                400,
                r#""error":"invalid_grant","suberror":"consent_required""#
            )
            .contains("consent URL")
        );
        assert!(words(502, "").contains("try again"));
        assert!(words(400, "").contains("proxy"));
        assert!(
            words(
                400,
                r#""error":"invalid_grant","error_codes":[53000],"claims":"c""#
            )
            .ends_with("Pass the claims of this answer on to that sign-in (`with_claims`).")
        );
        assert_eq!(
            words(
                400,
                r#""error":"invalid_grant","error_codes":[50076],"claims":"c""#
            )
            .matches("claims of this answer")
            .count(),
            1
        );
    }

    #[test]
    fn the_texts_are_sentences_and_fragments() {
        for entry in aadsts::all() {
            let code = entry.code;
            let meaning = entry.meaning;
            assert!(
                !meaning.ends_with('.') && meaning.len() > 10,
                "{code}: {meaning}"
            );
            let advice = Advice::from(entry.advice);
            advice.check(&code.to_string());
            for text in [advice.for_command(), advice.for_library()] {
                assert!(
                    text.matches(". ").count() <= 1,
                    "more than two sentences: {code}: {text}"
                );
                assert!(text.len() <= 420, "{code}: {text}");
            }
        }
    }

    #[test]
    fn the_documented_cases_of_integrated_sign_in_name_the_cure() {
        for (code, words) in [
            (65001, "admin"),
            (50076, "--mode web"),
            (50079, "--mode web"),
            (90010, "/organizations"),
            (7_000_218, "Allow public client flows"),
            (50034, "user name"),
            (50008, "signing certificate"),
            (51004, "Microsoft Entra Connect"),
            (90020, "ImmutableID"),
            (500_133, "clock"),
            (80013, "clock"),
            (81001, "groups"),
        ] {
            let mitigation = Advice::from(lookup(code).unwrap().advice);
            let text = mitigation.for_command();
            assert!(text.contains(words), "{code}: {text}");
        }
    }
}
