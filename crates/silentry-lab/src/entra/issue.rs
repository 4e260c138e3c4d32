//! What Entra issues once it is satisfied: access, refresh and id tokens.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde::{Deserialize, Serialize};

use super::claims::Demands;
use super::error::EntraError;
use super::{Entra, jwt};
use crate::directory::{Application, Resource, TENANT_ID, Tenant, User, resource};
use crate::random::opaque;
use crate::scenario::switches::Lifetime;

/// Access tokens live between 60 and 90 minutes; the lab's always the same.
const LIFETIME: i64 = 4599;
/// What a client gets that handles claims challenges, because its tokens can be revoked.
const LONG_LIFETIME: i64 = 86399;
/// Less than the five minutes that clients leave before the end.
const SHORT_LIFETIME: i64 = 299;
const REFRESH_LIFETIME: i64 = 90 * 24 * 3600;

/// The words of OpenID Connect, which belong to no resource.
const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What a client asked for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) tenant: Tenant,
    /// The host that tokens of this cloud name.
    pub(super) host: &'static str,
    pub(super) wants_client_info: bool,
    pub(super) nonce: Option<String>,
    /// The v1 endpoint writes numbers as text and repeats the resource.
    pub(super) v1: bool,
    /// Whether the user gave a second factor.
    pub(super) mfa: bool,
    pub(super) demands: Demands,
}

/// What a refresh token stands for.
#[derive(Clone, Debug)]
pub(super) struct RefreshToken {
    pub(super) user: &'static User,
    pub(super) application: &'static Application,
    pub(super) mfa: bool,
    pub(super) expires: i64,
}

/// The claims of an access token, in the version 1.0 that Graph and APIs have by default.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AccessClaims {
    pub(crate) aud: String,
    pub(crate) iss: String,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) acr: String,
    /// The authentication contexts that were satisfied.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) acrs: Vec<String>,
    pub(crate) amr: Vec<String>,
    pub(crate) app_displayname: String,
    pub(crate) appid: String,
    pub(crate) appidacr: String,
    pub(crate) name: String,
    pub(crate) oid: String,
    pub(crate) scp: String,
    pub(crate) sub: String,
    pub(crate) tid: String,
    pub(crate) unique_name: String,
    pub(crate) upn: String,
    pub(crate) uti: String,
    pub(crate) ver: String,
    /// What the client can do: `cp1` says that it handles claims challenges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) xms_cc: Vec<String>,
}

#[derive(Serialize)]
struct IdClaims<'c> {
    aud: &'c str,
    iss: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'c str>,
    oid: &'c str,
    preferred_username: &'c str,
    rh: String,
    sub: String,
    tid: &'c str,
    uti: String,
    ver: &'c str,
}

/// The members of a token reply, in the order Entra writes them.
#[derive(Serialize)]
pub(super) struct TokenReply {
    token_type: &'static str,
    scope: String,
    expires_in: Seconds,
    ext_expires_in: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_in: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'static str>,
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    foci: Option<&'static str>,
}

/// A duration, as the version of the endpoint writes it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    Number(i64),
    Text(String),
}

impl Seconds {
    pub(super) fn new(number: i64, v1: bool) -> Self {
        if v1 {
            Self::Text(number.to_string())
        } else {
            Self::Number(number)
        }
    }
}

#[derive(Serialize)]
struct ClientInfo<'c> {
    uid: &'c str,
    utid: &'c str,
}

/// The resource and permissions a `scope` stands for.
#[derive(Debug)]
pub(super) struct Scopes {
    resource: &'static Resource,
    /// The identifier the client used, which the reply repeats.
    identifier: String,
    permissions: BTreeSet<String>,
    openid: BTreeSet<&'static str>,
}

