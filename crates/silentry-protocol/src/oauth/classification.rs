//! Who must act on an error of the token endpoint.
//!
//! The decision takes `error`, `suberror`, `claims` and the HTTP status, as MSAL.NET's
//! `MsalServiceExceptionFactory` does. AADSTS codes choose words, with three exceptions: codes that
//! mean "later" or "too often" make an error retryable or throttled, and codes that only an
//! assertion can cause stand in for a context that is not known (see [`Grant::Unknown`]).

use super::aadsts::{Action, lookup};
use super::error_response::ErrorResponse;

/// What was sent when the error came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grant {
    /// Not known, as with a document that was captured in the field.
    ///
    /// `invalid_grant` is then read as MSALs read it (the user must act), unless its code can only
    /// come from a SAML assertion (50008, 50013, 500133, 5000819, 51004, 7500514, 90020): a public
    /// client sends no other kind.
    #[default]
    Unknown,
    /// The assertion of a federation server.
    SamlAssertion,
    /// Anything else: a refresh token, a password, a code.
    Other,
}

/// Who must act, and whether the program may try again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classified {
    /// Who must act.
    pub kind: Kind,
    /// What the user is expected to do; only with [`Kind::InteractionRequired`].
    pub classification: Option<Classification>,
    /// Whether the same call may succeed later without anybody's help.
    pub retryable: bool,
    /// Whether it should wait a good while before.
    pub throttled: bool,
}

/// Who must act on an answer of a server. Failures on our own side never come from an answer, so
/// there is no third kind here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The user, with a flow that can prompt.
    InteractionRequired,
    /// Microsoft, the federation server, an administrator or the developer.
    Service,
}

impl Kind {
    /// Returns the word for it in the command's JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InteractionRequired => "interaction_required",
            Self::Service => "service",
        }
    }
}

/// What Entra expects of the user: MSAL's `UiRequiredExceptionClassification`, by `suberror`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classification {
    /// A step in the user interface cures it, such as multi-factor authentication.
    BasicAction,
    /// A step elsewhere cures it, such as enrolling the device.
    AdditionalAction,
    /// The user can only be told.
    MessageOnly,
    /// Consent is missing or was withdrawn.
    ConsentRequired,
    /// The password has expired.
    UserPasswordExpired,
    /// Entra does not say; an interactive sign-in is the way.
    None,
}

impl Classification {
    /// Returns the word for it, MSAL's in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BasicAction => "basic_action",
            Self::AdditionalAction => "additional_action",
            Self::MessageOnly => "message_only",
            Self::ConsentRequired => "consent_required",
            Self::UserPasswordExpired => "user_password_expired",
            Self::None => "none",
        }
    }

    fn of(error: &ErrorResponse) -> Self {
        let word = match error.suberror() {
            Some(suberror) => suberror,
            None => error.error(),
        };
        let all = [
            Self::BasicAction,
            Self::AdditionalAction,
            Self::MessageOnly,
            Self::ConsentRequired,
            Self::UserPasswordExpired,
        ];
        all.into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(word))
            .unwrap_or(Self::None)
    }
}

/// Errors that ask for the user by name (OpenID Connect Core 3.1.2.6; MSAL Node's list).
const INTERACTION_ERRORS: [&str; 4] = [
    "interaction_required",
    "consent_required",
    "login_required",
    "bad_token",
];
/// Suberrors of `invalid_grant` that no user can cure here: another application's family token, and
/// an application that Intune must protect. MSALs treat both as service errors.
const INTERNAL_SUBERRORS: [&str; 2] = ["client_mismatch", "protection_policy_required"];
const RETRYABLE_ERRORS: [&str; 4] = [
    "temporarily_unavailable",
    "server_error",
    "request_timeout",
    "service_not_available",
];
/// Codes that only a SAML assertion can cause.
const ASSERTION_CODES: [u32; 7] = [50008, 50013, 51004, 90020, 500_133, 5_000_819, 7_500_514];

impl ErrorResponse {
    /// Returns who must act, and whether the same request may succeed later.
    #[must_use]
    pub fn classify(&self, grant: Grant) -> Classified {
        classify(self, grant)
    }
}

