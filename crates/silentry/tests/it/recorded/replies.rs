//! What our readers make of a recorded reply, held against its own members.

use serde_json::Value;
use silentry_protocol::cloud::Cloud;
use silentry_protocol::oauth::classification::Grant;
use silentry_protocol::oauth::error_response::ErrorResponse;
use silentry_protocol::oauth::token_response::TokenResponse;
use silentry_protocol::wstrust::address::HttpsUrl;
use silentry_protocol::wstrust::mex::FederationMetadata;
use silentry_protocol::wstrust::realm::UserRealm;
use silentry_protocol::wstrust::rstr::WsTrustReply;

use crate::recorded::recording::{Exchange, Kind};

/// Reads the reply as the flow reads it that asks for such a thing.
pub(crate) fn check(exchange: &Exchange) {
    let reply = &exchange.reply;
    let content_type = reply.header("content-type");
    match exchange.kind() {
        Kind::Instance => instance(&json(&reply.body)),
        Kind::OpenIdConfiguration => {
            // Not asked for on a known cloud: the endpoints follow from the authority.
            let configuration = json(&reply.body);
            let address = exchange.url.as_str();
            let authority = address.strip_suffix("/v2.0/.well-known/openid-configuration");
            let endpoint = format!("{}/oauth2/v2.0/token", authority.unwrap());
            assert_eq!(configuration["token_endpoint"], endpoint);
        }
        Kind::Realm => realm(
            &UserRealm::parse(&reply.body, content_type).unwrap(),
            &json(&reply.body),
        ),
        Kind::Mex => {
            let metadata = FederationMetadata::parse(&reply.body, content_type, None).unwrap();
            assert!(metadata.integrated_windows().is_err());
            assert!(metadata.username_password().is_ok());
        }
        Kind::Rst => match WsTrustReply::parse(&reply.body, content_type).unwrap() {
            WsTrustReply::Token(assertion) => {
                assert_eq!(reply.status, 200);
                assert_eq!(
                    assertion.grant_type(),
                    "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
                );
            }
            WsTrustReply::Fault(fault) => {
                assert_eq!(reply.status, 500);
                assert_eq!(fault.local_code(), Some("FailedAuthentication"));
                assert!(fault.reason().unwrap().starts_with("ID3242: "));
            }
        },
        Kind::DeviceCode => assert_eq!(reply.status, 200),
        Kind::Token if reply.status == 200 => token(&reply.body),
        Kind::Token => error(reply.status, &reply.body),
    }
}

/// Our table of clouds knows what Entra says about each.
fn instance(reply: &Value) {
    for cloud in reply["metadata"].as_array().unwrap() {
        let known = Cloud::of_host(cloud["preferred_network"].as_str().unwrap()).unwrap();
        assert_eq!(cloud["preferred_cache"], known.preferred_cache);
        assert_eq!(cloud["preferred_network"], known.preferred_network);
        assert_eq!(cloud["aliases"], serde_json::json!(known.aliases));
    }
}

fn realm(read: &UserRealm, reply: &Value) {
    assert_eq!(reply["account_type"], read.account_type_text());
    assert_eq!(
        reply["federation_protocol"].as_str(),
        read.federation_protocol()
    );
    assert_eq!(
        reply["federation_metadata_url"].as_str(),
        read.federation_metadata_url()
    );
    assert_eq!(reply["domain_name"].as_str(), read.domain_name());
    assert_eq!(
        reply["cloud_instance_name"].as_str(),
        read.cloud_instance_name()
    );
    assert_eq!(reply["cloud_audience_urn"], read.cloud_audience_urn());
    let active = read.active_auth_url().unwrap();
    assert_eq!(
        reply["federation_active_auth_url"].as_str(),
        active.as_ref().map(HttpsUrl::as_str)
    );
}

fn token(body: &[u8]) {
    let (read, reply) = (TokenResponse::parse(body).unwrap(), json(body));
    assert_eq!(reply["access_token"], read.access_token.expose());
    assert_eq!(reply["expires_in"].as_u64(), read.expires_in);
    assert_eq!(reply["ext_expires_in"].as_u64(), read.ext_expires_in);
    let secret = |secret: &Option<silentry::Secret>| secret.as_ref().map(|s| s.expose().to_owned());
    assert_eq!(
        reply["refresh_token"].as_str().map(str::to_owned),
        secret(&read.refresh_token)
    );
    assert_eq!(
        reply["id_token"].as_str().map(str::to_owned),
        secret(&read.id_token)
    );
    assert_eq!(reply["client_info"].as_str(), read.client_info.as_deref());
    if let Some(scope) = reply["scope"].as_str() {
        let read = read.scope.unwrap();
        assert!(
            scope.split(' ').all(|scope| read.contains(scope)),
            "{scope}"
        );
    }
}

fn error(status: u16, body: &[u8]) {
    let (read, reply) = (ErrorResponse::parse(status, body), json(body));
    assert_eq!(reply["error"], read.error());
    assert_eq!(reply["error_codes"], serde_json::json!(read.codes()));
    assert_eq!(reply["suberror"].as_str(), read.suberror());
    assert_eq!(reply["timestamp"].as_str(), read.timestamp());
    assert_eq!(reply["error_uri"].as_str(), read.error_uri());
    let id = reply["correlation_id"]
        .as_str()
        .filter(|id| *id != "[REDACTED]");
    assert_eq!(id, read.correlation_id());
    let described = reply["error_description"].as_str().unwrap();
    let without_breaks = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        without_breaks(read.description().unwrap()),
        without_breaks(described)
    );
    let classified = read.classify(Grant::Unknown);
    assert!(!classified.retryable && !classified.throttled);
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
