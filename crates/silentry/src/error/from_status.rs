//! Statuses that a stage does not expect.

use super::{Error, Stage};
use crate::oauth::error_response::ErrorResponse;
use crate::transport::{HttpResponse, retry_after};

impl Error {
    /// The error of a reply whose status is not what `stage` expects and whose body says nothing better.
    pub(crate) fn from_unexpected_status(
        stage: Stage,
        host: &str,
        response: &HttpResponse,
    ) -> Self {
        let status = response.status();
        let entra = matches!(stage, Stage::Discovery | Stage::Realm | Stage::Token);
        let code = match (stage, status) {
            (_, 429) => "request_throttled",
            (_, 500..) if entra => "service_not_available",
            (Stage::Discovery, _) => "tenant_discovery_failed",
            (Stage::Realm, _) => "user_realm_discovery_failed",
            (Stage::Mex, _) => "accessing_ws_metadata_exchange_failed",
            _ => "wstrust_request_failed",
        };
        let mut message = format!("{host} answered the {stage} request with status {status}");
        let said = ErrorResponse::parse(status, response.body());
        if let Some(description) = said.description().filter(|_| entra) {
            message = format!("{message}: {description}");
        }
        let mut error = Error::new(code, stage, message)
            .with_status(status)
            .with_aadsts(said.codes().iter().copied());
        let details = error.details_mut();
        details.retryable |= matches!(status, 408 | 429 | 500..);
        details.retry_after = retry_after(response);
        error
    }
}
