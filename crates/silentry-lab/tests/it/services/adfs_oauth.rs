//! The OAuth 2.0 side of AD FS.

use hyper::Method;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::Value;
use silentry_lab::{CLIENT_ID, Lab, Person, user};

use crate::services::client::{Connection, Response, STS, Ticket, claims, get, post_form_to};
use crate::services::code::{CALLBACK, CHALLENGE, VERIFIER};

const TOKEN: &str = "/adfs/oauth2/token/";
const SCOPE: &str = "https://api.contoso.test/user_impersonation openid offline_access";

fn authorize(endpoint: &str, changes: &[(&str, &str)]) -> String {
    let usual = [
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", SCOPE),
        ("state", "s"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual
        .iter()
        .filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept.chain(changes))
        .finish();
    format!("https://{STS}{endpoint}?{query}")
}

async fn token(lab: &Lab, form: &[(&str, &str)]) -> Response {
    let mut form = form.to_vec();
    form.push(("client_id", CLIENT_ID));
    post_form_to(lab, STS, TOKEN, &form).await
}

async fn redeem(lab: &Lab, code: &str, verifier: &str) -> Response {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", verifier),
    ];
    token(lab, &form).await
}

async fn api_status(lab: &Lab, tokens: &Value) -> u16 {
    let token = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    Connection::open(lab, "api.contoso.test")
        .await
        .send(Method::GET, "/", &[("authorization", &token)], "")
        .await
        .status
}

