//! The protected APIs: the lab's own, and `me` of Microsoft Graph.

use serde_json::json;

use crate::directory::{self, TENANT_ID};
use crate::entra::Entra;
use crate::front::http::{Reply, Request};

const STAGE: &str = "api";

/// Answers a request to an API that wants an access token for its own name.
pub(crate) fn answer(request: &Request, entra: &Entra) -> Reply {
    let audience = format!("https://{}", request.host);
    let Some(token) = bearer(request) else {
        return unauthorized(None);
    };
    let claims = match entra.verify_access_token(token, &audience) {
        Ok(claims) => claims,
        Err(why) => return unauthorized(Some(why)),
    };
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
