//! Instance discovery, OpenID configuration and signing keys.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

use super::error::EntraError;
use super::{Entra, jwt, tenant};
use crate::directory::{SOVEREIGN_ALIAS, SOVEREIGN_HOST, Tenant};
use crate::http::{Reply, Request};

const STAGE: &str = "discovery";
const HOST: &str = "login.microsoftonline.com";

#[derive(Serialize)]
struct Instances {
    tenant_discovery_endpoint: String,
    #[serde(rename = "api-version")]
    api_version: &'static str,
    metadata: Vec<Cloud>,
}

#[derive(Clone, Copy, Serialize)]
struct Cloud {
    preferred_network: &'static str,
    preferred_cache: &'static str,
    aliases: &'static [&'static str],
}

/// The clouds as recorded in 2025.
const CLOUDS: [Cloud; 5] = [
    Cloud {
        preferred_network: HOST,
        preferred_cache: "login.windows.net",
        aliases: &[
            HOST,
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    },
    Cloud {
        preferred_network: "login.partner.microsoftonline.cn",
        preferred_cache: "login.partner.microsoftonline.cn",
        aliases: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    },
    Cloud {
        preferred_network: "login.microsoftonline.de",
        preferred_cache: "login.microsoftonline.de",
        aliases: &["login.microsoftonline.de"],
    },
    Cloud {
        preferred_network: "login.microsoftonline.us",
        preferred_cache: "login.microsoftonline.us",
        aliases: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    },
    Cloud {
        preferred_network: "login-us.microsoftonline.com",
        preferred_cache: "login-us.microsoftonline.com",
        aliases: &["login-us.microsoftonline.com"],
    },
];

/// Told to nobody who does not ask about it.
const SOVEREIGN: Cloud = Cloud {
    preferred_network: SOVEREIGN_HOST,
    preferred_cache: SOVEREIGN_HOST,
    aliases: &[SOVEREIGN_HOST, SOVEREIGN_ALIAS],
};

/// Returns the host that the tokens of a cloud name, whichever of its hosts gave them.
pub(super) fn issuing_host(host: &str) -> &'static str {
    let mut clouds = CLOUDS.iter().chain([&SOVEREIGN]);
    let cloud = clouds.find(|cloud| cloud.aliases.contains(&host));
    cloud.map_or(HOST, |cloud| cloud.preferred_network)
}

/// `GET /common/discovery/instance`: is the host of an authority one of Microsoft's?
pub(super) fn instance(entra: &Entra, request: &Request) -> Reply {
    let Some(endpoint) = request.query_value("authorization_endpoint") else {
        let missing = EntraError::invalid_request(
            50050,
            "'authorization_endpoint' parameter is missing or empty.",
        );
        return entra.refuse(STAGE, request, missing);
    };
    let Some((host, word)) = authority(&endpoint) else {
        let malformed = EntraError::invalid_request(50050, "The request is malformed.");
        return entra.refuse(STAGE, request, malformed);
    };
    let mut metadata = CLOUDS.to_vec();
    if SOVEREIGN.aliases.contains(&host.as_str()) {
        metadata.push(SOVEREIGN);
    }
    if !metadata
        .iter()
        .any(|cloud| cloud.aliases.contains(&host.as_str()))
    {
        let unknown = EntraError::new(
            400,
            "invalid_instance",
            50049,
            "Unknown or invalid instance.",
        );
        return entra.refuse(STAGE, request, unknown);
    }
    let word = match tenant(&word) {
        Ok(tenant) => tenant.endpoint_word().to_owned(),
        Err(error) => return entra.refuse(STAGE, request, error),
    };
    let instances = Instances {
        tenant_discovery_endpoint: format!(
            "https://{host}/{word}/v2.0/.well-known/openid-configuration"
        ),
        api_version: "1.1",
        metadata,
    };
    public(entra.json(STAGE, 200, request, &instances))
}

/// Splits an authorization endpoint into host and tenant word.
fn authority(endpoint: &str) -> Option<(String, String)> {
    let url = url::Url::parse(endpoint)
        .ok()
        .filter(|url| url.scheme() == "https")?;
    let word = url
        .path_segments()?
        .next()
        .filter(|word| !word.is_empty())?;
    Some((url.host_str()?.to_owned(), word.to_owned()))
}

