//! What a federation server answers to an RST, whatever credential it carried.

use silentry_protocol::wstrust::assertion::SamlAssertion;
use silentry_protocol::wstrust::fault::FaultKind;
use silentry_protocol::wstrust::mex::FederationEndpoint;
use silentry_protocol::wstrust::rstr::WsTrustReply;
use url::Url;

use super::call::Call;
use super::federation::Credential;
use crate::error::{Code, Error, Stage, first_line};
use crate::transport::{HttpResponse, is_redirect, redirect_refused};

/// What helps where passwords are not taken; the table of codes speaks of the endpoint for tickets.
const USERNAMEMIXED_OFF: &str = "Ask the federation server's administrator to enable usernamemixed (Set-AdfsEndpoint \
    -TargetAddressPath /adfs/services/trust/13/usernamemixed), and from outside the corporate network to serve it through \
    the extranet proxy too (-Proxy $true).";

/// Returns the assertion for a request with this credential.
pub(super) fn read_reply(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    response: &HttpResponse,
    credential: Credential,
) -> Result<SamlAssertion, Error> {
    let clocks = || call.clock_difference(response);
    match read(endpoint.url().as_url(), response, credential, clocks) {
        Ok(assertion) => Ok(assertion),
        Err(Failure::Credential(error)) => Err(error.with_category(credential.when_refused())),
        Err(Failure::Other(error)) => Err(error),
    }
}

/// Why there is no assertion.
enum Failure {
    /// The credential itself was refused.
    Credential(Error),
    Other(Error),
}

/// Reads the reply of the endpoint `url`. A fault comes first: what the server says itself tells more than the status,
/// which gateways and third parties choose at will.
fn read(
    url: &Url,
    response: &HttpResponse,
    credential: Credential,
    clocks: impl FnOnce() -> Option<String>,
) -> Result<SamlAssertion, Failure> {
    let (status, host) = (response.status(), url.host_str().unwrap_or_default());
    if is_redirect(response) {
        let location = response.header("location").unwrap_or_default();
        let error = redirect_refused(Stage::WsTrust, url, location);
        return Err(Failure::Other(error));
    }
    let other = |error| Err(Failure::Other(error));
    match WsTrustReply::from_http(status, response.body(), response.header("content-type")) {
        Ok(WsTrustReply::Token(assertion)) => Ok(assertion),
        Ok(WsTrustReply::Fault(fault)) if fault.is_about_address() => {
            let reason = fault.reason().unwrap_or_default();
            other(endpoint_unavailable(url, response, credential, reason))
        }
        Ok(WsTrustReply::Fault(fault)) => {
            let error = Error::from_fault(host, status, &fault, clocks().as_deref());
            match fault.kind() {
                _ if fault.is_failed_authentication() => Err(Failure::Credential(error)),
                FaultKind::Other => other(error.with_wait(response)),
                // What was refused for a reason does not get better by waiting.
                _ => other(error),
            }
        }
        Err(_) if matches!(status, 403 | 404 | 405 | 415 | 503) => {
            let line = first_line(response).unwrap_or_default();
            other(endpoint_unavailable(url, response, credential, &line))
        }
        Err(_) if !(200..300).contains(&status) => other(Error::from_unexpected_status(
            Stage::WsTrust,
            host,
            response,
        )),
        Err(error) => other(Error::of(Stage::WsTrust, &error).unless_compressed(response)),
    }
}

