//! The sign-in pages of Entra, as a browser meets them.

use silentry_lab::{Lab, Page, Person, user};

use crate::services::client::claims;
use crate::services::code::{authorize, code, redeem};

fn person(name: &str) -> Person {
    Person::new(user(name).unwrap())
}

async fn error_at(page: &Page) -> (String, String) {
    let parameter = |name| {
        page.parameter(name)
            .unwrap_or_else(|| panic!("{}", page.url))
    };
    (parameter("error"), parameter("error_description"))
}

/// Nothing may be sent to a place that is not known to be the client's.
#[tokio::test]
async fn a_client_that_is_not_known_gets_nothing() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    for (change, code) in [
        (("redirect_uri", "https://evil.test/"), "AADSTS50011:"),
        (
            ("redirect_uri", "http://localhost.evil.test:1"),
            "AADSTS50011:",
        ),
        (("redirect_uri", ""), "AADSTS500113:"),
        (
            ("client_id", "00000000-0000-0000-0000-000000000000"),
            "AADSTS700016:",
        ),
        (("client_id", ""), "AADSTS900144:"),
    ] {
        let page = browser.open(&authorize(&[change])).await.unwrap();
        assert_eq!(page.status, 400);
        assert!(
            page.problem().unwrap().starts_with(code),
            "{:?}",
            page.problem()
        );
        assert!(page.forms.is_empty());
    }
}

#[tokio::test]
async fn a_wrong_request_comes_back_with_its_state() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    for (change, error, code) in [
        (("response_type", ""), "invalid_request", "AADSTS900144: "),
        (
            ("response_type", "token"),
            "unsupported_response_type",
            "AADSTS70005: ",
        ),
        (("scope", ""), "invalid_request", "AADSTS900144: "),
        (
            ("scope", "https://nowhere.test/x"),
            "invalid_resource",
            "AADSTS500011: ",
        ),
        (("code_challenge", ""), "invalid_request", "AADSTS9002325: "),
        (
            ("code_challenge", "short"),
            "invalid_request",
            "AADSTS501491: ",
        ),
        (
            ("code_challenge_method", "S1"),
            "invalid_request",
            "AADSTS501491: ",
        ),
        (("prompt", "dance"), "invalid_request", "AADSTS90023: "),
        (
            ("response_mode", "pigeon"),
            "invalid_request",
            "AADSTS70007: ",
        ),
    ] {
        let page = browser.open(&authorize(&[change])).await.unwrap();
        let (found, description) = error_at(&page).await;
        assert_eq!(found, error, "{change:?}");
        assert!(description.starts_with(code), "{description}");
        assert_eq!(page.parameter("state").as_deref(), Some("s 1&"));
    }
}

#[tokio::test]
async fn mistakes_are_told_on_the_page() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let alice = person("alice").with_password("wrong");
    for (person, words) in [
        (alice, "Your account or password is incorrect."),
        (person("grace"), "This username may be incorrect."),
        (person("frank"), "Your account has been locked"),
        (
            person("carol").with_mfa_code("000000"),
            "You didn't enter the expected",
        ),
    ] {
        let page = browser.sign_in(&authorize(&[]), &person).await.unwrap();
        assert!(
            page.problem().unwrap().starts_with(words),
            "{:?}",
            page.problem()
        );
        // The form is still there, for another try.
        assert_eq!(page.forms.len(), 1);
    }
    let judy = code(&mut browser, "judy", &[]).await;
    assert_eq!(redeem(&lab, &judy, &[]).await.status, 200);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let code = code(&mut browser, "carol", &[]).await;
    let tokens = redeem(&lab, &code, &[]).await.json();
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["amr"], serde_json::json!(["pwd", "mfa"]));
    let again = browser.open(&authorize(&[])).await.unwrap();
    assert!(again.parameter("code").is_some());
}

#[tokio::test]
async fn consent_is_given_or_refused() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let dave = person("dave");
    let page = browser
        .sign_in(&authorize(&[]), &dave.clone().refusing_consent())
        .await
        .unwrap();
    let (error, description) = error_at(&page).await;
    assert_eq!(error, "access_denied");
    assert!(description.starts_with("AADSTS65004: "));

    browser.sign_in(&authorize(&[]), &dave).await.unwrap();
    // It is remembered, but may be asked for again.
    let page = browser.open(&authorize(&[])).await.unwrap();
    assert!(page.parameter("code").is_some());
    let page = browser
        .open(&authorize(&[("prompt", "consent")]))
        .await
        .unwrap();
    assert!(page.has_element("appName"));
}

#[tokio::test]
async fn a_user_may_cancel() {
    let lab = Lab::start().await.unwrap();
    let alice = person("alice").cancelling();
    let page = lab
        .browser()
        .unwrap()
        .sign_in(&authorize(&[]), &alice)
        .await
        .unwrap();
    assert_eq!(error_at(&page).await.0, "access_denied");
    assert_eq!(page.parameter("error_subcode").as_deref(), Some("cancel"));
}