#[derive(Serialize)]
struct OpenIdConfiguration {
    token_endpoint: String,
    token_endpoint_auth_methods_supported: [&'static str; 3],
    jwks_uri: String,
    response_modes_supported: [&'static str; 3],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    response_types_supported: [&'static str; 4],
    scopes_supported: [&'static str; 4],
    issuer: String,
    request_uri_parameter_supported: bool,
    userinfo_endpoint: &'static str,
    authorization_endpoint: String,
    device_authorization_endpoint: String,
    http_logout_supported: bool,
    frontchannel_logout_supported: bool,
    end_session_endpoint: String,
    claims_supported: [&'static str; 19],
    kerberos_endpoint: String,
    tenant_region_scope: Option<&'static str>,
    cloud_instance_name: &'static str,
    cloud_graph_host_name: &'static str,
    msgraph_host: &'static str,
    rbac_url: &'static str,
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`, member by member as recorded.
pub(super) fn openid_configuration(entra: &Entra, request: &Request, word: &str) -> Reply {
    let tenant = match tenant(word) {
        Ok(tenant) => tenant,
        Err(error) => return entra.refuse(STAGE, request, error),
    };
    let (host, word) = (request.host, tenant.endpoint_word());
    let v2 = request.path.to_ascii_lowercase().contains("/v2.0/");
    let version = if v2 { "v2.0/" } else { "" };
    let issuer_tenant = match tenant {
        Tenant::Common | Tenant::Organizations => "{tenantid}",
        // Personal accounts live in a tenant of their own.
        Tenant::Consumers => "9188040d-6c67-4c5b-b112-36a304b66dad",
        Tenant::Home | Tenant::Partner => word,
    };
    let issuer = if v2 {
        format!("https://{host}/{issuer_tenant}/v2.0")
    } else {
        format!("https://sts.windows.net/{issuer_tenant}/")
    };
    let configuration = OpenIdConfiguration {
        token_endpoint: format!("https://{host}/{word}/oauth2/{version}token"),
        token_endpoint_auth_methods_supported: [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        jwks_uri: format!("https://{host}/{word}/discovery/{version}keys"),
        response_modes_supported: ["query", "fragment", "form_post"],
        subject_types_supported: ["pairwise"],
        id_token_signing_alg_values_supported: ["RS256"],
        response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
        scopes_supported: ["openid", "profile", "email", "offline_access"],
        issuer,
        request_uri_parameter_supported: false,
        userinfo_endpoint: "https://graph.microsoft.com/oidc/userinfo",
        authorization_endpoint: format!("https://{host}/{word}/oauth2/{version}authorize"),
        device_authorization_endpoint: format!("https://{host}/{word}/oauth2/{version}devicecode"),
        http_logout_supported: true,
        frontchannel_logout_supported: true,
        end_session_endpoint: format!("https://{host}/{word}/oauth2/{version}logout"),
        claims_supported: [
            "sub",
            "iss",
            "cloud_instance_name",
            "cloud_instance_host_name",
            "cloud_graph_host_name",
            "msgraph_host",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "nonce",
            "preferred_username",
            "name",
            "tid",
            "ver",
            "at_hash",
            "c_hash",
            "email",
        ],
        kerberos_endpoint: format!("https://{host}/{word}/kerberos"),
        tenant_region_scope: (tenant == Tenant::Home).then_some("WW"),
        cloud_instance_name: "microsoftonline.com",
        cloud_graph_host_name: "graph.windows.net",
        msgraph_host: "graph.microsoft.com",
        rbac_url: "https://pas.windows.net",
    };
    public(entra.json(STAGE, 200, request, &configuration))
}

#[derive(Serialize)]
struct KeySet {
    keys: [Key; 1],
}

#[derive(Serialize)]
struct Key {
    kty: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x5t: String,
    n: String,
    e: String,
    x5c: [String; 1],
    issuer: String,
}

/// `GET /{tenant}/discovery/v2.0/keys`.
pub(super) fn keys(entra: &Entra, request: &Request) -> Reply {
    let key = &entra.keys.entra;
    let components = key.components();
    let kid = jwt::key_id(key);
    let set = KeySet {
        keys: [Key {
            kty: "RSA",
            usage: "sig",
            x5t: kid.clone(),
            kid,
            n: URL_SAFE_NO_PAD.encode(components.n),
            e: URL_SAFE_NO_PAD.encode(components.e),
            x5c: [STANDARD.encode(key.certificate())],
            issuer: format!("https://{HOST}/{}/v2.0", crate::directory::TENANT_ID),
        }],
    };
    public(entra.json("keys", 200, request, &set))
}

fn public(reply: Reply) -> Reply {
    reply
        .header("cache-control", "max-age=86400, private")
        .header("access-control-allow-origin", "*")
        .header("access-control-allow-methods", "GET, OPTIONS")
}
