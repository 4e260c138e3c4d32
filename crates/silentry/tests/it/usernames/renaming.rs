//! Id tokens that say something else. Nobody checks the signature of one that came from the token
//! endpoint itself (OpenID Connect Core 3.1.3.7).

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use silentry::transport::HttpResponse;

use crate::support::Watch;

/// What id tokens say.
#[derive(Clone, Debug, Default)]
pub(crate) enum Claims {
    /// What the lab says.
    #[default]
    OfTheLab,
    /// These names in place of all others.
    Names(&'static [(&'static str, &'static str)]),
    /// There is no id token.
    NoIdToken,
}

/// What id tokens say from now on.
#[derive(Clone, Default)]
pub(crate) struct Say(Arc<Mutex<Claims>>);

impl Say {
    pub(crate) fn say(&self, claims: Claims) {
        *self.0.lock().unwrap() = claims;
    }
}

impl Watch for Say {
    fn replied(&self, response: HttpResponse) -> HttpResponse {
        let claims = self.0.lock().unwrap().clone();
        renamed(&response, &claims).unwrap_or(response)
    }
}

/// Returns the same answer with other claims; `None` where it has no id token, or shall keep its own.
fn renamed(response: &HttpResponse, claims: &Claims) -> Option<HttpResponse> {
    let mut body: Value = serde_json::from_slice(response.body()).ok()?;
    let token = body.get("id_token")?.as_str()?.to_owned();
    match claims {
        Claims::OfTheLab => return None,
        Claims::NoIdToken => {
            body.as_object_mut()?.remove("id_token");
        }
        Claims::Names(names) => body["id_token"] = with_names(&token, names)?.into(),
    }
    let headers = ["content-type", "date"].into_iter().filter_map(|name| {
        let value = response.header(name)?;
        Some((name.to_owned(), value.to_owned()))
    });
    let body = serde_json::to_vec(&body).ok()?;
    Some(HttpResponse::new(
        response.status(),
        headers.collect(),
        body,
    ))
}

fn with_names(token: &str, names: &[(&str, &str)]) -> Option<String> {
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let mut claims: Value = serde_json::from_slice(&claims).ok()?;
    let members = claims.as_object_mut()?;
    for own in ["upn", "preferred_username", "unique_name", "email"] {
        members.remove(own);
    }
    for (name, value) in names {
        members.insert((*name).to_owned(), (*value).into());
    }
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).ok()?);
    Some(format!("{header}.{claims}.{signature}"))
}
