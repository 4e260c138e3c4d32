//! The authorization endpoint of AD FS: its sign-in page is the endpoint itself, which keeps the
//! query of the client in the form's address.

use hyper::Method;

use super::issue::Terms;
use super::{Adfs, OAuthError, client, dressed, html, pages};
use crate::directory::{self, Application, User};
use crate::http::{Reply, Request};
use crate::oauth::{
    Callback, Challenge, Form, ResponseMode, cookie, is_registered, member, parse_form,
};

const STAGE: &str = "authorize";
const COOKIE: &str = "MSISAuth";
/// Codes live for ten minutes by default (`AuthorizationCodeLifetime`).
const LIFETIME: i64 = 600;

/// What an authorization code stands for.
#[derive(Clone, Debug)]
pub(super) struct AuthorizationCode {
    pub(super) user: &'static User,
    pub(super) application: &'static Application,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) terms: Terms,
    pub(super) expires: i64,
}

/// What a client asked for, once it is clear that it may.
struct Asked {
    application: &'static Application,
    callback: Callback,
    challenge: Option<Challenge>,
    terms: Terms,
}

enum Refusal {
    Page(OAuthError),
    Back(Callback, OAuthError),
}

/// `GET /adfs/oauth2/authorize` shows the sign-in page, `POST` has what was typed there.
pub(super) fn answer(adfs: &Adfs, request: &Request) -> Reply {
    let query = parse_form(request.query.as_bytes());
    let asked = match asked(&query) {
        Ok(asked) => asked,
        Err(refusal) => return refuse(refusal),
    };
    let prompt = member(&query, "prompt").unwrap_or_default();
    if request.method == Method::POST {
        let form = parse_form(&request.body);
        return match sign_in(&form) {
            Ok(user) => {
                let cookie = remember(adfs, user);
                grant(adfs, asked, &query, user).header("set-cookie", cookie)
            }
            Err(problem) => {
                let typed = member(&form, "UserName").unwrap_or_default();
                html(200, pages::sign_in(&request.query, typed, Some(problem)))
            }
        };
    }
    if member(&query, "amr_values").is_some_and(|methods| methods.contains("wia")) {
        // Windows integrated authentication has an endpoint of its own.
        let target = format!("/adfs/oauth2/authorize/wia?{}", request.query);
        return dressed(Reply::new(STAGE, 302)).header("location", target);
    }
    let known = cookie(request, COOKIE).and_then(|secret| adfs.oauth.sessions.get(secret));
    match known.filter(|_| prompt != "login") {
        Some(user) => grant(adfs, asked, &query, user),
        None if prompt == "none" => refuse(Refusal::Back(
            asked.callback,
            OAuthError::new(
                "interaction_required",
                "The user must sign in, and the request allows no page for it.",
            ),
        )),
        None => {
            let hint = member(&query, "login_hint").or(member(&query, "username"));
            html(
                200,
                pages::sign_in(&request.query, hint.unwrap_or_default(), None),
            )
        }
    }
}

/// `GET /adfs/oauth2/authorize/wia`: the ticket of the signed-in user in place of a page.
pub(super) fn windows(adfs: &Adfs, request: &Request) -> Reply {
    let caller = match adfs.negotiate.authenticate(request, STAGE) {
        Ok(caller) => caller,
        Err(refusal) => return *refusal,
    };
    let query = parse_form(request.query.as_bytes());
    let reply = match (asked(&query), directory::by_principal(&caller.principal)) {
        (Err(refusal), _) => refuse(refusal),
        (Ok(asked), Some(user)) => grant(adfs, asked, &query, user),
        (Ok(asked), None) => refuse(Refusal::Back(
            asked.callback,
            OAuthError::new("access_denied", "MSIS9605: The user is not known here."),
        )),
    };
    caller.proven(reply)
}

/// Checks what was typed on a sign-in page.
pub(super) fn sign_in(form: &Form) -> Result<&'static User, &'static str> {
    let typed = member(form, "UserName").ok_or(
        "Enter your user ID in the format \
         \"domain\\user\" or \"user@domain\".",
    )?;
    let password = form.get("Password").map(String::as_str);
    directory::by_login(typed.trim())
        .filter(|user| Some(user.password) == password)
        .ok_or(
            "Incorrect user ID or password. Type the correct user ID and password, and try again.",
        )
}

/// Returns the cookie that saves this user the page next time.
fn remember(adfs: &Adfs, user: &'static User) -> String {
    let secret = adfs.oauth.sessions.put("", user);
    format!("{COOKIE}={secret}; path=/adfs; HttpOnly; secure; SameSite=None")
}

fn grant(adfs: &Adfs, asked: Asked, query: &Form, user: &'static User) -> Reply {
    let code = AuthorizationCode {
        user,
        application: asked.application,
        redirect_uri: asked.callback.redirect_uri.clone(),
        challenge: asked.challenge,
        nonce: query.get("nonce").cloned(),
        terms: asked.terms,
        expires: adfs.clock.unix() + LIFETIME,
    };
    let code = adfs.oauth.codes.put("", code);
    dressed(asked.callback.reply(STAGE, &[("code", &code)]))
}

fn refuse(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::Page(error) => html(error.status, pages::error(&error.error_description)),
        Refusal::Back(callback, error) => {
            let members = [
                ("error", error.error),
                ("error_description", &error.error_description),
            ];
            dressed(callback.reply(STAGE, &members))
        }
    }
}

fn asked(query: &Form) -> Result<Asked, Refusal> {
    let application = client(query).map_err(Refusal::Page)?;
    let redirect_uri = member(query, "redirect_uri").unwrap_or_default();
    if !is_registered(application.redirect_uris, redirect_uri) {
        return Err(Refusal::Page(OAuthError::new(
            "invalid_request",
            format!(
                "MSIS9224: Received invalid OAuth authorization request. The received \
                 'redirect_uri' parameter is not a valid registered redirect URI for the client \
                 identifier: '{}'. The received redirect_uri is '{redirect_uri:.200}'.",
                application.client_id
            ),
        )));
    }
    let mode = ResponseMode::parse(member(query, "response_mode"));
    let callback = Callback {
        redirect_uri: redirect_uri.to_owned(),
        mode: mode.unwrap_or(ResponseMode::Query),
        state: query.get("state").cloned(),
    };
    let back = |error| Refusal::Back(callback.clone(), error);
    let invalid = |text: &str| back(OAuthError::new("invalid_request", text));
    if mode.is_none() {
        return Err(invalid("The 'response_mode' parameter is not supported."));
    }
    if member(query, "response_type") != Some("code") {
        return Err(back(OAuthError::new(
            "unsupported_response_type",
            "The 'response_type' parameter is missing or not supported.",
        )));
    }
    let challenge = Challenge::of(query);
    let challenge = challenge.map_err(|_| invalid("The 'code_challenge' is invalid."))?;
    let terms = Terms::of(query).map_err(back)?;
    Ok(Asked {
        application,
        callback,
        challenge,
        terms,
    })
}
