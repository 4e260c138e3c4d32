use super::*;

fn realm(json: &str) -> UserRealm {
    match UserRealm::parse(json.as_bytes(), Some("application/json; charset=utf-8")) {
        Ok(realm) => realm,
        Err(error) => panic!("{error}"),
    }
}

fn refusal(json: &str) -> RealmRefusal {
    match realm(json).integrated_sign_in() {
        Ok(url) => panic!("{url}"),
        Err(refusal) => refusal,
    }
}

#[test]
fn a_federated_domain_names_its_metadata_with_the_query() {
    let realm = realm(
        r#"{"ver":1.0,"account_type":"fEDERATED","federation_protocol":"wstrust",
            "federation_metadata_url":" https://autologon.example/c/winauth/trust/mex?client-request-id=1&x=%20 ",
            "cloud_audience_urn":"urn:federation:partner.microsoftonline.cn"}"#,
    );
    let url = realm.integrated_sign_in().map(|url| url.to_string());
    let expected = "https://autologon.example/c/winauth/trust/mex?client-request-id=1&x=%20";
    assert_eq!(url.as_deref(), Ok(expected));
    assert_eq!(
        realm.cloud_audience_urn(),
        "urn:federation:partner.microsoftonline.cn"
    );
    assert_eq!(realm.account_type_text(), "fEDERATED");
}

#[test]
fn each_refusal_says_why() {
    for (json, variant) in [
        (r#"{"account_type":"managed"}"#, "ManagedUser"),
        (r#"{"account_type":"Unknown"}"#, "UnknownUserType"),
        (r#"{"account_type":"Manageddf"}"#, "UnknownUserType"),
        (r#"{"account_type":null}"#, "UnknownUserType"),
        (r#"{}"#, "UnknownUserType"),
        (
            r#"{"account_type":"Federated","federation_protocol":"SAML20"}"#,
            "UnsupportedProtocol",
        ),
        (r#"{"account_type":"Federated"}"#, "UnsupportedProtocol"),
        (
            r#"{"account_type":"Federated","federation_protocol":"WSTrust","federation_metadata_url":" "}"#,
            "MissingMetadataUrl",
        ),
        (
            r#"{"account_type":"Federated","federation_protocol":"WSTrust","federation_metadata_url":"http://a/mex"}"#,
            "UnusableMetadataUrl",
        ),
        (
            r#"{"account_type":"Federated","federation_protocol":"WSTrust","federation_metadata_url":"mex"}"#,
            "UnusableMetadataUrl",
        ),
    ] {
        let refusal = format!("{:?}", refusal(json));
        assert!(refusal.starts_with(variant), "{json}: {refusal}");
    }
}

#[test]
fn personal_accounts_are_known_by_domain_or_metadata() {
    for (domain, url, personal) in [
        ("live.com", "https://sts.contoso.com/mex", true),
        ("outlook.example", "https://login.live.com/RST2.srf", true),
        ("outlook.example", "https://MSN.com/mex", true),
        ("alive.com", "https://login.olive.com/mex", false),
    ] {
        let realm = realm(&format!(
            r#"{{"account_type":"Federated","federation_protocol":"WSTrust","domain_name":"{domain}","federation_metadata_url":"{url}"}}"#
        ));
        assert_eq!(realm.is_personal_account(), personal, "{domain} {url}");
        let refused = realm.integrated_sign_in() == Err(RealmRefusal::PersonalAccount);
        assert_eq!(refused, personal, "{domain} {url}");
    }
    let managed = refusal(r#"{"account_type":"Managed","domain_name":"LIVE.com"}"#);
    assert_eq!(managed, RealmRefusal::PersonalAccount);
}

#[test]
fn the_audience_has_a_default_and_a_mark_is_tolerated() {
    let realm = realm("\u{FEFF}{\"account_type\":\"Managed\",\"cloud_audience_urn\":\"\"}");
    assert_eq!(realm.cloud_audience_urn(), "urn:federation:MicrosoftOnline");
}

#[test]
fn what_is_no_realm_is_an_error() {
    for (text, said) in [
        ("", "empty"),
        ("noroot", "plain text"),
        ("<html><body>Blocked</body></html>", "HTML page"),
        ("<RealmInfo Success=\"true\"/>", "XML came instead of JSON"),
        ("{\"account_type\":", "not well-formed at line 1"),
        ("[]", "not a JSON object"),
        ("\"Managed\"", "not a JSON object"),
        ("{\"account_type\":1}", "account_type"),
        ("{} {}", "not well-formed"),
    ] {
        match UserRealm::parse(text.as_bytes(), None) {
            Ok(realm) => panic!("{text}: {realm:?}"),
            Err(error) => {
                assert!(error.to_string().contains(said), "{text}: {error}");
            }
        }
    }
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(UserRealm::parse(deep.as_bytes(), None).is_err());
}