fn classify(error: &ErrorResponse, grant: Grant) -> Classified {
    let kind = kind(error, grant);
    let known = error.codes().iter().filter_map(|code| lookup(*code));
    let throttled = error.status() == 429
        || error.retry_after().is_some()
        || known.clone().any(|entry| entry.action == Action::Throttle);
    let retryable = throttled
        || matches!(error.status(), 408 | 500..=599)
        || is_one_of(Some(error.error()), &RETRYABLE_ERRORS)
        || known.clone().any(|entry| entry.action.is_retryable());
    let classification = (kind == Kind::InteractionRequired).then(|| Classification::of(error));
    Classified {
        kind,
        classification,
        retryable,
        throttled,
    }
}

fn kind(error: &ErrorResponse, grant: Grant) -> Kind {
    // A server that is down says nothing about the user; MSAL.NET looks at the status first, too.
    if (500..=599).contains(&error.status()) || is_one_of(error.suberror(), &INTERNAL_SUBERRORS) {
        return Kind::Service;
    }
    if is_one_of(Some(error.error()), &INTERACTION_ERRORS)
        || is_one_of(error.suberror(), &INTERACTION_ERRORS)
        || error.claims().is_some()
    {
        return Kind::InteractionRequired;
    }
    if !is_one_of(Some(error.error()), &["invalid_grant"])
        || is_federation_configuration(error, grant)
    {
        return Kind::Service;
    }
    Kind::InteractionRequired
}

/// `invalid_grant` with neither suberror nor claims right after an assertion: Entra does not accept
/// what the federation server wrote, and no prompt changes that.
///
/// Bodies from before suberrors existed leave them out for multi-factor authentication and consent
/// as well; the code then tells that the user can cure it.
fn is_federation_configuration(error: &ErrorResponse, grant: Grant) -> bool {
    if error.suberror().is_some() || error.claims().is_some() {
        return false;
    }
    let code = error.codes().first().copied();
    match grant {
        Grant::SamlAssertion => !code.and_then(lookup).is_some_and(|entry| {
            matches!(
                entry.action,
                Action::Interactive | Action::Mfa | Action::Consent
            )
        }),
        Grant::Unknown => code.is_some_and(|code| ASSERTION_CODES.contains(&code)),
        Grant::Other => false,
    }
}

