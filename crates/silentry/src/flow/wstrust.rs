//! What a federation server answers to an RST, whatever credential it carried.

use super::call::Call;
use crate::error::{Category, Error, Stage, first_line};
use crate::federation::assertion::SamlAssertion;
use crate::federation::mex::FederationEndpoint;
use crate::federation::rstr::WsTrustReply;
use crate::transport::{HttpResponse, is_redirect, redirect_refused};

/// Returns the assertion. `unauthenticated` is the category of a refusal of the credential itself.
pub(super) fn read_reply(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    response: &HttpResponse,
    unauthenticated: Category,
) -> Result<SamlAssertion, Error> {
    let (status, host) = (response.status(), endpoint.host());
    if is_redirect(response) {
        let location = response.header("location").unwrap_or_default();
        return Err(redirect_refused(
            Stage::WsTrust,
            endpoint.url().as_url(),
            location,
        ));
    }
    if matches!(status, 403 | 404 | 405 | 415 | 503) {
        let path = endpoint.url().as_url().path();
        let line = first_line(response).map_or_else(String::new, |line| format!(": {line}"));
        let message = format!("{host} has {path} switched off or out of reach ({status}){line}");
        return Err(
            Error::new("wstrust_endpoint_unavailable", Stage::WsTrust, message).with_status(status),
        );
    }
    match WsTrustReply::from_http(status, response.body(), response.header("content-type")) {
        Ok(WsTrustReply::Token(assertion)) => Ok(assertion),
        Ok(WsTrustReply::Fault(fault)) => {
            let clocks = call.clock_difference(response);
            let error = Error::from_fault(host, status, &fault, clocks.as_deref());
            Err(match fault.is_failed_authentication() {
                true => error.with_category(unauthenticated),
                false => error,
            })
        }
        Err(_) if !(200..300).contains(&status) => Err(Error::from_unexpected_status(
            Stage::WsTrust,
            host,
            response,
        )),
        Err(error) => Err(Error::new(error.code(), Stage::WsTrust, error.to_string())
            .with_mitigation(error.mitigation())
            .unless_compressed(response)),
    }
}
