//! The ticket's way to the federation server: an RST with HTTP Negotiate, answered by a SAML assertion.
//!
//! The token is sent with the first request, so that no 401 is wasted, and is bound to the certificate of the very
//! connection that carries it. RFC 4559; MS-N2HT; RFC 5929.

use silentry_protocol::http::challenge::{self, Challenge};
use silentry_protocol::wstrust::assertion::SamlAssertion;
use silentry_protocol::wstrust::mex::FederationEndpoint;
use silentry_protocol::wstrust::rst::WsTrustRequest;

use super::call::Call;
use super::federation::{self, Credential, Federation};
use super::kerberos::{self, Finished, Negotiation, Next};
use super::wstrust;
use crate::error::{Category, Code, Error, Stage};
use crate::federation_hosts::is_autologon;
use crate::kerberos_settings::MutualAuthentication;
use crate::random;
use crate::transport::{HttpRequest, HttpResponse, TransportError, is_stale};

/// Legs of one negotiation. Kerberos needs one, NTLM two; a server that asks for more is playing.
const MAX_LEGS: usize = 4;

/// A token larger than this leaves no room for anything else in the 16 KB of headers that http.sys accepts by default.
const LARGE_TOKEN: usize = 12 * 1024;

/// What the page of http.sys says of headers that are too large; its language does not follow the server's.
const TOO_LONG: &[u8] = b"Request Too Long";

/// What the federation server says, and of whom.
pub(super) struct Asserted {
    pub(super) assertion: SamlAssertion,
    /// Whose ticket it was, where the Kerberos library tells.
    pub(super) principal: Option<String>,
}

/// Asks the federation server for an assertion about the user of the ticket.
pub(super) async fn request_assertion(
    call: &Call<'_>,
    federation: &Federation,
) -> Result<Asserted, Error> {
    let mut endpoints = federation.endpoints.iter();
    let Some(preferred) = endpoints.next() else {
        return Err(Error::new(
            Code::WstrustEndpointNotFound,
            Stage::Mex,
            "no endpoint is left",
        ));
    };
    let reply = ask(call, preferred, &federation.audience).await;
    let fallback = endpoints.find(|endpoint| endpoint.version() != preferred.version());
    let result = match (reply, fallback) {
        // AD FS lists an endpoint that was switched off after the list was made, or that a proxy does not let through.
        (Err(error), Some(fallback)) if *error.code() == Code::WstrustEndpointUnavailable => {
            tracing::debug!(%error, "asking the endpoint of the other WS-Trust version");
            ask(call, fallback, &federation.audience).await
        }
        (reply, _) => reply,
    };
    if let Err(error) = &result
        && error.category() == Category::Network
    {
        federation::forget(call, federation);
    }
    result
}

async fn ask(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    audience: &str,
) -> Result<Asserted, Error> {
    let mut refusal = None;
    for _ in 0..2 {
        match negotiate(call, endpoint, audience).await? {
            Answer::Accepted {
                response,
                principal,
            } => {
                return Ok(Asserted {
                    assertion: wstrust::read_reply(call, endpoint, &response, Credential::Ticket)?,
                    principal,
                });
            }
            // A new token may help where a service ticket went stale meanwhile.
            Answer::Refused(error) => refusal = Some(error),
        }
    }
    Err(refusal.unwrap_or_else(|| rejected(endpoint.host())))
}

enum Answer {
    Accepted {
        response: HttpResponse,
        principal: Option<String>,
    },
    /// 401 at the end, although Negotiate is offered.
    Refused(Error),
}

/// Posts the RST with a new token and sees the negotiation through.
async fn negotiate(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    audience: &str,
) -> Result<Answer, Error> {
    let url = endpoint.url().as_url();
    let mut request = rst(call, endpoint, audience)?;
    let (mut negotiation, mut response) = first_leg(call, endpoint, &mut request).await?;
    for _ in 1..MAX_LEGS {
        let token_bytes = negotiation.authorization().len();
        if is_too_large(&response, token_bytes) {
            return Err(too_large(endpoint.host(), token_bytes));
        }
        if response.status() != 401 {
            let principal = prove_server(call, endpoint, negotiation, &response).await?;
            return Ok(Answer::Accepted {
                response,
                principal,
            });
        }
        let Some(data) = negotiate_data(&response) else {
            break;
        };
        let Next::Continue(next) = negotiation.answer(data).await? else {
            break;
        };
        negotiation = next;
        request.set_header("authorization", negotiation.authorization());
        let lease = call
            .exchange
            .lease(url)
            .await
            .map_err(|error| failed(&error))?;
        response = call
            .exchange
            .send_on(Stage::WsTrust, lease, &request)
            .await
            .map_err(|error| failed(&error))?;
    }
    refused(call, endpoint, &response).map(Answer::Refused)
}