#[tokio::test]
async fn it_says_where_everything_is() {
    let lab = Lab::start().await.unwrap();
    let document = get(&lab, STS, "/adfs/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(document["issuer"], "https://sts.contoso.test/adfs");
    for (member, end) in [
        ("authorization_endpoint", "/adfs/oauth2/authorize/"),
        ("token_endpoint", "/adfs/oauth2/token/"),
        ("device_authorization_endpoint", "/adfs/oauth2/devicecode"),
        ("jwks_uri", "/adfs/discovery/keys"),
    ] {
        assert_eq!(document[member], format!("https://{STS}{end}"));
    }
    let finger = get(
        &lab,
        STS,
        "/.well-known/webfinger?rel=x&resource=https://sts",
    )
    .await;
    assert_eq!(finger.json()["links"][0]["href"], format!("https://{STS}"));
}

#[tokio::test]
async fn a_code_buys_tokens_once_and_for_its_verifier() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let url = authorize("/adfs/oauth2/authorize/", &[]);
    let wrong = Person::new(user("alice").unwrap()).with_password("wrong");
    let page = browser.sign_in(&url, &wrong).await.unwrap();
    assert!(
        page.problem()
            .unwrap()
            .starts_with("Incorrect user ID or password.")
    );
    let alice = Person::new(user("alice").unwrap());
    let page = browser.sign_in(&url, &alice).await.unwrap();
    assert_eq!(page.parameter("state").as_deref(), Some("s"));
    let code = page.parameter("code").unwrap();
    let tokens = redeem(&lab, &code, VERIFIER).await.json();
    assert!(tokens.get("client_info").is_none() && tokens.get("foci").is_none());
    assert_eq!(tokens["token_type"], "bearer");
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&id["nonce"], &id["upn"]),
        (&"n-1".into(), &"alice@contoso.test".into())
    );
    assert_eq!(id["iss"], "https://sts.contoso.test/adfs");
    assert_eq!(api_status(&lab, &tokens).await, 200);

    // The browser is known now. A code is spent by any try.
    let code = browser.open(&url).await.unwrap().parameter("code").unwrap();
    for verifier in [CHALLENGE, VERIFIER] {
        let error = redeem(&lab, &code, verifier).await.json();
        assert_eq!(error["error"], "invalid_grant");
        assert!(
            error["error_description"]
                .as_str()
                .unwrap()
                .starts_with("MSIS9612:")
        );
        assert_eq!(error.as_object().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn tokens_verify_under_the_published_key() {
    let lab = Lab::start().await.unwrap();
    let keys = get(&lab, STS, "/adfs/discovery/keys").await.json();
    let form = [
        ("grant_type", "password"),
        ("username", "CONTOSO\\alice"),
        ("password", "Alice-Passw0rd"),
        ("scope", SCOPE),
    ];
    let tokens = token(&lab, &form).await.json();
    let decode = |text: &str| {
        base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, text).unwrap()
    };
    let part = |name: &str| decode(keys["keys"][0][name].as_str().unwrap());
    let public = RsaPublicKeyComponents {
        n: part("n"),
        e: part("e"),
    };
    for name in ["access_token", "id_token"] {
        let (signed, signature) = tokens[name].as_str().unwrap().rsplit_once('.').unwrap();
        let verified = public.verify(
            &RSA_PKCS1_2048_8192_SHA256,
            signed.as_bytes(),
            &decode(signature),
        );
        assert!(verified.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn refusals_are_a_word_and_a_sentence() {
    let lab = Lab::start().await.unwrap();
    let bob = ("username", "bob@managed.test");
    for (form, error, text) in [
        (
            vec![("grant_type", "password"), bob, ("password", "x")],
            "invalid_grant",
            "MSIS9659:",
        ),
        (
            vec![("grant_type", "telepathy")],
            "unsupported_grant_type",
            "MSIS9611:",
        ),
        (
            vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
            "invalid_grant",
            "MSIS9615:",
        ),
        (
            vec![
                ("grant_type", "password"),
                bob,
                ("password", "x"),
                ("resource", "https://no.test"),
            ],
            "invalid_resource",
            "MSIS9602:",
        ),
        (vec![], "invalid_request", "MSIS9609:"),
    ] {
        let reply = token(&lab, &form).await;
        assert_eq!(reply.status, 400, "{form:?}");
        assert_eq!(reply.json()["error"], error, "{form:?}");
        let description = reply.json()["error_description"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(description.starts_with(text), "{description}");
    }
    let mut browser = lab.browser().unwrap();
    for (change, text) in [
        (("redirect_uri", "https://evil.test"), "MSIS9224:"),
        (("client_id", "nobody"), "MSIS9223:"),
    ] {
        let url = authorize("/adfs/oauth2/authorize", &[change]);
        let page = browser.open(&url).await.unwrap();
        assert!(
            page.problem().unwrap().starts_with(text),
            "{:?}",
            page.problem()
        );
    }
    let silent = authorize("/adfs/oauth2/authorize", &[("prompt", "none")]);
    let page = browser.open(&silent).await.unwrap();
    assert_eq!(
        page.parameter("error").as_deref(),
        Some("interaction_required")
    );
}

#[tokio::test]
async fn a_refresh_gives_no_new_refresh_token() {
    let lab = Lab::start().await.unwrap();
    let form = [
        ("grant_type", "password"),
        ("username", "alice@contoso.test"),
        ("password", "Alice-Passw0rd"),
        ("resource", "https://api.contoso.test"),
    ];
    let tokens = token(&lab, &form).await.json();
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
    ];
    let renewed = token(&lab, &form).await.json();
    assert!(renewed.get("refresh_token").is_none());
    assert_eq!(api_status(&lab, &renewed).await, 200);
}

#[tokio::test]
async fn a_device_code_is_typed_at_adfs_itself() {
    let lab = Lab::start().await.unwrap();
    let form = [("client_id", CLIENT_ID), ("scope", SCOPE)];
    let codes = post_form_to(&lab, STS, "/adfs/oauth2/devicecode", &form)
        .await
        .json();
    let poll = async || {
        let device_code = ("device_code", codes["device_code"].as_str().unwrap());
        token(&lab, &[("grant_type", "device_code"), device_code]).await
    };
    assert_eq!(poll().await.json()["error"], "authorization_pending");
    let alice = Person::new(user("alice").unwrap());
    let alice = alice.with_user_code(codes["user_code"].as_str().unwrap());
    let page = codes["verification_uri"].as_str().unwrap();
    lab.browser().unwrap().sign_in(page, &alice).await.unwrap();
    let tokens = poll().await.json();
    assert_eq!(api_status(&lab, &tokens).await, 200);
    assert_eq!(poll().await.json()["error"], "invalid_grant");
}

/// The ticket of the signed-in user in place of a page.
#[tokio::test]
async fn windows_integrated_authentication_needs_no_page() {
    let lab = Lab::start().await.unwrap();
    let url = authorize(
        "/adfs/oauth2/authorize",
        &[("prompt", "none"), ("amr_values", "wia")],
    );
    let mut connection = Connection::open(&lab, STS).await;
    let path = url.strip_prefix("https://sts.contoso.test").unwrap();
    let reply = connection.send(Method::GET, path, &[], "").await;
    assert_eq!(reply.status, 302);
    let path = reply.header("location").to_owned();
    let challenge = connection.send(Method::GET, &path, &[], "").await;
    assert_eq!(challenge.status, 401);
    let token = Ticket::of(&lab, "alice", STS)
        .token(Some(&connection.leaf))
        .1;
    let headers = [("authorization", token.as_str())];
    let reply = connection.send(Method::GET, &path, &headers, "").await;
    assert_eq!(reply.status, 302);
    let location = reply.header("location");
    assert!(
        location.starts_with("http://localhost:1?code="),
        "{location}"
    );
    let code = location
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let tokens = redeem(&lab, code, VERIFIER).await.json();
    assert_eq!(api_status(&lab, &tokens).await, 200);
}
