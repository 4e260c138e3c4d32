//! Discovery, keys and user realms.

use hyper::Method;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use silentry_lab::{CLIENT_ID, Lab, TENANT_ID};

use crate::services::client::{Connection, LOGIN, get, post_form};

#[tokio::test]
async fn instances_are_known_or_invalid() {
    let lab = Lab::start().await.unwrap();
    let ask = async |endpoint: &str| {
        let path =
            format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}");
        get(&lab, LOGIN, &path).await
    };
    let known = ask("https://login.windows.net/common/oauth2/v2.0/authorize").await;
    assert_eq!(known.status, 200);
    assert_eq!(known.json()["metadata"].as_array().unwrap().len(), 5);
    let escaped = ask("https%3A%2F%2Flogin.microsoftonline.us%2Forganizations%2Foauth2").await;
    assert_eq!(escaped.status, 200);
    for (endpoint, code) in [
        (
            "https://login.evil.test/common/oauth2/v2.0/authorize",
            50049,
        ),
        (
            "https://login.windows.net/nowhere.test/oauth2/v2.0/authorize",
            90002,
        ),
        ("nonsense", 50050),
    ] {
        let reply = ask(endpoint).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.json()["error_codes"][0], code);
    }
}

#[tokio::test]
async fn a_domain_gets_the_guid_in_its_endpoints() {
    let lab = Lab::start().await.unwrap();
    for (word, in_endpoints, in_issuer) in [
        ("contoso.test", TENANT_ID, TENANT_ID),
        ("common", "common", "{tenantid}"),
        ("organizations", "organizations", "{tenantid}"),
    ] {
        let path = format!("/{word}/v2.0/.well-known/openid-configuration");
        let document = get(&lab, LOGIN, &path).await.json();
        assert_eq!(
            document["token_endpoint"],
            format!("https://{LOGIN}/{in_endpoints}/oauth2/v2.0/token")
        );
        assert_eq!(
            document["issuer"],
            format!("https://{LOGIN}/{in_issuer}/v2.0")
        );
    }
    let path = "/nowhere.test/v2.0/.well-known/openid-configuration";
    assert_eq!(
        get(&lab, LOGIN, path).await.json()["error"],
        "invalid_tenant"
    );
}

#[tokio::test]
async fn tokens_verify_under_the_published_key() {
    let lab = Lab::start().await.unwrap();
    let keys = get(&lab, LOGIN, "/common/discovery/v2.0/keys").await.json();
    let key = &keys["keys"][0];
    let decode = |text: &str| {
        base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text).unwrap()
    };
    let form = [
        ("grant_type", "password"),
        ("username", "bob@managed.test"),
        ("password", "Bob-Passw0rd"),
        ("client_id", CLIENT_ID),
        ("scope", "openid"),
    ];
    let tokens = post_form(&lab, "/organizations/oauth2/v2.0/token", &form)
        .await
        .json();
    let public = RsaPublicKeyComponents {
        n: decode(key["n"].as_str().unwrap()),
        e: decode(key["e"].as_str().unwrap()),
    };
    for name in ["access_token", "id_token"] {
        let token = tokens[name].as_str().unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let header = decode(signed.split('.').next().unwrap());
        assert!(
            String::from_utf8(header)
                .unwrap()
                .contains(key["kid"].as_str().unwrap())
        );
        let verified = public.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            signed.as_bytes(),
            &decode(signature),
        );
        assert!(verified.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn realms_depend_on_the_domain_alone() {
    let lab = Lab::start().await.unwrap();
    for (path, account_type) in [
        ("/common/userrealm/alice@contoso.test", "Federated"),
        ("/common/UserRealm/ANYBODY%40CONTOSO.TEST", "Federated"),
        ("/common/userrealm/bob@managed.test", "Managed"),
        ("/common/userrealm/heidi@dsso.test", "Managed"),
        ("/common/userrealm/alice@corp.contoso.test", "Unknown"),
    ] {
        let realm = get(&lab, LOGIN, &format!("{path}?api-version=1.0"))
            .await
            .json();
        assert_eq!(realm["account_type"], account_type, "{path}");
    }
    let reply = get(&lab, LOGIN, "/common/userrealm/alice?api-version=1.0").await;
    assert_eq!(
        (reply.status, reply.json()["error"].as_str()),
        (400, Some("invalid_request"))
    );
}

#[tokio::test]
async fn seamless_sso_is_told_to_some_clients_only() {
    let lab = Lab::start().await.unwrap();
    for (sku, account_type) in [("MSAL.Desktop", "Federated"), ("MSAL.Python", "Managed")] {
        let headers = [("x-client-sku", sku)];
        let path = "/common/userrealm/heidi@dsso.test?api-version=1.0";
        let reply = Connection::open(&lab, LOGIN)
            .await
            .send(Method::GET, path, &headers, "")
            .await;
        let realm = reply.json();
        assert_eq!(realm["account_type"], account_type);
        if sku == "MSAL.Desktop" {
            let url = realm["federation_metadata_url"].as_str().unwrap();
            assert!(
                url.contains("/dsso.test/winauth/trust/mex?client-request-id="),
                "{url}"
            );
        }
    }
}