#[tokio::test]
async fn prompt_none_shows_no_page() {
    let lab = Lab::start().await.unwrap();
    let silent = authorize(&[("prompt", "none")]);
    let mut browser = lab.browser().unwrap();
    let error = async |browser: &mut silentry_lab::Browser| {
        error_at(&browser.open(&silent).await.unwrap()).await.0
    };
    assert_eq!(error(&mut browser).await, "login_required");
    code(&mut browser, "alice", &[]).await;
    let page = browser.open(&silent).await.unwrap();
    assert!(page.parameter("code").is_some());
    // Two accounts, and no hint which of them is meant.
    code(&mut browser, "bob", &[("prompt", "login")]).await;
    assert_eq!(error(&mut browser).await, "interaction_required");
    let hinted = authorize(&[("prompt", "none"), ("login_hint", "bob@managed.test")]);
    let page = browser.open(&hinted).await.unwrap();
    assert!(page.parameter("code").is_some());
    let demand = "{\"access_token\":{\"acrs\":{\"essential\":true,\"value\":\"c1\"}}}";
    let demanding = format!("{hinted}&claims={demand}");
    let page = browser.open(&demanding).await.unwrap();
    assert_eq!(error_at(&page).await.0, "interaction_required");
}

#[tokio::test]
async fn hints_and_prompts_choose_the_page() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let alice = ("login_hint", "alice@contoso.test");
    let page = browser.open(&authorize(&[alice])).await.unwrap();
    assert!(
        page.has_element("i0118"),
        "the password is asked for at once"
    );
    let stranger = ("login_hint", "who@contoso.test");
    let page = browser.open(&authorize(&[stranger])).await.unwrap();
    let typed = &page.forms[0].fields[1];
    assert_eq!(
        (typed.id.as_str(), typed.value.as_str()),
        ("i0116", "who@contoso.test")
    );

    code(&mut browser, "alice", &[]).await;
    let page = browser
        .open(&authorize(&[("prompt", "login"), alice]))
        .await
        .unwrap();
    assert!(page.has_element("i0118"));
    let page = browser
        .open(&authorize(&[("prompt", "select_account")]))
        .await
        .unwrap();
    let tiles = &page.forms[0].buttons;
    assert_eq!(tiles[0].value, "alice@contoso.test");
    assert_eq!(tiles[1].id, "otherTile");
    // The session's account is not of the domain that is meant.
    let page = browser
        .open(&authorize(&[("domain_hint", "managed.test")]))
        .await
        .unwrap();
    assert!(page.parameter("code").is_none());
    // Another account beside the first.
    let page = browser
        .sign_in(&authorize(&[("prompt", "select_account")]), &person("bob"))
        .await
        .unwrap();
    assert!(page.parameter("code").is_some());
}

#[tokio::test]
async fn scenarios_send_the_browser_back_at_once_or_never() {
    for (scenario, error) in [
        ("authorize-denied", "access_denied"),
        ("authorize-unavailable", "temporarily_unavailable"),
    ] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let page = lab.browser().unwrap().open(&authorize(&[])).await.unwrap();
        assert_eq!(error_at(&page).await.0, error);
    }
    let lab = Lab::builder()
        .scenario("authorize-error-page")
        .start()
        .await
        .unwrap();
    let page = lab.browser().unwrap().open(&authorize(&[])).await.unwrap();
    assert!(page.problem().is_some() && page.url.starts_with("https://login."));

    let lab = Lab::builder()
        .scenario("authorize-other-state")
        .start()
        .await
        .unwrap();
    let mut browser = lab.browser().unwrap();
    let page = browser
        .sign_in(&authorize(&[]), &person("alice"))
        .await
        .unwrap();
    assert!(page.parameter("code").is_some());
    assert_ne!(page.parameter("state").as_deref(), Some("s 1&"));

    let lab = Lab::builder()
        .scenario("authorize-other-nonce")
        .start()
        .await
        .unwrap();
    let code = code(&mut lab.browser().unwrap(), "alice", &[]).await;
    let tokens = redeem(&lab, &code, &[]).await.json();
    assert_ne!(claims(tokens["id_token"].as_str().unwrap())["nonce"], "n-1");
}

#[tokio::test]
async fn a_page_of_yesterday_is_of_no_use() {
    let lab = Lab::start().await.unwrap();
    let mut browser = lab.browser().unwrap();
    let page = browser.open(&authorize(&[])).await.unwrap();
    let form = &page.forms[0];
    let page = browser
        .submit(&page, form, &[("ctx", "forged")], None)
        .await
        .unwrap();
    assert!(page.problem().unwrap().starts_with("AADSTS50089: "));
}
