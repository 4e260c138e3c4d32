//! Errors of Entra, in the shape of recorded ones.

use serde::Serialize;
use time::OffsetDateTime;

use crate::clock::entra_time;
use crate::random::guid;

pub(super) const MFA_DEMANDED: &str = "Due to a configuration change made by your administrator, \
or because you moved to a new location, you must use multi-factor authentication";

/// What the `claims` of a refusal ask for; clients pass it on, and must not read it.
pub(super) const MFA_CLAIMS: &str = "{\"access_token\":{\"capolids\":{\"essential\":true,\
\"values\":[\"c2b6a7a4-5d3f-4a3b-9d46-0d8e3f7a6b51\"]}}}";

/// A refusal, before it is dressed for one request.
#[derive(Clone, Debug)]
pub(crate) struct EntraError {
    status: u16,
    error: &'static str,
    code: u32,
    text: String,
    suberror: Option<&'static str>,
    claims: Option<String>,
    /// Why a user came back to the client without having been refused.
    subcode: Option<&'static str>,
    /// The id of an earlier request that this one belongs to.
    correlation_id: Option<String>,
}

/// The members of the JSON body, in their recorded order.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorBody {
    #[serde(skip)]
    pub(crate) status: u16,
    pub(super) error: &'static str,
    pub(super) error_description: String,
    error_codes: [u32; 1],
    timestamp: String,
    trace_id: String,
    pub(super) correlation_id: String,
    pub(super) error_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suberror: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<String>,
}

impl EntraError {
    pub(crate) fn new(
        status: u16,
        error: &'static str,
        code: u32,
        text: impl Into<String>,
    ) -> Self {
        Self {
            status,
            error,
            code,
            text: text.into(),
            suberror: None,
            claims: None,
            subcode: None,
            correlation_id: None,
        }
    }

    pub(crate) fn invalid_request(code: u32, text: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", code, text)
    }

    pub(crate) fn invalid_grant(code: u32, text: impl Into<String>) -> Self {
        Self::new(400, "invalid_grant", code, text)
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::invalid_request(
            900144,
            format!("The request body must contain the following parameter: '{name}'."),
        )
    }

    pub(crate) fn suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    pub(crate) fn claims(mut self, claims: impl Into<String>) -> Self {
        self.claims = Some(claims.into());
        self
    }

    pub(super) fn with_subcode(mut self, subcode: &'static str) -> Self {
        self.subcode = Some(subcode);
        self
    }

    pub(super) fn subcode(&self) -> Option<&'static str> {
        self.subcode
    }

    /// Answers under the id of an earlier request, as polls with a device code are.
    pub(super) fn correlated(mut self, correlation_id: String) -> Self {
        self.correlation_id = Some(correlation_id);
        self
    }

    pub(crate) fn code(&self) -> u32 {
        self.code
    }

    /// Returns `AADSTSn: text` without the ids behind it.
    pub(crate) fn summary(&self) -> String {
        format!("AADSTS{}: {}", self.code, self.text)
    }

    /// Dresses the error for a reply. Ids and time follow the text behind single blanks, as they
    /// have since 2024; before, it was line ends.
    pub(crate) fn body(self, now: OffsetDateTime, host: &str, correlation_id: &str) -> ErrorBody {
        let (trace_id, timestamp) = (guid(), entra_time(now));
        let correlation_id = self.correlation_id.as_deref().unwrap_or(correlation_id);
        ErrorBody {
            status: self.status,
            error: self.error,
            error_description: format!(
                "{} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}",
                self.summary()
            ),
            error_codes: [self.code],
            timestamp,
            trace_id,
            correlation_id: correlation_id.to_owned(),
            error_uri: format!("https://{host}/error?code={}", self.code),
            suberror: self.suberror,
            claims: self.claims,
        }
    }
}

/// Nobody of that name, or with that id, is here.
pub(super) fn not_in_directory(who: &str) -> EntraError {
    EntraError::invalid_grant(
        51004,
        format!(
            "The user account {who:.100} does not exist in the {} directory. To sign into this \
             application, the account must be added to the directory.",
            crate::directory::TENANT_ID
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_in_the_recorded_order() {
        let error = EntraError::invalid_grant(50076, "Because.").suberror("basic_action");
        let body = error.body(OffsetDateTime::UNIX_EPOCH, "login.microsoftonline.com", "c");
        let text = serde_json::to_string(&body).unwrap();
        let members = [
            "\"error\":\"invalid_grant\"",
            "\"error_description\":\"AADSTS50076: Because. Trace ID: ",
            " Correlation ID: c Timestamp: 1970-01-01 00:00:00Z\"",
            "\"error_codes\":[50076]",
            "\"timestamp\":",
            "\"trace_id\":",
            "\"correlation_id\":\"c\"",
            "\"error_uri\":\"https://login.microsoftonline.com/error?code=50076\"",
            "\"suberror\":\"basic_action\"}",
        ];
        let mut rest = text.as_str();
        for member in members {
            let at = rest
                .find(member)
                .unwrap_or_else(|| panic!("{member} in {text}"));
            rest = &rest[at..];
        }
    }
}
