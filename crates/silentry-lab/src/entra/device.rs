//! Device code: the endpoint that gives codes out, and the page where people type them.

use hyper::Method;
use serde::Serialize;

use super::error::EntraError;
use super::issue::{Scopes, Seconds};
use super::parameters;
use super::proof::Proof;
use super::sign_in::{self, Purpose};
use super::{Entra, correlation_id, pages, tenant};
use crate::directory::Application;
use crate::http::{Reply, Request};
use crate::oauth::{DEVICE_LIFETIME as LIFETIME, Device, Form, Poll, member, parse_form};
use crate::scenario::switches::DeviceCode;

const STAGE: &str = "devicecode";
const PAGE: &str = "https://microsoft.com/devicelogin";

/// The members of the reply, in the order Entra writes them. The v1 endpoint has its own name for
/// the page and writes numbers as text.
#[derive(Serialize)]
struct Codes {
    user_code: String,
    device_code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_url: Option<&'static str>,
    expires_in: Seconds,
    interval: Seconds,
    message: String,
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`, and the same without `v2.0`.
pub(super) fn answer(entra: &Entra, request: &Request, word: &str) -> Reply {
    if entra.switches.device_code == DeviceCode::Html {
        return entra.dressed(Reply::html(STAGE, 200, pages::captive_portal()), request);
    }
    match codes(entra, request, word) {
        Ok(codes) => entra
            .json(STAGE, 200, request, &codes)
            .header("cache-control", "no-store, no-cache")
            .header("pragma", "no-cache")
            .header("expires", "-1")
            .header("x-ms-clitelem", "1,0,0,,"),
        Err(error) => entra.refuse(STAGE, request, error),
    }
}

fn codes(entra: &Entra, request: &Request, word: &str) -> Result<Codes, EntraError> {
    tenant(word)?;
    // The v1 endpoint is asked with GET by some, and with the parameters in the query by others.
    let mut form = parse_form(request.query.as_bytes());
    form.extend(parse_form(&request.body));
    let v1 = !request.path.to_ascii_lowercase().contains("/v2.0/");
    let application = parameters::client(entra, &form)?;
    let scope = parameters::scope(&form, v1);
    Scopes::parse(&scope)?;
    let (device_code, user_code) = entra.devices.begin(Device {
        client_id: application.client_id,
        scope,
        resource: None,
        claims: form.get("claims").cloned(),
        correlation_id: correlation_id(request),
        expires: entra.clock.unix() + LIFETIME,
    });
    let language = request.query_value("mkt").unwrap_or_default();
    let seconds = |number| Seconds::new(number, v1);
    Ok(Codes {
        message: message(&language, &user_code),
        user_code,
        device_code,
        verification_uri: (!v1).then_some(PAGE),
        verification_url: v1.then_some(PAGE),
        expires_in: seconds(LIFETIME),
        interval: seconds(entra.devices.interval().into()),
    })
}

/// Returns what to tell the user, in the language of `mkt`; English where there is no text.
fn message(language: &str, code: &str) -> String {
    match language.get(..2).unwrap_or_default() {
        "de" => format!(
            "Verwenden Sie zum Anmelden einen Webbrowser, um die Seite {PAGE} zu öffnen, und geben \
             Sie den Code {code} ein, um sich zu authentifizieren."
        ),
        "es" => format!(
            "Para iniciar sesión, use un explorador web para abrir la página {PAGE} y escriba el \
             código {code} para autenticarse."
        ),
        "fr" => format!(
            "Pour vous connecter, utilisez un navigateur web pour ouvrir la page {PAGE} et entrez \
             le code {code} pour vous authentifier."
        ),
        _ => format!(
            "To sign in, use a web browser to open the page {PAGE} and enter the code {code} to \
             authenticate."
        ),
    }
}

/// `GET` and `POST /{tenant}/oauth2/deviceauth`: the page where people type the code.
pub(super) fn page(entra: &Entra, request: &Request) -> Reply {
    let form = match request.method {
        Method::POST => parse_form(&request.body),
        _ => Form::new(),
    };
    let Some(typed) = member(&form, "otc") else {
        let error = (request.method == Method::POST).then_some("Please enter a code.");
        return entra.page(request, pages::device_code(error));
    };
    match entra.devices.find(typed, entra.clock.unix()) {
        Some((user_code, device)) => {
            sign_in::begin(entra, request, Purpose::Device { user_code, device })
        }
        None => {
            let error = Some("That code didn't work. Check the code and try again.");
            entra.page(request, pages::device_code(error))
        }
    }
}

/// Redeems a device code, or says why not yet.
pub(super) fn poll(
    entra: &Entra,
    form: &Form,
    application: &Application,
    v1: bool,
) -> Result<Proof, EntraError> {
    // MSAL Python sends the code under both names.
    let code = member(form, "device_code").or(member(form, "code"));
    let code = code.ok_or_else(|| EntraError::missing_parameter("device_code"))?;
    let flow_error = |error, number, text: &str, device: Device| {
        EntraError::new(
            400,
            error,
            number,
            format!("OAuth 2.0 device flow error. {text}"),
        )
        .correlated(device.correlation_id)
    };
    Err(
        match entra
            .devices
            .poll(code, application.client_id, entra.clock.unix())
        {
            Poll::Granted { device, user, mfa } => {
                return Ok(Proof {
                    mfa,
                    scope: Some(device.scope),
                    claims: device.claims,
                    ..Proof::of(user)
                });
            }
            Poll::Pending(device) => flow_error(
                "authorization_pending",
                70016,
                "Authorization is pending. Continue polling.",
                device,
            ),
            Poll::SlowDown(device) => flow_error(
                "slow_down",
                70016,
                "Authorization is pending, and requests come too often. Slow down.",
                device,
            ),
            // ADAL's endpoint has its own word for it.
            Poll::Expired(device) => {
                let error = if v1 { "code_expired" } else { "expired_token" };
                let text = "The provided value for the input parameter 'device_code' is not valid. \
                            This device code has expired.";
                flow_error(error, 70020, text, device)
            }
            Poll::Declined(device) => flow_error(
                "authorization_declined",
                70018,
                "The user has denied authorization.",
                device,
            ),
            Poll::Blocked(device) => EntraError::invalid_grant(
                53003,
                "Access has been blocked by Conditional Access policies. The access policy does \
                 not allow token issuance.",
            )
            .suberror("message_only")
            .correlated(device.correlation_id),
            Poll::Unknown => EntraError::new(
                400,
                "bad_verification_code",
                70018,
                "Bad verification code. The provided value for the input parameter 'device_code' \
                 is not valid.",
            ),
        },
    )
}
