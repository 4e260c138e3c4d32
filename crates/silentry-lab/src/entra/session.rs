//! Who has signed in with a browser.

use super::Entra;
use crate::directory::User;
use crate::http::Request;
use crate::oauth::cookie;

/// The cookie that remembers who has signed in with this browser.
const COOKIE: &str = "ESTSAUTH";

/// Somebody who has signed in with a browser before.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedIn {
    pub(super) user: &'static User,
    pub(super) mfa: bool,
}

/// Returns everybody who has signed in with this browser.
pub(super) fn session(entra: &Entra, request: &Request) -> Vec<SignedIn> {
    cookie(request, COOKIE)
        .and_then(|secret| entra.sessions.get(secret))
        .unwrap_or_default()
}

/// Adds somebody to the browser's session, and returns the cookie for it.
pub(super) fn remember(entra: &Entra, request: &Request, signed_in: SignedIn) -> String {
    let mut session = session(entra, request);
    let before = session
        .iter()
        .position(|other| other.user.upn == signed_in.user.upn)
        .map(|index| session.remove(index));
    let mfa = signed_in.mfa || before.is_some_and(|before| before.mfa);
    session.push(SignedIn { mfa, ..signed_in });
    let known = cookie(request, COOKIE).filter(|secret| entra.sessions.get(secret).is_some());
    let secret = match known {
        Some(secret) => {
            entra.sessions.replace(secret, session);
            secret.to_owned()
        }
        None => entra.sessions.put("0.", session),
    };
    format!("{COOKIE}={secret}; path=/; secure; HttpOnly; SameSite=None")
}
