//! What AD FS says about itself.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::{Adfs, issue, json};
use crate::entra::jwt;
use crate::http::{Reply, Request};

const STAGE: &str = "discovery";

/// `GET /adfs/.well-known/openid-configuration`, as recorded from AD FS 2016 and with what 2019
/// added: device codes and PKCE.
pub(super) fn configuration(adfs: &Adfs, request: &Request) -> Reply {
    let host = request.host;
    let base = format!("https://{host}/adfs");
    let document = json!({
        "issuer": issue::id_token_issuer(adfs, host),
        "authorization_endpoint": format!("{base}/oauth2/authorize/"),
        "token_endpoint": format!("{base}/oauth2/token/"),
        "jwks_uri": format!("{base}/discovery/keys"),
        "token_endpoint_auth_methods_supported": [
            "client_secret_post", "client_secret_basic", "private_key_jwt",
            "windows_client_authentication",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "password",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "subject_types_supported": ["pairwise"],
        "scopes_supported": [
            "allatclaims", "email", "user_impersonation", "logon_cert", "aza", "profile",
            "vpn_cert", "winhello_cert", "openid",
        ],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "access_token_issuer": format!("http://{host}/adfs/services/trust"),
        "claims_supported": [
            "aud", "iss", "iat", "exp", "auth_time", "nonce", "at_hash", "c_hash", "sub", "upn",
            "unique_name", "pwd_url", "pwd_exp", "mfa_auth_time", "sid",
        ],
        "microsoft_multi_refresh_token": true,
        "userinfo_endpoint": format!("{base}/userinfo"),
        "capabilities": ["kdf_ver2"],
        "end_session_endpoint": format!("{base}/oauth2/logout"),
        "as_access_token_token_binding_supported": false,
        "as_refresh_token_token_binding_supported": false,
        "resource_access_token_token_binding_supported": false,
        "op_id_token_token_binding_supported": false,
        "rp_id_token_token_binding_supported": false,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "device_authorization_endpoint": format!("{base}/oauth2/devicecode"),
    });
    json(STAGE, 200, &document)
}

/// `GET /adfs/discovery/keys`: the certificate that signs assertions signs tokens as well.
pub(super) fn keys(adfs: &Adfs) -> Reply {
    let key = &adfs.keys.adfs;
    let (components, kid) = (key.components(), jwt::key_id(key));
    let document = json!({"keys": [{
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "x5t": kid,
        "n": URL_SAFE_NO_PAD.encode(components.n),
        "e": URL_SAFE_NO_PAD.encode(components.e),
        "x5c": [STANDARD.encode(key.certificate())],
    }]});
    json("keys", 200, &document)
}

/// `GET /.well-known/webfinger`: clients ask whether this AD FS is of the realm they know.
pub(super) fn webfinger(request: &Request) -> Reply {
    let host = format!("https://{}", request.host);
    let relation = "http://schemas.microsoft.com/rel/trusted-realm";
    let document = json!({"subject": host, "links": [{"rel": relation, "href": host}]});
    json(STAGE, 200, &document)
}
