//! What Entra's token endpoint refused.

use std::borrow::Cow;
use std::time::Duration;

use super::{Category, Details, Error, InteractionRequired, ServiceError, Stage};
use crate::oauth::aadsts::{self, Action};
use crate::oauth::classification::{Classification, Grant, Kind};
use crate::oauth::consent::ConsentRequest;
use crate::oauth::error_response::ErrorResponse;

/// The user was asked and said no, or nothing in time. MSALs count it as an error of the service all the same.
const LEFT_BY_THE_USER: [&str; 4] = [
    "access_denied",
    "authorization_declined",
    "code_expired",
    "expired_token",
];

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
        let interaction = classified.kind == Kind::InteractionRequired;
        let mut mitigation = response.mitigation(grant);
        if let Some(clocks) = clocks {
            mitigation = mitigation.and(format!("Compare the clocks first: {clocks}."));
        }
        let category = match (interaction, response.status()) {
            (true, _) => Category::UserMustAct,
            _ if LEFT_BY_THE_USER.contains(&response.error()) => Category::UserMustAct,
            (false, 408 | 500..) => Category::Network,
            (false, _) => Category::Refused,
        };
        let code = Cow::Owned(response.error().to_owned());
        let mut details = Box::new(Details {
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
            ..Details::new(code, stage, category, &message(stage, response), mitigation)
        });
        details.wait(retry_after);
        if interaction {
            Error::InteractionRequired(InteractionRequired(details))
        } else {
            Error::Service(ServiceError(details))
        }
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
