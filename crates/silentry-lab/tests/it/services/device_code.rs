//! Device codes of Entra.

use std::time::{Duration, Instant};

use serde_json::Value;
use silentry_lab::{CLIENT_ID, Lab, Person, user};

use crate::services::client::{Response, claims, post_form};

const PAGE: &str = "https://microsoft.com/devicelogin";
const CODES: &str = "/organizations/oauth2/v2.0/devicecode";
const TOKEN: &str = "/organizations/oauth2/v2.0/token";
const URN: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(lab: &Lab, path: &str) -> Value {
    let form = [
        ("client_id", CLIENT_ID),
        ("scope", "User.Read openid profile offline_access"),
    ];
    let reply = post_form(lab, path, &form).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

async fn poll(lab: &Lab, grant: &str, codes: &Value) -> Response {
    let form = [
        ("grant_type", grant),
        ("client_id", CLIENT_ID),
        ("device_code", codes["device_code"].as_str().unwrap()),
        ("client_info", "1"),
    ];
    post_form(lab, TOKEN, &form).await
}

fn error(reply: &Response) -> (u16, String, u64) {
    let body = reply.json();
    let text = body["error"].as_str().unwrap_or_default().to_owned();
    (reply.status, text, body["error_codes"][0].as_u64().unwrap())
}

fn alice(codes: &Value) -> Person {
    Person::new(user("alice").unwrap()).with_user_code(codes["user_code"].as_str().unwrap())
}

#[tokio::test]
async fn a_code_that_is_typed_elsewhere_buys_tokens_here() {
    let lab = Lab::start().await.unwrap();
    // MSAL Python and Java use one name of the grant, the others the other.
    for grant in [URN, "device_code"] {
        let codes = begin(&lab, CODES).await;
        assert_eq!(codes["verification_uri"], PAGE);
        assert_eq!(
            (&codes["expires_in"], &codes["interval"]),
            (&900.into(), &5.into())
        );
        let code = codes["user_code"].as_str().unwrap();
        assert!(codes["message"].as_str().unwrap().contains(code));
        let pending = poll(&lab, grant, &codes).await;
        assert_eq!(
            error(&pending),
            (400, "authorization_pending".to_owned(), 70016)
        );
        assert_eq!(pending.header("x-ms-clitelem"), "1,70016,0,,");

        let page = lab
            .browser()
            .unwrap()
            .sign_in(PAGE, &alice(&codes))
            .await
            .unwrap();
        assert!(page.text.contains("You have signed in"), "{}", page.text);
        let tokens = poll(&lab, grant, &codes).await.json();
        assert!(tokens["client_info"].is_string() && tokens["refresh_token"].is_string());
        let access = claims(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["upn"], "alice@contoso.test");
        assert_eq!(
            error(&poll(&lab, grant, &codes).await).1,
            "bad_verification_code"
        );
    }
}

#[tokio::test]
async fn polls_are_answered_under_the_id_of_the_first_request() {
    let lab = Lab::start().await.unwrap();
    let id = "8cab3f9c-f9d3-4a46-bbf6-08ac1eb5d1d6";
    let codes = begin(&lab, &format!("{CODES}?client-request-id={id}")).await;
    let reply = poll(&lab, URN, &codes).await;
    assert_eq!(reply.header("client-request-id"), id);
    assert_eq!(reply.json()["correlation_id"], id);
}

#[tokio::test]
async fn the_old_endpoint_has_names_of_its_own() {
    let lab = Lab::start().await.unwrap();
    let path = "/common/oauth2/devicecode?api-version=1.0&mkt=de-DE";
    let codes = begin(&lab, path).await;
    assert_eq!(codes["verification_url"], PAGE);
    assert!(codes.get("verification_uri").is_none());
    assert_eq!(
        (&codes["expires_in"], &codes["interval"]),
        (&"900".into(), &"5".into())
    );
    assert!(
        codes["message"]
            .as_str()
            .unwrap()
            .starts_with("Verwenden Sie")
    );
}

#[tokio::test]
async fn the_user_may_decline_and_mistype() {
    let lab = Lab::start().await.unwrap();
    let codes = begin(&lab, CODES).await;
    let mut browser = lab.browser().unwrap();
    let wrong = alice(&codes).with_user_code("WRONG");
    let page = browser.sign_in(PAGE, &wrong).await.unwrap();
    assert!(
        page.problem()
            .unwrap()
            .starts_with("That code didn't work.")
    );
    browser
        .sign_in(PAGE, &alice(&codes).cancelling())
        .await
        .unwrap();
    assert_eq!(
        error(&poll(&lab, URN, &codes).await).1,
        "authorization_declined"
    );
}

#[tokio::test]
async fn codes_are_for_known_clients_and_scopes() {
    let lab = Lab::start().await.unwrap();
    let form = [
        ("client_id", CLIENT_ID),
        ("scope", "https://nowhere.test/x"),
    ];
    assert_eq!(error(&post_form(&lab, CODES, &form).await).2, 500011);
    let form = [("scope", "openid")];
    assert_eq!(error(&post_form(&lab, CODES, &form).await).2, 900144);
    let codes = serde_json::json!({"device_code": "forged"});
    assert_eq!(error(&poll(&lab, URN, &codes).await).2, 70018);
}

#[tokio::test]
async fn scenarios_end_at_the_second_poll() {
    for (scenario, expected) in [
        ("device-expired", (400, "expired_token", 70020)),
        ("device-declined", (400, "authorization_declined", 70018)),
        ("device-blocked", (400, "invalid_grant", 53003)),
    ] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let codes = begin(&lab, CODES).await;
        assert_eq!(codes["interval"], 1);
        assert_eq!(
            error(&poll(&lab, URN, &codes).await).1,
            "authorization_pending"
        );
        let (status, code, number) = error(&poll(&lab, URN, &codes).await);
        assert_eq!((status, code.as_str(), number), expected, "{scenario}");
    }
    let lab = Lab::builder()
        .scenario("device-bad-code")
        .start()
        .await
        .unwrap();
    let codes = begin(&lab, CODES).await;
    assert_eq!(
        error(&poll(&lab, URN, &codes).await).1,
        "bad_verification_code"
    );
    let lab = Lab::builder()
        .scenario("device-html")
        .start()
        .await
        .unwrap();
    let reply = post_form(&lab, CODES, &[("client_id", CLIENT_ID)]).await;
    assert_eq!(
        (reply.status, reply.text().starts_with("<!DOCTYPE html>")),
        (200, true)
    );
}

#[tokio::test]
async fn who_slows_down_is_served() {
    let lab = Lab::builder()
        .scenario("device-slow-down")
        .start()
        .await
        .unwrap();
    let codes = begin(&lab, CODES).await;
    assert_eq!(error(&poll(&lab, URN, &codes).await).1, "slow_down");
    let told = Instant::now();
    lab.browser()
        .unwrap()
        .sign_in(PAGE, &alice(&codes))
        .await
        .unwrap();
    // The interval of a second has become one of six.
    let wait = Duration::from_secs(6).saturating_sub(told.elapsed());
    tokio::time::sleep(wait).await;
    assert_eq!(poll(&lab, URN, &codes).await.status, 200);
}