fn is_one_of(word: Option<&str>, list: &[&str]) -> bool {
    word.is_some_and(|word| list.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::retry_after::RetryAfter;

    fn error(status: u16, members: &str) -> ErrorResponse {
        ErrorResponse::parse(status, format!("{{{members}}}").as_bytes())
    }

    fn kind_of(status: u16, members: &str) -> &'static str {
        error(status, members)
            .classify(Grant::Unknown)
            .kind
            .as_str()
    }

    #[test]
    fn the_user_must_act_when_entra_says_so() {
        for (members, expected) in [
            (r#""error":"interaction_required""#, "interaction_required"),
            (r#""error":"consent_required""#, "interaction_required"),
            (r#""error":"login_required""#, "interaction_required"),
            (r#""error":"bad_token""#, "interaction_required"),
            (
                r#""error":"invalid_request","suberror":"bad_token""#,
                "interaction_required",
            ),
            (r#""error":"invalid_grant""#, "interaction_required"),
            (
                r#""error":"Invalid_Grant","suberror":"basic_action""#,
                "interaction_required",
            ),
            (
                r#""error":"invalid_grant","suberror":"client_mismatch""#,
                "service",
            ),
            (
                r#""error":"invalid_grant","suberror":"protection_policy_required""#,
                "service",
            ),
            (
                r#""error":"insufficient_claims","claims":"{}""#,
                "interaction_required",
            ),
            (r#""error":"invalid_client""#, "service"),
            (
                r#""error":"invalid_scope","error_codes":[70011]"#,
                "service",
            ),
            (
                r#""error":"unauthorized_client","error_codes":[50076]"#,
                "service",
            ),
        ] {
            assert_eq!(kind_of(400, members), expected, "{members}");
        }
        assert_eq!(
            kind_of(401, r#""error":"invalid_grant""#),
            "interaction_required"
        );
        assert_eq!(
            kind_of(500, r#""error":"invalid_grant","claims":"c""#),
            "service"
        );
        assert_eq!(
            kind_of(429, r#""error":"invalid_grant","claims":"c""#),
            "interaction_required"
        );
    }

    #[test]
    fn after_an_assertion_a_bare_invalid_grant_is_federation_configuration() {
        let after = |members: &str, grant| error(400, members).classify(grant).kind;
        for code in [50008, 51004, 90020, 50057, 99_999_999] {
            let members = format!(r#""error":"invalid_grant","error_codes":[{code}]"#);
            assert_eq!(
                after(&members, Grant::SamlAssertion),
                Kind::Service,
                "{code}"
            );
            assert_eq!(
                after(&members, Grant::Other),
                Kind::InteractionRequired,
                "{code}"
            );
        }
        // Without a context only the codes that an assertion alone can cause tell the same.
        for (code, kind) in [
            (50008, Kind::Service),
            (51004, Kind::Service),
            (90020, Kind::Service),
            (50057, Kind::InteractionRequired),
        ] {
            let members = format!(r#""error":"invalid_grant","error_codes":[{code}]"#);
            assert_eq!(after(&members, Grant::Unknown), kind, "{code}");
        }
        for members in [
            r#""error":"invalid_grant","error_codes":[50008],"suberror":"basic_action""#,
            r#""error":"invalid_grant","error_codes":[50008],"claims":"c""#,
            r#""error":"invalid_grant","error_codes":[65001]"#,
            r#""error":"invalid_grant","error_codes":[50076]"#,
        ] {
            assert_eq!(
                after(members, Grant::SamlAssertion),
                Kind::InteractionRequired,
                "{members}"
            );
        }
    }

    #[test]
    fn classification_is_msals_and_only_for_the_user() {
        for (members, expected) in [
            (
                r#""error":"invalid_grant","suberror":"basic_action""#,
                Some("basic_action"),
            ),
            (
                r#""error":"invalid_grant","suberror":"ADDITIONAL_ACTION""#,
                Some("additional_action"),
            ),
            (
                r#""error":"invalid_grant","suberror":"message_only""#,
                Some("message_only"),
            ),
            (
                r#""error":"invalid_grant","suberror":"consent_required""#,
                Some("consent_required"),
            ),
            (r#""error":"consent_required""#, Some("consent_required")),
            (
                r#""error":"invalid_grant","suberror":"user_password_expired""#,
                Some("user_password_expired"),
            ),
            (
                r#""error":"invalid_grant","suberror":"token_expired""#,
                Some("none"),
            ),
            (r#""error":"invalid_grant""#, Some("none")),
            (
                r#""error":"invalid_grant","suberror":"client_mismatch""#,
                None,
            ),
            (r#""error":"invalid_request""#, None),
        ] {
            let classified = error(400, members).classify(Grant::Unknown);
            assert_eq!(
                classified.classification.map(Classification::as_str),
                expected,
                "{members}"
            );
        }
    }

    #[test]
    fn retryable_is_what_may_pass_by_itself() {
        let flags = |status, members: &str| {
            let classified = error(status, members).classify(Grant::Unknown);
            (classified.retryable, classified.throttled)
        };
        for status in [408, 500, 502, 503, 504, 505] {
            assert_eq!(flags(status, ""), (true, false), "{status}");
        }
        for status in [200, 300, 400, 401, 403, 404] {
            assert_eq!(
                flags(status, r#""error":"invalid_client""#),
                (false, false),
                "{status}"
            );
        }
        assert_eq!(
            flags(429, r#""error":"Server overload","error_codes":[90010]"#),
            (true, true)
        );
        assert_eq!(
            flags(400, r#""error":"temporarily_unavailable""#),
            (true, false)
        );
        assert_eq!(
            flags(400, r#""error":"invalid_request","error_codes":[90033]"#),
            (true, false)
        );
        assert_eq!(
            flags(400, r#""error":"invalid_grant","error_codes":[50196]"#),
            (true, true)
        );
        assert_eq!(
            flags(400, r#""error":"invalid_request","error_codes":[90055]"#),
            (true, true)
        );
        assert_eq!(
            flags(400, r#""error":"invalid_grant","error_codes":[50076]"#),
            (false, false)
        );
        let later = error(503, "")
            .with_retry_after(RetryAfter::Seconds(5))
            .classify(Grant::Other);
        assert!(later.throttled && later.retryable);
    }
}
