//! The token endpoint of AD FS.

use super::issue::{self, Terms, TokenReply};
use super::{Adfs, OAuthError, client, json, required};
use crate::directory::{self, Application};
use crate::http::{Reply, Request};
use crate::oauth::{Form, Poll, member, parse_form};

const STAGE: &str = "token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `POST /adfs/oauth2/token`.
pub(super) fn answer(adfs: &Adfs, request: &Request) -> Reply {
    let form = parse_form(&request.body);
    match tokens(adfs, request.host, &form) {
        Ok(tokens) => json(STAGE, 200, &tokens),
        Err(error) => json(STAGE, error.status, &error),
    }
}

fn tokens(adfs: &Adfs, host: &str, form: &Form) -> Result<TokenReply, OAuthError> {
    let grant = required(form, "grant_type")?;
    let application = client(form)?;
    match grant {
        "authorization_code" => authorization_code(adfs, host, form, application),
        "refresh_token" => refresh_token(adfs, host, form, application),
        "password" => password(adfs, host, form, application),
        DEVICE_CODE | "device_code" => device_code(adfs, host, form, application),
        _ => Err(OAuthError::new(
            "unsupported_grant_type",
            "MSIS9611: The authorization server does not support the requested 'grant_type'. The \
             authorization server only supports 'authorization_code', 'refresh_token', 'password' \
             or 'device_code' as the grant type.",
        )),
    }
}

fn authorization_code(
    adfs: &Adfs,
    host: &str,
    form: &Form,
    application: &'static Application,
) -> Result<TokenReply, OAuthError> {
    let code = adfs.oauth.codes.take(required(form, "code")?);
    let good = code.filter(|code| {
        let verifier = member(form, "code_verifier");
        let proven = match (&code.challenge, verifier) {
            (Some(challenge), Some(verifier)) => challenge.is_met_by(verifier),
            (challenge, verifier) => challenge.is_none() && verifier.is_none(),
        };
        proven
            && code.expires > adfs.clock.unix()
            && code.application.client_id == application.client_id
            && member(form, "redirect_uri") == Some(&code.redirect_uri)
    });
    let code = good.ok_or_else(|| {
        OAuthError::new(
            "invalid_grant",
            "MSIS9612: The authorization code received in [code] parameter is invalid.",
        )
    })?;
    let nonce = code.nonce.as_deref();
    Ok(issue::tokens(
        adfs,
        host,
        code.user,
        application,
        &code.terms,
        nonce,
        true,
    ))
}

fn refresh_token(
    adfs: &Adfs,
    host: &str,
    form: &Form,
    application: &'static Application,
) -> Result<TokenReply, OAuthError> {
    let known = adfs
        .oauth
        .refresh_tokens
        .get(required(form, "refresh_token")?);
    let known = known.filter(|known| {
        known.client_id == application.client_id && known.expires > adfs.clock.unix()
    });
    let known = known.ok_or_else(|| {
        OAuthError::new(
            "invalid_grant",
            "MSIS9615: The refresh token received in 'refresh_token' parameter is invalid.",
        )
    })?;
    // With neither, the terms of the sign-in hold.
    let restated = member(form, "scope").is_some() || member(form, "resource").is_some();
    let terms = if restated {
        Terms::of(form)?
    } else {
        known.terms
    };
    Ok(issue::tokens(
        adfs,
        host,
        known.user,
        application,
        &terms,
        None,
        false,
    ))
}

fn password(
    adfs: &Adfs,
    host: &str,
    form: &Form,
    application: &'static Application,
) -> Result<TokenReply, OAuthError> {
    let (user_name, password) = (required(form, "username")?, required(form, "password")?);
    let terms = Terms::of(form)?;
    let user = directory::by_login(user_name)
        .filter(|user| user.password == password)
        .ok_or_else(|| {
            OAuthError::new(
                "invalid_grant",
                "MSIS9659: Invalid 'username' or 'password'.",
            )
        })?;
    Ok(issue::tokens(
        adfs,
        host,
        user,
        application,
        &terms,
        None,
        true,
    ))
}

fn device_code(
    adfs: &Adfs,
    host: &str,
    form: &Form,
    application: &'static Application,
) -> Result<TokenReply, OAuthError> {
    let code = member(form, "device_code").or(member(form, "code"));
    let code = code.ok_or_else(|| OAuthError::missing("device_code"))?;
    let now = adfs.clock.unix();
    let (error, text) = match adfs.oauth.devices.poll(code, application.client_id, now) {
        Poll::Granted { device, user, .. } => {
            let mut asked = Form::from([("scope".to_owned(), device.scope)]);
            asked.extend(
                device
                    .resource
                    .map(|resource| ("resource".to_owned(), resource)),
            );
            let terms = Terms::of(&asked)?;
            return Ok(issue::tokens(
                adfs,
                host,
                user,
                application,
                &terms,
                None,
                true,
            ));
        }
        Poll::Pending(_) => (
            "authorization_pending",
            "The authorization request is pending.",
        ),
        Poll::SlowDown(_) => ("slow_down", "The client is polling too often."),
        Poll::Expired(_) => ("expired_token", "The device code has expired."),
        Poll::Declined(_) => ("access_denied", "The user declined the request."),
        Poll::Blocked(_) => (
            "access_denied",
            "MSIS9605: The client is not allowed to access the requested resource.",
        ),
        Poll::Unknown => ("invalid_grant", "The device code is invalid."),
    };
    Err(OAuthError::new(error, text))
}
