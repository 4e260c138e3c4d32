//! The authorization endpoint: a client sends its user's browser here, and gets a code back.

use hyper::Method;

use super::authorization::{Asked, Prompt, declined, refuse};
use super::error::EntraError;
use super::issue::Scopes;
use super::parameters::{known_client, required, scope};
use super::sign_in::{self, Purpose};
use super::{Entra, tenant};
use crate::directory::Application;
use crate::http::{Reply, Request};
use crate::oauth::{Callback, Challenge, Form, ResponseMode, is_registered, member, parse_form};
use crate::scenario::switches::Authorize;

enum Refusal {
    /// For the user's eyes: the client cannot be trusted with anything, least of all the browser.
    Page(EntraError),
    /// For the client.
    Back(Callback, EntraError),
}

/// `GET` or `POST /{tenant}/oauth2/v2.0/authorize`, and the same without `v2.0`.
pub(super) fn answer(entra: &Entra, request: &Request, word: &str) -> Reply {
    let form = match request.method {
        Method::POST => parse_form(&request.body),
        _ => parse_form(request.query.as_bytes()),
    };
    let v1 = !request.path.to_ascii_lowercase().contains("/v2.0/");
    if entra.switches.authorize == Authorize::ErrorPage {
        let error = EntraError::new(
            400,
            "server_error",
            90033,
            "A transient error has occurred.",
        );
        return sign_in::error_page(entra, request, &error);
    }
    match asked(entra, word, &form, v1) {
        Err(Refusal::Page(error)) => sign_in::error_page(entra, request, &error),
        Err(Refusal::Back(callback, error)) => refuse(entra, request, &callback, &error),
        Ok(asked) => sign_in::begin(entra, request, Purpose::Authorize(asked)),
    }
}

/// Reads a request, in the order in which its parts can be trusted: the redirect URI counts for
/// nothing until it is known to be the client's.
fn asked(entra: &Entra, word: &str, form: &Form, v1: bool) -> Result<Asked, Refusal> {
    let tenant = tenant(word).map_err(Refusal::Page)?;
    let application = known_client(form).map_err(Refusal::Page)?;
    let redirect_uri = member(form, "redirect_uri").unwrap_or_default();
    if !is_registered(application.redirect_uris, redirect_uri) {
        return Err(Refusal::Page(bad_redirect_uri(redirect_uri, application)));
    }
    let mode = ResponseMode::parse(member(form, "response_mode"));
    let callback = Callback {
        redirect_uri: redirect_uri.to_owned(),
        mode: mode.unwrap_or(ResponseMode::Query),
        state: form.get("state").cloned(),
    };
    let back = |error| Refusal::Back(callback.clone(), error);
    if mode.is_none() {
        return Err(back(EntraError::invalid_request(
            70007,
            "'response_mode' is not a supported value when requesting a token.",
        )));
    }
    if let Some(error) = without_asking(entra.switches.authorize) {
        return Err(back(error));
    }
    let text = |name| member(form, name).map(str::to_owned);
    Ok(Asked {
        application,
        tenant,
        callback: callback.clone(),
        scope: terms(form, v1).map_err(back)?,
        challenge: challenge(form, application).map_err(back)?,
        nonce: text("nonce"),
        claims: text("claims"),
        prompt: prompt(form).map_err(back)?,
        login_hint: text("login_hint"),
        domain_hint: text("domain_hint"),
        wants_client_info: member(form, "client_info") == Some("1"),
    })
}

fn terms(form: &Form, v1: bool) -> Result<String, EntraError> {
    let response_type = required(form, "response_type")?;
    if response_type != "code" {
        return Err(EntraError::new(
            400,
            "unsupported_response_type",
            70005,
            format!("The response_type '{response_type:.100}' is not enabled for the application."),
        ));
    }
    let scope = scope(form, v1);
    Scopes::parse(&scope).map(|_| scope)
}

fn challenge(form: &Form, application: &Application) -> Result<Option<Challenge>, EntraError> {
    let challenge = Challenge::of(form).map_err(|_| {
        EntraError::invalid_request(501491, "Invalid size of Code_Challenge parameter.")
    })?;
    if challenge.is_none() && application.needs_pkce {
        return Err(EntraError::invalid_request(
            9002325,
            "Proof Key for Code Exchange is required for cross-origin authorization code \
             redemption.",
        ));
    }
    Ok(challenge)
}

fn prompt(form: &Form) -> Result<Prompt, EntraError> {
    match member(form, "prompt") {
        // `create` asks for an account to be made, which work accounts are not.
        None | Some("create") => Ok(Prompt::Auto),
        Some("none") => Ok(Prompt::None),
        Some("login") => Ok(Prompt::Login),
        Some("select_account") => Ok(Prompt::SelectAccount),
        Some("consent" | "admin_consent") => Ok(Prompt::Consent),
        Some(other) => Err(EntraError::invalid_request(
            90023,
            format!("Invalid STS request. The prompt '{other:.100}' is not supported."),
        )),
    }
}

/// The scenarios in which nobody is asked anything.
fn without_asking(authorize: Authorize) -> Option<EntraError> {
    match authorize {
        Authorize::Denies => Some(declined()),
        Authorize::Fails => Some(EntraError::new(
            400,
            "temporarily_unavailable",
            90033,
            "A transient error has occurred. Please try again.",
        )),
        _ => None,
    }
}

fn bad_redirect_uri(given: &str, application: &Application) -> EntraError {
    if given.is_empty() {
        return EntraError::invalid_request(
            500113,
            "No reply address is registered for the application.",
        );
    }
    EntraError::invalid_request(
        50011,
        format!(
            "The redirect URI '{given:.200}' specified in the request does not match the redirect \
             URIs configured for the application '{}'. Make sure the redirect URI sent in the \
             request matches one added to your application in the Azure portal.",
            application.client_id
        ),
    )
}
