//! What AD FS issues: access tokens, id tokens and refresh tokens.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Adfs, OAuthError, json};
use crate::directory::{Application, User, resource};
use crate::entra::jwt;
use crate::http::{Reply, Request};
use crate::oauth::Form;

const LIFETIME: i64 = 3600;
const REFRESH_LIFETIME: i64 = 28800;
/// The audience where a client names none (AD FS's own user information endpoint).
const USER_INFO: &str = "urn:microsoft:userinfo";
/// The words that belong to no resource.
const PLAIN_SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "allatclaims",
    "user_impersonation",
];

/// What tokens are asked for.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    audience: String,
    scopes: Vec<String>,
}

/// What a refresh token stands for. AD FS lets it be used until it expires, and gives no new one.
#[derive(Clone, Debug)]
pub(super) struct RefreshToken {
    pub(super) user: &'static User,
    pub(super) client_id: &'static str,
    pub(super) terms: Terms,
    pub(super) expires: i64,
}

/// The claims of an access token.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AccessClaims {
    pub(crate) aud: String,
    pub(crate) iss: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) sub: String,
    pub(crate) upn: String,
    pub(crate) apptype: String,
    pub(crate) appid: String,
    pub(crate) ver: String,
    pub(crate) scp: String,
}

#[derive(Serialize)]
struct IdClaims<'c> {
    aud: &'c str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'c str>,
    sub: String,
    upn: &'c str,
    unique_name: String,
}

/// The members of a token reply, in the order of the documentation.
#[derive(Serialize)]
pub(super) struct TokenReply {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_expires_in: Option<i64>,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl Terms {
    /// Reads `resource` and `scope`. A scope may begin with a resource, as at Entra.
    pub(super) fn of(form: &Form) -> Result<Self, OAuthError> {
        let mut audience = form
            .get("resource")
            .cloned()
            .filter(|name| !name.is_empty());
        let mut scopes = Vec::new();
        let scope = form.get("scope").map_or("openid", String::as_str);
        for word in scope.split_ascii_whitespace() {
            if PLAIN_SCOPES.contains(&word) {
                scopes.push(word.to_owned());
            } else if let Some((identifier, permission)) = word.rsplit_once('/') {
                audience = Some(identifier.trim_end_matches('/').to_owned());
                scopes.push(permission.to_owned());
            }
        }
        if audience
            .as_deref()
            .is_some_and(|name| name != USER_INFO && resource(name).is_none())
        {
            return Err(OAuthError::new(
                "invalid_resource",
                "MSIS9602: The received 'resource' parameter is invalid. The authorization server \
                 can not find a registered resource with the specified identifier.",
            ));
        }
        Ok(Self {
            audience: audience.unwrap_or_else(|| USER_INFO.to_owned()),
            scopes,
        })
    }
}

/// Issues tokens; a new refresh token with a sign-in, none with a refresh.
pub(super) fn tokens(
    adfs: &Adfs,
    host: &str,
    user: &'static User,
    application: &'static Application,
    terms: &Terms,
    nonce: Option<&str>,
    signed_in: bool,
) -> TokenReply {
    let now = adfs.clock.unix();
    let access = AccessClaims {
        aud: terms.audience.clone(),
        iss: issuer(host),
        iat: now,
        nbf: now,
        exp: now + LIFETIME,
        sub: subject(user, &terms.audience),
        upn: user.upn.to_owned(),
        apptype: "Public".to_owned(),
        appid: application.client_id.to_owned(),
        ver: "1.0".to_owned(),
        scp: terms.scopes.join(" "),
    };
    let id_token = terms.scopes.iter().any(|scope| scope == "openid").then(|| {
        let claims = IdClaims {
            aud: application.client_id,
            iss: id_token_issuer(adfs, host),
            iat: now,
            nbf: now,
            exp: now + LIFETIME,
            auth_time: now,
            nonce,
            sub: subject(user, application.client_id),
            upn: user.upn,
            unique_name: format!("CONTOSO\\{}", user.account),
        };
        jwt::sign(&adfs.keys.adfs, &claims)
    });
    let refresh_token = signed_in.then(|| {
        let stands_for = RefreshToken {
            user,
            client_id: application.client_id,
            terms: terms.clone(),
            expires: now + REFRESH_LIFETIME,
        };
        adfs.oauth.refresh_tokens.put("", stands_for)
    });
    TokenReply {
        access_token: jwt::sign(&adfs.keys.adfs, &access),
        token_type: "bearer",
        expires_in: LIFETIME,
        resource: terms.audience.clone(),
        refresh_token_expires_in: refresh_token.is_some().then_some(REFRESH_LIFETIME),
        refresh_token,
        scope: match adfs.switches.names_no_scope {
            true => "openid".to_owned(),
            false => terms.scopes.join(" "),
        },
        id_token,
    }
}

/// Checks an access token as an API does.
pub(super) fn verify(adfs: &Adfs, token: &str, audience: &str) -> Option<AccessClaims> {
    let claims: AccessClaims = jwt::verify(&adfs.keys.adfs, token)?;
    let now = adfs.clock.unix();
    let valid = claims.iss == issuer(crate::directory::FEDERATION_HOST)
        && claims.aud == audience
        && claims.exp > now
        && claims.nbf <= now + 300;
    valid.then_some(claims)
}

/// `GET /adfs/userinfo`, which says no more than who it is.
pub(super) fn user_info(adfs: &Adfs, request: &Request) -> Reply {
    let token = request.header("authorization");
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    match token.and_then(|token| verify(adfs, token, USER_INFO)) {
        Some(claims) => json("api", 200, &json!({"sub": claims.sub})),
        None => Reply::new("api", 401).header("www-authenticate", "Bearer"),
    }
}

pub(super) fn id_token_issuer(adfs: &Adfs, host: &str) -> String {
    let own = || format!("https://{host}/adfs");
    adfs.switches
        .id_token_issuer
        .map_or_else(own, str::to_owned)
}

/// Access tokens name the federation service as assertions do, by http.
fn issuer(host: &str) -> String {
    format!("http://{host}/adfs/services/trust")
}

/// Returns a subject that differs by audience and means nothing.
fn subject(user: &User, audience: &str) -> String {
    let together = format!("{}|{audience}", user.immutable_id);
    STANDARD.encode(digest::digest(&digest::SHA256, together.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::parse_form;

    #[test]
    fn resources_are_named_in_every_way_that_clients_have() {
        for (form, audience, scopes) in [
            ("", USER_INFO, "openid"),
            (
                "resource=https://api.contoso.test",
                "https://api.contoso.test",
                "openid",
            ),
            (
                "scope=https://api.contoso.test/user_impersonation+openid+offline_access",
                "https://api.contoso.test",
                "user_impersonation openid offline_access",
            ),
            (
                "scope=https://api.contoso.test//user_impersonation",
                "https://api.contoso.test",
                "user_impersonation",
            ),
        ] {
            let terms = Terms::of(&parse_form(form.as_bytes())).unwrap();
            assert_eq!(terms.audience, audience, "{form}");
            assert_eq!(terms.scopes.join(" "), scopes, "{form}");
        }
        let unknown = Terms::of(&parse_form(b"resource=https://nowhere.test"));
        assert_eq!(unknown.unwrap_err().error, "invalid_resource");
    }
}
