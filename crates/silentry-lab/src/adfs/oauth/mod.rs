//! The OAuth 2.0 side of AD FS 2019 (MS-OAPX, MS-OIDCE): the same flows as Entra's, in other words.

mod authorize;
mod device;
mod discovery;
mod issue;
mod pages;
mod token;

use hyper::Method;
use serde::Serialize;

use super::Adfs;
use crate::directory::{Application, User, application};
use crate::http::{Reply, Request};
use crate::oauth::{Devices, Form, Store, member};
use crate::scenario::switches::DeviceCode;

use authorize::AuthorizationCode;
pub(crate) use issue::AccessClaims;
use issue::RefreshToken;

/// What AD FS remembers between requests.
pub(crate) struct OAuth {
    codes: Store<AuthorizationCode>,
    devices: Devices,
    refresh_tokens: Store<RefreshToken>,
    /// Who has signed in with which browser.
    sessions: Store<&'static User>,
}

impl OAuth {
    pub(crate) fn new(device_code: DeviceCode) -> Self {
        Self {
            codes: Store::default(),
            devices: Devices::new(device_code),
            refresh_tokens: Store::default(),
            sessions: Store::default(),
        }
    }
}

/// Answers a request below `/adfs/` or `/.well-known/`, whose path is in lower case; `None` for
/// what is no part of this side. Endpoints are published with a final slash and answer without it.
pub(super) fn answer(adfs: &Adfs, request: &Request, path: &str) -> Option<Reply> {
    let get = matches!(request.method, Method::GET | Method::HEAD);
    let post = request.method == Method::POST;
    let reply = match path.trim_end_matches('/') {
        "/adfs/.well-known/openid-configuration" if get => discovery::configuration(adfs, request),
        "/adfs/discovery/keys" if get => discovery::keys(adfs),
        "/.well-known/webfinger" if get => discovery::webfinger(request),
        "/adfs/oauth2/authorize" if get || post => authorize::answer(adfs, request),
        "/adfs/oauth2/authorize/wia" if get => authorize::windows(adfs, request),
        "/adfs/oauth2/devicecode" if get || post => device::answer(adfs, request),
        "/adfs/oauth2/deviceauth" if get || post => device::page(adfs, request),
        "/adfs/oauth2/token" if post => token::answer(adfs, request),
        "/adfs/userinfo" if get => issue::user_info(adfs, request),
        _ => return None,
    };
    Some(reply)
}

/// Checks an access token that was issued for this audience.
pub(super) fn verify_access_token(
    adfs: &Adfs,
    token: &str,
    audience: &str,
) -> Option<AccessClaims> {
    issue::verify(adfs, token, audience)
}

/// A refusal: AD FS says no more than a word and a sentence (MS-OAPX 2.2.4.2).
#[derive(Clone, Debug, Serialize)]
struct OAuthError {
    #[serde(skip)]
    status: u16,
    error: &'static str,
    error_description: String,
}

impl OAuthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            status: 400,
            error,
            error_description: description.into(),
        }
    }

    fn missing(name: &str) -> Self {
        Self::new(
            "invalid_request",
            format!("MSIS9609: The '{name}' parameter is missing in the request."),
        )
    }
}

fn required<'f>(form: &'f Form, name: &str) -> Result<&'f str, OAuthError> {
    member(form, name).ok_or_else(|| OAuthError::missing(name))
}

/// Returns the registered native application that a request names.
fn client(form: &Form) -> Result<&'static Application, OAuthError> {
    let client_id = required(form, "client_id")?;
    application(client_id)
        .filter(|application| application.public)
        .ok_or_else(|| {
            OAuthError::new(
                "invalid_client",
                "MSIS9223: Received invalid OAuth authorization request. The received 'client_id' \
                 is invalid as no registered client was found with this client identifier. Make \
                 sure that the client is registered.",
            )
        })
}

fn json(stage: &'static str, status: u16, body: &impl Serialize) -> Reply {
    let text = serde_json::to_string(body).expect("replies serialize: their keys are strings");
    dressed(Reply::new(stage, status).body("application/json;charset=UTF-8", text))
}

fn html(status: u16, page: String) -> Reply {
    dressed(Reply::html("sign-in", status, page))
}

fn dressed(reply: Reply) -> Reply {
    reply
        .header("cache-control", "no-cache,no-store")
        .header("pragma", "no-cache")
        .header("server", "Microsoft-HTTPAPI/2.0")
        .header(
            "p3p",
            "ADFS doesn't have P3P policy, please contact your site's admin for more details",
        )
}
