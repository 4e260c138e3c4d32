//! The protected APIs: the lab's own, and `me` of Microsoft Graph.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::adfs::Adfs;
use crate::clock::Clock;
use crate::directory::{self, TENANT_ID};
use crate::entra::{AccessClaims, Entra};
use crate::http::{Reply, Request};
use crate::scenario::switches::Api;

const STAGE: &str = "api";

/// Answers a request to an API that wants an access token for its own name.
pub(crate) fn answer(request: &Request, adfs: &Adfs, entra: &Entra, api: Api) -> Reply {
    let audience = format!("https://{}", request.host);
    let Some(token) = bearer(request) else {
        return unauthorized(None);
    };
    if let Some(claims) = adfs.verify_access_token(token, &audience) {
        let body = json!({
            "user": claims.upn,
            "audience": claims.aud,
            "scopes": claims.scp,
            "client": claims.appid,
        });
        return Reply::new(STAGE, 200).body("application/json; charset=utf-8", body.to_string());
    }
    let claims = match entra.verify_access_token(token, &audience) {
        Ok(claims) => claims,
        Err(why) => return unauthorized(Some(why)),
    };
    if let Some(demand) = demand(api, &claims) {
        return insufficient(&demand);
    }
    let path = request.path.trim_end_matches('/');
    let body = match (request.host, path) {
        ("graph.microsoft.com", "/v1.0/me") => {
            let user = directory::by_upn(&claims.upn);
            json!({
                "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
                "displayName": claims.name,
                "userPrincipalName": claims.upn,
                "onPremisesSamAccountName": user.map(|user| user.account),
                "id": claims.oid,
            })
        }
        ("graph.microsoft.com", _) => {
            let error =
                json!({"error": {"code": "ResourceNotFound", "message": "Resource not found."}});
            return Reply::new(STAGE, 404).body("application/json", error.to_string());
        }
        _ => json!({
            "user": claims.upn,
            "name": claims.name,
            "audience": claims.aud,
            "scopes": claims.scp,
            "client": claims.appid,
        }),
    };
    Reply::new(STAGE, 200).body("application/json; charset=utf-8", body.to_string())
}

fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Returns the claims that a valid token still lacks.
fn demand(api: Api, claims: &AccessClaims) -> Option<String> {
    let lacking = match api {
        Api::Content => return None,
        // A token that was asked for with these claims is valid from the second they name, which
        // lies a minute ahead: one that was just asked for anew is not, and does not pass.
        Api::TakesBack => {
            let handled = claims.xms_cc.iter().any(|known| known == "cp1");
            if !handled || claims.nbf > claims.iat {
                return None;
            }
            let newer = (Clock::default().unix() + 60).to_string();
            json!({"nbf": {"essential": true, "value": newer}})
        }
        Api::DemandsContext => {
            if claims.acrs.iter().any(|known| known == "c1") {
                return None;
            }
            json!({"acrs": {"essential": true, "value": "c1"}})
        }
    };
    Some(json!({"access_token": lacking}).to_string())
}

/// A claims challenge, as continuous access evaluation sends it.
fn insufficient(claims: &str) -> Reply {
    let challenge = format!(
        "Bearer realm=\"\", \
         authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(claims)
    );
    Reply::new(STAGE, 401).header("www-authenticate", challenge)
}

/// RFC 6750 section 3: without a token there is no error to name.
fn unauthorized(why: Option<&str>) -> Reply {
    let realm = format!(
        "Bearer realm=\"\", \
         authorization_uri=\"https://login.microsoftonline.com/{TENANT_ID}/oauth2/authorize\""
    );
    let challenge = match why {
        Some(why) => {
            format!("{realm}, error=\"invalid_token\", error_description=\"{why}\"")
        }
        None => realm,
    };
    Reply::new(STAGE, 401).header("www-authenticate", challenge)
}