impl Scopes {
    /// Reads a space-separated scope. All permissions must belong to one resource; a word without
    /// a resource belongs to Microsoft Graph.
    pub(super) fn parse(scope: &str) -> Result<Self, EntraError> {
        let mut found: Option<(&'static Resource, String)> = None;
        let mut permissions = BTreeSet::new();
        let mut openid = BTreeSet::new();
        for word in scope.split_ascii_whitespace() {
            if let Some(known) = OPENID_SCOPES.iter().find(|known| **known == word) {
                openid.insert(*known);
                continue;
            }
            let (identifier, permission) = split(word);
            let resource = resource(identifier).ok_or_else(|| unknown_resource(identifier))?;
            if found
                .as_ref()
                .is_some_and(|(other, _)| other.audience != resource.audience)
            {
                return Err(EntraError::invalid_request(
                    28000,
                    format!(
                        "Provided value for the input parameter scope is not valid because it \
                         contains more than one resource. Scope {scope:.200} is not valid."
                    ),
                ));
            }
            found.get_or_insert_with(|| (resource, identifier.to_owned()));
            permissions.extend(granted(resource, permission, identifier)?);
        }
        // Without any, Entra answers for Graph with the profile alone.
        let (resource, identifier) = match found {
            Some(found) => found,
            None if !openid.is_empty() => {
                let graph = resource(GRAPH).ok_or_else(|| unknown_resource(GRAPH))?;
                (graph, GRAPH.to_owned())
            }
            None => return Err(EntraError::missing_parameter("scope")),
        };
        Ok(Self {
            resource,
            identifier,
            permissions,
            openid,
        })
    }

    /// Returns the resource as the client called it, which errors repeat.
    pub(super) fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Returns the `scope` of the reply.
    fn granted(&self) -> String {
        let resource = self
            .permissions
            .iter()
            .map(|name| format!("{}/{name}", self.identifier));
        let openid = ["email", "openid", "profile"]
            .into_iter()
            .filter(|word| self.openid.contains(word))
            .map(str::to_owned);
        resource.chain(openid).collect::<Vec<_>>().join(" ")
    }

    /// Returns the `scp` of the access token, where `.default` is no permission.
    fn permissions(&self) -> String {
        let named = self.permissions.iter().filter(|name| *name != ".default");
        named.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

const GRAPH: &str = "https://graph.microsoft.com";

fn split(word: &str) -> (&str, &str) {
    word.rsplit_once('/').unwrap_or((GRAPH, word))
}

fn granted(
    resource: &Resource,
    permission: &str,
    identifier: &str,
) -> Result<Vec<String>, EntraError> {
    if permission == ".default" {
        let all = resource.permissions.iter().map(|name| (*name).to_owned());
        return Ok(all.chain([".default".to_owned()]).collect());
    }
    resource
        .permissions
        .iter()
        .find(|known| known.eq_ignore_ascii_case(permission))
        .map(|known| vec![(*known).to_owned()])
        .ok_or_else(|| {
            EntraError::invalid_grant(
                65005,
                format!(
                    "The application asked for permission '{permission:.100}' of resource \
                     '{identifier:.100}' that does not exist."
                ),
            )
        })
}

fn unknown_resource(identifier: &str) -> EntraError {
    EntraError::new(
        400,
        "invalid_resource",
        500011,
        format!(
            "The resource principal named {identifier:.200} was not found in the tenant named \
             Contoso. This can happen if the application has not been installed by the \
             administrator of the tenant or consented to by any user in the tenant. You might have \
             sent your authentication request to the wrong tenant."
        ),
    )
}

/// Issues tokens for a user whom nothing stands in the way of.
pub(super) fn tokens(
    entra: &Entra,
    user: &'static User,
    object_id: &str,
    application: &'static Application,
    scopes: &Scopes,
    request: &Request,
) -> TokenReply {
    let now = entra.clock.unix();
    let demands = &request.demands;
    let tenant_id = request.tenant.issuer_id();
    let home_object_id = user.object_id.unwrap_or(object_id);
    let (lifetime, refresh_in) = match entra.switches.lifetime {
        Lifetime::Short => (SHORT_LIFETIME, None),
        Lifetime::RenewSoon => (LIFETIME, Some(1)),
        Lifetime::Usual if demands.handles_challenges => (LONG_LIFETIME, Some(LONG_LIFETIME / 2)),
        Lifetime::Usual => (LIFETIME, None),
    };
    let method = |needed: bool, name: &str| needed.then(|| name.to_owned());
    let access = AccessClaims {
        aud: scopes.resource.audience.to_owned(),
        iss: format!("https://sts.windows.net/{tenant_id}/"),
        iat: now,
        // A token that was asked for because older ones no longer count is younger than those.
        nbf: demands
            .not_before
            .filter(|nbf| *nbf < now + 300)
            .unwrap_or(now)
            .max(now),
        exp: now + lifetime,
        acr: "1".to_owned(),
        acrs: demands.context.iter().cloned().collect(),
        amr: [method(true, "pwd"), method(request.mfa, "mfa")]
            .into_iter()
            .flatten()
            .collect(),
        app_displayname: application.name.to_owned(),
        appid: application.client_id.to_owned(),
        appidacr: "0".to_owned(),
        name: user.name.to_owned(),
        oid: object_id.to_owned(),
        scp: scopes.permissions(),
        sub: pairwise(object_id, scopes.resource.audience),
        tid: tenant_id.to_owned(),
        unique_name: user.upn.to_owned(),
        upn: user.upn.to_owned(),
        uti: opaque().chars().take(22).collect(),
        ver: "1.0".to_owned(),
        xms_cc: method(demands.handles_challenges, "cp1")
            .into_iter()
            .collect(),
    };
    let id_token = scopes.openid.contains("openid").then(|| {
        let claims = IdClaims {
            aud: application.client_id,
            iss: format!("https://{}/{tenant_id}/v2.0", request.host),
            iat: now,
            nbf: now,
            exp: now + lifetime,
            name: user.name,
            nonce: request.nonce.as_deref(),
            oid: object_id,
            preferred_username: user.upn,
            rh: format!("1.{}.", opaque()),
            sub: pairwise(object_id, application.client_id),
            tid: tenant_id,
            uti: opaque().chars().take(22).collect(),
            ver: "2.0",
        };
        jwt::sign(&entra.keys.entra, &claims)
    });
    let refresh_token = scopes.openid.contains("offline_access").then(|| {
        // The old token keeps working for a while at Entra too: nothing is taken away here.
        entra.refresh_tokens.put(
            "1.",
            RefreshToken {
                user,
                application,
                mfa: request.mfa,
                expires: now + REFRESH_LIFETIME,
            },
        )
    });
    let seconds = |number| Seconds::new(number, request.v1);
    TokenReply {
        token_type: "Bearer",
        scope: if request.v1 {
            scopes.permissions()
        } else {
            scopes.granted()
        },
        expires_in: seconds(lifetime),
        ext_expires_in: seconds(lifetime),
        refresh_in: refresh_in.map(seconds),
        expires_on: request.v1.then(|| (now + lifetime).to_string()),
        resource: request.v1.then_some(scopes.resource.audience),
        access_token: jwt::sign(&entra.keys.entra, &access),
        refresh_token,
        id_token,
        client_info: request
            .wants_client_info
            .then(|| client_info(home_object_id)),
        foci: application.family.then_some("1"),
    }
}

/// Returns who signed in, in the form that clients read: the home account.
pub(super) fn client_info(object_id: &str) -> String {
    let info = ClientInfo {
        uid: object_id,
        utid: TENANT_ID,
    };
    let json = serde_json::to_vec(&info).expect("client info serializes");
    URL_SAFE_NO_PAD.encode(json)
}

/// Checks an access token as an API does: signature, issuer, audience, lifetime.
pub(super) fn verify_access_token(
    entra: &Entra,
    token: &str,
    audience: &str,
) -> Result<AccessClaims, &'static str> {
    let claims: AccessClaims =
        jwt::verify(&entra.keys.entra, token).ok_or("The signature is invalid.")?;
    let now = entra.clock.unix();
    if claims.iss != format!("https://sts.windows.net/{}/", claims.tid) {
        return Err("The issuer is invalid.");
    }
    if claims.aud != audience {
        return Err("The audience is invalid.");
    }
    if claims.exp <= now || claims.nbf > now + 300 {
        return Err("The token expired or is not yet valid.");
    }
    Ok(claims)
}

/// Returns a subject that differs by application (OpenID Connect Core 8.1).
fn pairwise(object_id: &str, audience: &str) -> String {
    let together = format!("{object_id}|{audience}");
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, together.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_name_one_resource() {
        let scopes = Scopes::parse("User.Read openid offline_access profile").unwrap();
        assert_eq!(
            scopes.granted(),
            "https://graph.microsoft.com/User.Read openid profile"
        );
        let scopes = Scopes::parse("https://api.contoso.test/.default").unwrap();
        assert_eq!(scopes.permissions(), "user_impersonation");
        assert!(
            scopes
                .granted()
                .contains("https://api.contoso.test/.default")
        );
        // A resource that ends with a slash makes two of them.
        assert!(Scopes::parse("https://management.core.windows.net//.default").is_ok());
    }

    #[test]
    fn wrong_scopes_are_refused() {
        let code = |scope| Scopes::parse(scope).unwrap_err().code();
        assert_eq!(code(""), 900144);
        assert_eq!(
            code("User.Read https://api.contoso.test/user_impersonation"),
            28000
        );
        assert_eq!(code("https://nowhere.test/.default"), 500011);
        assert_eq!(code("https://api.contoso.test/fly"), 65005);
    }
}
