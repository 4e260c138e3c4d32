//! Claims challenges, long-lived tokens, and refreshes that fail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::{Value, json};
use silentry_lab::{CLIENT_ID, Lab};

use crate::services::client::{Connection, Response, claims, post_form};
use crate::services::code::{TOKEN, code, redeem};

const CP1: &str = "{\"access_token\":{\"xms_cc\":{\"values\":[\"cp1\"]}}}";
const API: [(&str, &str); 1] = [(
    "scope",
    "https://api.contoso.test/user_impersonation offline_access openid",
)];

async fn lab(scenario: &str) -> Lab {
    Lab::builder().scenario(scenario).start().await.unwrap()
}

async fn sign_in(lab: &Lab, claims: &str) -> Value {
    let code = code(&mut lab.browser().unwrap(), "alice", &API).await;
    let reply = redeem(lab, &code, &[("claims", claims)]).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn refresh(lab: &Lab, tokens: &Value, claims: &str) -> Response {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
        ("client_id", CLIENT_ID),
        API[0],
        ("claims", claims),
    ];
    post_form(lab, TOKEN, &form).await
}

async fn call(lab: &Lab, tokens: &Value) -> Response {
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    Connection::open(lab, "api.contoso.test")
        .await
        .send(Method::GET, "/", &[("authorization", &token)], "")
        .await
}

/// Returns the claims that the API demands.
fn challenge(reply: &Response) -> String {
    assert_eq!(reply.status, 401);
    let header = reply.header("www-authenticate");
    assert!(header.contains("error=\"insufficient_claims\""), "{header}");
    let encoded = header
        .split("claims=\"")
        .nth(1)
        .unwrap()
        .trim_end_matches('"');
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

#[tokio::test]
async fn who_handles_challenges_gets_long_lived_tokens() {
    let lab = lab("default").await;
    let tokens = sign_in(&lab, CP1).await;
    assert_eq!(
        (&tokens["expires_in"], &tokens["refresh_in"]),
        (&86399.into(), &43199.into())
    );
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["xms_cc"], json!(["cp1"]));
    let usual = sign_in(&lab, "None").await;
    assert_eq!(usual["expires_in"], 4599);
    assert!(usual.get("refresh_in").is_none());
}

#[tokio::test]
async fn a_token_that_was_taken_back_is_replaced_with_claims() {
    let lab = lab("cae").await;
    let tokens = sign_in(&lab, CP1).await;
    let demand: Value = serde_json::from_str(&challenge(&call(&lab, &tokens).await)).unwrap();
    // Asking anew is not enough: the claims must travel.
    let stubborn = refresh(&lab, &tokens, CP1).await.json();
    challenge(&call(&lab, &stubborn).await);
    let mut merged: Value = serde_json::from_str(CP1).unwrap();
    merged["access_token"]["nbf"] = demand["access_token"]["nbf"].clone();
    let renewed = refresh(&lab, &tokens, &merged.to_string()).await.json();
    assert_eq!(call(&lab, &renewed).await.status, 200);
    // A client that does not handle challenges meets none.
    let simple = sign_in(&lab, "").await;
    assert_eq!(call(&lab, &simple).await.status, 200);
}

#[tokio::test]
async fn an_authentication_context_takes_the_user() {
    let lab = lab("auth-context").await;
    let tokens = sign_in(&lab, "").await;
    let demand = challenge(&call(&lab, &tokens).await);
    let refused = refresh(&lab, &tokens, &demand).await.json();
    assert_eq!(refused["error_codes"][0], 50076);
    let passed_on = refused["claims"].as_str().unwrap();

    let mut browser = lab.browser().unwrap();
    let code = code(&mut browser, "alice", &[API[0], ("claims", passed_on)]).await;
    let reply = redeem(&lab, &code, &[("claims", passed_on)]).await;
    let stepped_up = reply.json();
    assert_eq!(call(&lab, &stepped_up).await.status, 200);
}

#[tokio::test]
async fn refreshes_fail_as_the_scenario_says() {
    for (scenario, number, suberror) in [
        ("refresh-revoked", 50173, Some("bad_token")),
        ("refresh-expired", 70008, None),
        ("refresh-inactive", 700082, Some("token_expired")),
        ("refresh-mfa", 50076, Some("basic_action")),
        ("refresh-client-mismatch", 700005, Some("client_mismatch")),
    ] {
        let lab = lab(scenario).await;
        let tokens = sign_in(&lab, "").await;
        let error = refresh(&lab, &tokens, "").await.json();
        assert_eq!(error["error"], "invalid_grant", "{scenario}");
        assert_eq!(error["error_codes"][0], number, "{scenario}");
        assert_eq!(error.get("suberror").and_then(Value::as_str), suberror);
        assert_eq!(error.get("claims").is_some(), scenario == "refresh-mfa");
    }
}

#[tokio::test]
async fn lifetimes_are_what_the_scenario_says() {
    let short = sign_in(&lab("token-expires-soon").await, "").await;
    assert_eq!(short["expires_in"], 299);
    let renewed = sign_in(&lab("token-refresh-soon").await, "").await;
    assert_eq!(
        (&renewed["expires_in"], &renewed["refresh_in"]),
        (&4599.into(), &1.into())
    );
}

#[tokio::test]
async fn throttling_may_end_at_a_date_and_html_is_no_token() {
    let form = [("grant_type", "password")];
    let reply = post_form(&lab("token-429-date").await, TOKEN, &form).await;
    assert_eq!(reply.status, 429);
    let rfc2822 = &time::format_description::well_known::Rfc2822;
    assert!(time::OffsetDateTime::parse(reply.header("retry-after"), rfc2822).is_ok());
    let reply = post_form(&lab("token-html").await, TOKEN, &form).await;
    assert_eq!(
        (reply.status, reply.text().starts_with("<!DOCTYPE html>")),
        (200, true)
    );
}
