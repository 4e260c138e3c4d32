//! What a client asks of the authorization endpoint, and what comes back to it.

use super::error::EntraError;
use super::{Entra, correlation_id, issue};
use crate::directory::{Application, Tenant, User};
use crate::http::{Reply, Request};
use crate::oauth::{Callback, Challenge};
use crate::random::guid;
use crate::scenario::switches::Authorize;

pub(super) const STAGE: &str = "authorize";

/// What a client asked for, once it is clear that it may.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) application: &'static Application,
    pub(super) tenant: Tenant,
    pub(super) callback: Callback,
    pub(super) scope: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) claims: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) login_hint: Option<String>,
    pub(super) domain_hint: Option<String>,
    pub(super) wants_client_info: bool,
}

/// What the client wants its user to see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Prompt {
    /// As little as possible.
    Auto,
    None,
    Login,
    SelectAccount,
    Consent,
}

/// What an authorization code stands for.
#[derive(Clone, Debug)]
pub(super) struct AuthorizationCode {
    pub(super) user: &'static User,
    pub(super) mfa: bool,
    pub(super) asked: Asked,
    pub(super) expires: i64,
    pub(super) redeemed: bool,
}

/// Codes live for about ten minutes.
const LIFETIME: i64 = 600;

/// Sends the browser back to the client with a code.
pub(super) fn grant(
    entra: &Entra,
    mut asked: Asked,
    user: &'static User,
    object_id: &str,
    mfa: bool,
) -> Reply {
    let mut callback = asked.callback.clone();
    match entra.switches.authorize {
        Authorize::OtherState => callback.state = Some(guid()),
        Authorize::OtherNonce => asked.nonce = Some(guid()),
        _ => {}
    }
    let client_info = asked
        .wants_client_info
        .then(|| issue::client_info(object_id));
    let code = AuthorizationCode {
        user,
        mfa,
        asked,
        expires: entra.clock.unix() + LIFETIME,
        redeemed: false,
    };
    let (code, session_state) = (entra.codes.put("1.", code), guid());
    let mut members = vec![("code", code.as_str())];
    members.extend(client_info.as_deref().map(|info| ("client_info", info)));
    members.push(("session_state", &session_state));
    callback.reply(STAGE, &members)
}

/// Sends the browser back to the client with an error.
pub(super) fn refuse(
    entra: &Entra,
    request: &Request,
    callback: &Callback,
    error: &EntraError,
) -> Reply {
    let correlation_id = correlation_id(request);
    let body = error
        .clone()
        .body(entra.clock.now(), request.host, &correlation_id);
    let mut members = vec![
        ("error", body.error),
        ("error_description", &body.error_description),
        ("error_uri", &body.error_uri),
    ];
    members.extend(error.subcode().map(|subcode| ("error_subcode", subcode)));
    callback.reply(STAGE, &members)
}

/// The user said no.
pub(super) fn declined() -> EntraError {
    EntraError::new(
        400,
        "access_denied",
        65004,
        "User declined to consent to access the app.",
    )
}

/// The user pressed cancel before there was anything to say no to.
pub(super) fn cancelled() -> EntraError {
    EntraError::new(
        400,
        "access_denied",
        50126,
        "The user has canceled the authentication.",
    )
    .with_subcode("cancel")
}