/// The error of an address that nothing serves, for now or for good; `reason` is what the server says.
fn endpoint_unavailable(
    url: &Url,
    response: &HttpResponse,
    credential: Credential,
    reason: &str,
) -> Error {
    let (status, path) = (response.status(), url.path());
    let host = url.host_str().unwrap_or_default();
    let colon = if reason.is_empty() { "" } else { ": " };
    let message =
        format!("{host} has {path} switched off or out of reach ({status}){colon}{reason}");
    let error =
        Error::new(Code::WstrustEndpointUnavailable, Stage::WsTrust, message).with_status(status);
    let error = match credential {
        Credential::Password => error.with_mitigation(USERNAMEMIXED_OFF),
        #[cfg(feature = "integrated")]
        Credential::Ticket => error,
    };
    // The wait is told behind whatever the message is in the end.
    error.unless_compressed(response).with_wait(response)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn error_of(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Failure {
        let url = "https://sts.contoso.com/adfs/services/trust/13/usernamemixed";
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let response = HttpResponse::new(status, headers.collect(), body.to_vec());
        let url = Url::parse(url).unwrap();
        let read = read(&url, &response, Credential::Password, || None);
        match read {
            Ok(_) => panic!("{status}: an assertion"),
            Err(failure) => failure,
        }
    }

    fn fault(subcode: &str, reason: &str) -> Vec<u8> {
        format!(
            "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value>\
             <s:Subcode><s:Value>a:{subcode}</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang='en'>{reason}</s:Text>\
             </s:Reason></s:Fault></s:Body></s:Envelope>"
        )
        .into_bytes()
    }

    #[test]
    fn a_fault_tells_its_reason_at_every_status() {
        // 403 and its like without a fault let the flow ask the endpoint of the other WS-Trust version.
        for status in [200, 400, 401, 403, 404, 405, 415, 429, 500, 503] {
            let denied = fault("FailedAuthentication", "MSIS7068: Access denied.");
            let Failure::Other(error) = error_of(status, &[], &denied) else {
                panic!("{status}: the credential was not refused");
            };
            assert_eq!(error.code(), "federated_service_returned_error", "{status}");
            let message = error.to_string();
            assert!(
                message.ends_with("MSIS7068: Access denied."),
                "{status}: {message}"
            );
            assert_eq!(error.http_status(), Some(status));
            let wrong = fault("FailedAuthentication", "ID3242: x");
            assert!(matches!(
                error_of(status, &[], &wrong),
                Failure::Credential(_)
            ));
        }
    }

    #[test]
    fn a_fault_about_the_address_is_that_of_an_endpoint_that_is_switched_off() {
        for code in ["DestinationUnreachable", "EndpointUnavailable"] {
            for status in [404, 500, 503] {
                let Failure::Other(error) = error_of(status, &[], &fault(code, "Nobody here."))
                else {
                    panic!("{code}");
                };
                assert_eq!(
                    error.code(),
                    "wstrust_endpoint_unavailable",
                    "{code} {status}"
                );
                assert!(error.to_string().ends_with(": Nobody here."), "{error}");
            }
        }
    }

    #[test]
    fn an_endpoint_without_a_fault_is_switched_off_and_says_how_long() {
        for status in [403, 404, 405, 415, 503] {
            let page = b"<html><title>Off</title></html>";
            let Failure::Other(error) = error_of(status, &[], page) else {
                panic!("{status}");
            };
            assert_eq!(error.code(), "wstrust_endpoint_unavailable", "{status}");
            assert!(error.to_string().ends_with(": Off"), "{error}");
            assert_eq!((error.retry_after(), error.is_retryable()), (None, false));
        }
        let Failure::Other(error) = error_of(503, &[("Retry-After", "30")], b"") else {
            panic!("503");
        };
        assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
        assert!(error.is_retryable());
        assert!(error.to_string().contains("wait 30 s"), "{error}");
    }

    #[test]
    fn a_busy_server_says_how_long_in_a_fault_too() {
        let waits = |subcode| match error_of(503, &[("Retry-After", "30")], &fault(subcode, "x")) {
            Failure::Other(error) | Failure::Credential(error) => {
                assert_eq!(error.is_retryable(), error.retry_after().is_some());
                error.retry_after()
            }
        };
        assert_eq!(waits("ServerTooBusy"), Some(Duration::from_secs(30)));
        assert_eq!(waits("FailedAuthentication"), None);
    }

    #[test]
    fn what_is_compressed_is_called_that_at_every_status() {
        for status in [200, 403, 500, 503] {
            let Failure::Other(error) = error_of(status, &[], b"\x1f\x8b\x08\0\0\0") else {
                panic!("{status}");
            };
            let message = error.to_string();
            assert!(message.contains("compressed (gzip)"), "{status}: {message}");
            let advice = error.advice().for_command();
            assert!(!advice.contains("usernamemixed"), "{status}: {advice}");
        }
    }
}
