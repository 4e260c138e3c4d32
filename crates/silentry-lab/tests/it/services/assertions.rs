//! What Entra makes of assertions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Method;
use silentry_lab::{CLIENT_ID, Lab, TENANT_ID, user};

use crate::services::client::{
    Connection, SAML1_BEARER, SAML2_BEARER, SOAP, STS, TRUST_13, Ticket, WINDOWS_13, assertion_in,
    assertion_of, claims, post_form, redeem, rst,
};

async fn refusal(lab: &Lab, grant: &str, assertion: &str) -> u64 {
    let reply = redeem(lab, grant, assertion).await;
    assert_eq!(reply.status, 400, "{}", reply.text());
    reply.json()["error_codes"][0].as_u64().unwrap()
}

#[tokio::test]
async fn an_assertion_buys_tokens_for_the_user_it_names() {
    let lab = Lab::start().await.unwrap();
    let assertion = assertion_of(&lab, "alice").await;
    let reply = redeem(&lab, SAML1_BEARER, &assertion).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let tokens = reply.json();
    let access = claims(tokens["access_token"].as_str().unwrap());
    let alice = user("alice").unwrap();
    assert_eq!(access["aud"], "https://api.contoso.test");
    assert_eq!(access["upn"], alice.upn);
    assert_eq!(access["scp"], "user_impersonation");
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (id["aud"].as_str(), id["tid"].as_str()),
        (Some(CLIENT_ID), Some(TENANT_ID))
    );
    assert_eq!(id["oid"].as_str(), alice.object_id);
    let info = URL_SAFE_NO_PAD
        .decode(tokens["client_info"].as_str().unwrap())
        .unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(
        (info["uid"].as_str(), info["utid"].as_str()),
        (alice.object_id, Some(TENANT_ID))
    );
}

#[tokio::test]
async fn an_inherited_declaration_may_be_added() {
    let lab = Lab::start().await.unwrap();
    let assertion = assertion_of(&lab, "alice").await;
    let added = assertion.replacen("<saml:Assertion ", "<saml:Assertion xmlns:s=\"urn:s\" ", 1);
    assert_eq!(redeem(&lab, SAML1_BEARER, &added).await.status, 200);
}

#[tokio::test]
async fn both_kinds_of_base64_are_read() {
    let lab = Lab::start().await.unwrap();
    let assertion = URL_SAFE_NO_PAD.encode(assertion_of(&lab, "alice").await);
    let form = [
        ("grant_type", SAML1_BEARER),
        ("assertion", assertion.as_str()),
        ("client_id", CLIENT_ID),
        ("scope", "User.Read"),
    ];
    let reply = post_form(&lab, "/organizations/oauth2/v2.0/token", &form).await;
    assert_eq!(reply.status, 200);
    // Nothing that was not asked for.
    let tokens = reply.json();
    for absent in ["id_token", "refresh_token", "client_info"] {
        assert!(tokens.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_changed_assertion_is_worth_nothing() {
    let lab = Lab::start().await.unwrap();
    let assertion = assertion_of(&lab, "alice").await;
    let (alice, carol) = (user("alice").unwrap(), user("carol").unwrap());
    for changed in [
        assertion.replace(alice.immutable_id, carol.immutable_id),
        assertion.replace("insidecorporatenetwork", "insidecorporatenetworks"),
        assertion.replacen("NotOnOrAfter=\"2", "NotOnOrAfter=\"3", 1),
        assertion.replace("<saml:AttributeStatement>", "<saml:AttributeStatement> "),
    ] {
        assert_ne!(changed, assertion);
        assert_eq!(refusal(&lab, SAML1_BEARER, &changed).await, 50008);
    }
    let other = assertion.replace("http://sts.contoso.test/", "http://sts.evil.test/");
    assert_eq!(refusal(&lab, SAML1_BEARER, &other).await, 50107);
    assert_eq!(refusal(&lab, SAML1_BEARER, "").await, 900144);
    assert_eq!(refusal(&lab, SAML1_BEARER, "rubbish").await, 50008);
}

/// The signed assertion stays whole, but another one stands where a careless reader looks first.
#[tokio::test]
async fn a_wrapped_assertion_is_worth_nothing() {
    let lab = Lab::start().await.unwrap();
    let signed = assertion_of(&lab, "alice").await;
    let carol = user("carol").unwrap();
    let forged = signed
        .replace(user("alice").unwrap().immutable_id, carol.immutable_id)
        .replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>"));
    assert_eq!(refusal(&lab, SAML1_BEARER, &forged).await, 50008);
}

#[tokio::test]
async fn an_assertion_of_one_lab_is_worth_nothing_without_its_key() {
    let lab = Lab::builder()
        .scenario("saml-signing-key-unknown")
        .start()
        .await
        .unwrap();
    let assertion = assertion_of(&lab, "alice").await;
    assert_eq!(refusal(&lab, SAML1_BEARER, &assertion).await, 50008);
}

#[tokio::test]
async fn the_grant_must_fit_the_version() {
    let lab = Lab::start().await.unwrap();
    let assertion = assertion_of(&lab, "alice").await;
    assert_eq!(refusal(&lab, SAML2_BEARER, &assertion).await, 7500514);

    let lab = Lab::builder().scenario("saml2").start().await.unwrap();
    let assertion = assertion_of(&lab, "alice").await;
    assert_eq!(redeem(&lab, SAML2_BEARER, &assertion).await.status, 200);
    assert_eq!(refusal(&lab, SAML1_BEARER, &assertion).await, 7500514);
}

#[tokio::test]
async fn an_assertion_from_a_wrong_clock_is_not_valid_yet() {
    let lab = Lab::builder()
        .scenario("wrong-clock")
        .start()
        .await
        .unwrap();
    let security = "<o:Security xmlns:o=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-\
                    wssecurity-secext-1.0.xsd\"><o:UsernameToken><o:Username>alice@contoso.test\
                    </o:Username><o:Password>Alice-Passw0rd</o:Password></o:UsernameToken>\
                    </o:Security>";
    let path = "/adfs/services/trust/13/usernamemixed";
    let mut connection = Connection::open(&lab, STS).await;
    let reply = connection
        .send(Method::POST, path, &[SOAP], rst(TRUST_13, security))
        .await;
    let assertion = assertion_in(reply.text());
    assert_eq!(refusal(&lab, SAML1_BEARER, &assertion).await, 500133);
}

/// AD FS issues for two clouds; an assertion for the other one is nothing to this Entra.
#[tokio::test]
async fn an_assertion_for_another_cloud_is_worth_nothing() {
    let lab = Lab::start().await.unwrap();
    let elsewhere = "urn:federation:partner.microsoftonline.cn";
    let request = rst(TRUST_13, "").replace("urn:federation:MicrosoftOnline", elsewhere);
    let ticket = Ticket::of(&lab, "alice", STS);
    let reply = Connection::open(&lab, STS)
        .await
        .negotiate(&ticket, WINDOWS_13, &request)
        .await;
    let assertion = assertion_in(reply.text());
    assert!(assertion.contains(elsewhere));
    assert_eq!(refusal(&lab, SAML1_BEARER, &assertion).await, 50010);
}

#[tokio::test]
async fn users_are_looked_up_by_immutable_id() {
    let lab = Lab::start().await.unwrap();
    for (name, code) in [("grace", 51004), ("frank", 50057), ("mallory", 5000819)] {
        let assertion = assertion_of(&lab, name).await;
        assert_eq!(
            refusal(&lab, SAML1_BEARER, &assertion).await,
            code,
            "{name}"
        );
    }
}
