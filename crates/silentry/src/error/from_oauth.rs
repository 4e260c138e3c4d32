//! What Entra's token endpoint refused.

use std::time::Duration;

use silentry_protocol::oauth::aadsts::{self, Action};
use silentry_protocol::oauth::classification::{self, Classification, Grant};
use silentry_protocol::oauth::consent::ConsentRequest;
use silentry_protocol::oauth::error_response::ErrorResponse;

use super::code::Kind;
use super::explain::reply;
use super::{Category, Code, Details, Error, Stage};

impl Error {
    /// The error of the answer of an endpoint of the server to `grant`; `stage` says which endpoint it was. `consent`
    /// makes the addresses at which consent can be given, should that be what is missing and the server have such
    /// pages; `clocks` says how far the clocks are apart, should they be.
    pub(crate) fn from_oauth(
        stage: Stage,
        response: &ErrorResponse,
        grant: Grant,
        consent: Option<&ConsentRequest<'_>>,
        retry_after: Option<Duration>,
        clocks: Option<&str>,
    ) -> Self {
        let classified = response.classify(grant);
        let interaction = classified.kind == classification::Kind::InteractionRequired;
        let mut mitigation = reply::advice(response, grant);
        if let Some(clocks) = clocks {
            mitigation = mitigation.and(format!("Compare the clocks first: {clocks}."));
        }
        let code = Code::of_server(response.error());
        // The user was asked and said no, or nothing in time. MSALs count it as an error of the service all the same.
        let left_by_the_user = matches!(
            code,
            Code::AccessDenied
                | Code::AuthorizationDeclined
                | Code::CodeExpired
                | Code::ExpiredToken
        );
        let category = match (interaction || left_by_the_user, response.status()) {
            (true, _) => Category::UserMustAct,
            (false, 408 | 500..) => Category::Network,
            (false, _) => Category::Refused,
        };
        let mut details = Details {
            mitigation,
            category,
            retryable: classified.retryable,
            // The server's own, when it does not echo ours: that is the one its support can find.
            correlation_id: response.correlation_id().map(str::to_owned),
            http_status: Some(response.status()),
            aadsts: response.codes().to_vec(),
            suberror: response.suberror().map(str::to_owned),
            classification: classified
                .classification
                .filter(|word| *word != Classification::None)
                .map(Classification::as_str),
            claims: response.claims().map(str::to_owned),
            consent_urls: consent
                .filter(|_| asks_for_consent(response))
                .map_or_else(Vec::new, |consent| {
                    vec![consent.user_url(), consent.admin_url()]
                }),
            ..Details::new(code, stage, &message(stage, response))
        };
        details.wait(retry_after);
        let kind = match interaction {
            true => Kind::User,
            false => Kind::Service,
        };
        Error::of_kind(kind, details)
    }

    /// Reads an error that a token endpoint, or one beside it, answered with this HTTP status, as this library would
    /// have: it never fails. Nothing tells what had been sent, so `invalid_grant` without suberror and claims asks for
    /// the user, as in MSAL, unless its AADSTS number can only come from an assertion.
    ///
    /// ```
    /// let error = silentry::Error::of_reply(400, br#"{"error":"invalid_grant","suberror":"basic_action"}"#);
    /// assert_eq!(error.code(), "invalid_grant");
    /// assert!(matches!(error, silentry::Error::InteractionRequired(_)));
    /// ```
    pub fn of_reply(status: u16, body: &[u8]) -> Self {
        let reply = ErrorResponse::parse(status, body);
        Error::from_oauth(Stage::Token, &reply, Grant::Unknown, None, None, None)
    }
}

fn message(stage: Stage, response: &ErrorResponse) -> String {
    let endpoint = match stage {
        Stage::Browser => "authorization endpoint",
        Stage::DeviceCode => "device code endpoint",
        _ => "token endpoint",
    };
    match response.description() {
        Some(description) => description.to_owned(),
        None => format!(
            "the {endpoint} answered {}: {}",
            response.status(),
            response.error()
        ),
    }
}

fn asks_for_consent(response: &ErrorResponse) -> bool {
    let by_word = [response.suberror(), Some(response.error())].contains(&Some("consent_required"));
    let by_code = response
        .codes()
        .iter()
        .filter_map(|code| aadsts::lookup(*code))
        .any(|entry| entry.action == Action::Consent);
    by_word || by_code
}