fn rst(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    audience: &str,
) -> Result<HttpRequest, Error> {
    let rst = WsTrustRequest::integrated(endpoint, audience, &random::guid()?)
        .map_err(|error| Error::of(Stage::WsTrust, &error))?;
    Ok(call.soap_post(endpoint.url().as_url(), &rst))
}

/// Sends the first token. A kept connection that turns out to be closed costs a new connection and, as its
/// certificate may be another one, a new token.
async fn first_leg(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    request: &mut HttpRequest,
) -> Result<(Negotiation, HttpResponse), Error> {
    let host = endpoint.host();
    loop {
        let lease = call
            .exchange
            .lease(endpoint.url().as_url())
            .await
            .map_err(|error| failed(&error))?;
        let leaf = lease
            .connection
            .leaf_certificate()
            .filter(|_| !is_autologon(endpoint.url()));
        let settings = &call.application.negotiate;
        let binding = leaf.and_then(|leaf| kerberos::channel_binding(settings, leaf));
        if binding.is_none() {
            call.application.policy.check_unbound_ticket(host)?;
        }
        let negotiation = kerberos::begin(settings, host, binding).await?;
        request.set_header("authorization", negotiation.authorization());
        let reused = lease.reused;
        match call.exchange.send_on(Stage::WsTrust, lease, request).await {
            Ok(response) => return Ok((negotiation, response)),
            Err(error) if reused && is_stale(&error) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

fn failed(error: &TransportError) -> Error {
    Error::from_transport(Stage::WsTrust, error)
}

/// Checks the server's part of mutual authentication: a proof that is there must verify, and AD FS must give one
/// unless the configuration waives it. Returns whose ticket it was.
async fn prove_server(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    negotiation: Negotiation,
    response: &HttpResponse,
) -> Result<Option<String>, Error> {
    let Finished { proven, principal } = negotiation.finish(negotiate_data(response)).await?;
    let host = endpoint.host();
    let required =
        call.application.negotiate.mutual_authentication == MutualAuthentication::Required;
    let granted = (200..300).contains(&response.status());
    if !proven && required && granted && !is_autologon(endpoint.url()) {
        return Err(Error::new(
            Code::MutualAuthenticationFailed,
            Stage::WsTrust,
            format!("{host} did not prove that it is the server the ticket was made for"),
        ));
    }
    Ok(principal)
}

/// The error of a 401 that ends a negotiation; `Err` when another token cannot help.
fn refused(
    call: &Call<'_>,
    endpoint: &FederationEndpoint,
    response: &HttpResponse,
) -> Result<Error, Error> {
    let host = endpoint.host();
    if let Some(clocks) = call.clock_difference(response) {
        let message = format!("{host} refused the ticket, and {clocks}");
        return Err(Error::new(Code::KerberosClockSkew, Stage::WsTrust, message).with_status(401));
    }
    let offered = challenges(response);
    if offered.iter().any(|challenge| challenge.is("Negotiate")) {
        return Ok(rejected(host).with_status(401));
    }
    let offered = match challenge::offered_schemes(&offered) {
        names if names.is_empty() => "nothing".to_owned(),
        names => names.join(", "),
    };
    let message = format!("{host} does not accept Kerberos: it offers {offered}");
    Err(Error::new(Code::NegotiateNotOffered, Stage::WsTrust, message).with_status(401))
}

fn rejected(host: &str) -> Error {
    let message = format!("{host} refused the Kerberos ticket");
    Error::new(Code::NegotiateRejected, Stage::WsTrust, message)
}

fn is_too_large(response: &HttpResponse, token_bytes: usize) -> bool {
    let says_so = || {
        response
            .body()
            .windows(TOO_LONG.len())
            .any(|text| text == TOO_LONG)
    };
    matches!(response.status(), 400 | 431) && (token_bytes > LARGE_TOKEN || says_so())
}

fn too_large(host: &str, bytes: usize) -> Error {
    let message = format!("{host} refused a Negotiate header of {bytes} bytes");
    Error::new(Code::NegotiateTokenTooLarge, Stage::WsTrust, message)
}

/// The data of `WWW-Authenticate: Negotiate <data>`.
fn negotiate_data(response: &HttpResponse) -> Option<Vec<u8>> {
    challenge::negotiate_token(&challenges(response))
}

fn challenges(response: &HttpResponse) -> Vec<Challenge> {
    response
        .header_values("www-authenticate")
        .flat_map(challenge::parse)
        .collect()
}
