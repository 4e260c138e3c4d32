//! Device codes of AD FS 2019.

use hyper::Method;
use serde::Serialize;

use super::authorize::sign_in;
use super::issue::Terms;
use super::{Adfs, OAuthError, client, html, json, pages};
use crate::http::{Reply, Request};
use crate::oauth::{DEVICE_LIFETIME as LIFETIME, Device, Form, member, parse_form};

const STAGE: &str = "devicecode";

#[derive(Serialize)]
struct Codes {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: String,
    /// The name that ADAL knew.
    verification_url: String,
    expires_in: i64,
    interval: u32,
    message: String,
}

/// `POST /adfs/oauth2/devicecode`.
pub(super) fn answer(adfs: &Adfs, request: &Request) -> Reply {
    match codes(adfs, request) {
        Ok(codes) => json(STAGE, 200, &codes),
        Err(error) => json(STAGE, error.status, &error),
    }
}

fn codes(adfs: &Adfs, request: &Request) -> Result<Codes, OAuthError> {
    let mut form = parse_form(request.query.as_bytes());
    form.extend(parse_form(&request.body));
    let application = client(&form)?;
    Terms::of(&form)?;
    let devices = &adfs.oauth.devices;
    let (device_code, user_code) = devices.begin(Device {
        client_id: application.client_id,
        scope: form.remove("scope").unwrap_or_default(),
        resource: form.remove("resource"),
        claims: None,
        correlation_id: String::new(),
        expires: adfs.clock.unix() + LIFETIME,
    });
    let page = format!("https://{}/adfs/oauth2/deviceauth", request.host);
    Ok(Codes {
        message: format!(
            "To sign in, use a web browser to open the page {page} and enter the code {user_code} \
             to authenticate."
        ),
        verification_uri_complete: format!("{page}?user_code={user_code}"),
        verification_url: page.clone(),
        verification_uri: page,
        device_code,
        user_code,
        expires_in: LIFETIME,
        interval: devices.interval(),
    })
}

/// `GET` and `POST /adfs/oauth2/deviceauth`: the page where people type the code and sign in.
pub(super) fn page(adfs: &Adfs, request: &Request) -> Reply {
    if request.method != Method::POST {
        let code = request.query_value("user_code").unwrap_or_default();
        return html(200, pages::device(&code, "", None));
    }
    let form = parse_form(&request.body);
    match decide(adfs, &form) {
        Ok(page) => html(200, page),
        Err(problem) => {
            let typed = |name| member(&form, name).unwrap_or_default();
            let page = pages::device(typed("user_code"), typed("UserName"), Some(problem));
            html(200, page)
        }
    }
}

fn decide(adfs: &Adfs, form: &Form) -> Result<String, &'static str> {
    let typed = member(form, "user_code").unwrap_or_default();
    let found = adfs.oauth.devices.find(typed, adfs.clock.unix());
    let (user_code, _) =
        found.ok_or("The code is not valid or has expired. Check the code and try again.")?;
    if form.contains_key("cancel") {
        adfs.oauth.devices.decline(&user_code);
        return Ok(pages::device_done(
            "You have cancelled. You may now close this window.",
        ));
    }
    let user = sign_in(form)?;
    adfs.oauth.devices.grant(&user_code, user, false);
    Ok(pages::device_done(
        "You have signed in on your device. You may now close this window.",
    ))
}
