//! An AD FS asked for tokens of its own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use silentry::Secret;
use silentry::cache::store::{StoreError, StoreVersion, TokenStore};
use silentry::{Account, PublicClientApplication, TokenCache, TokenSource};
use silentry_lab::{FEDERATION_HOST, Lab, Person, user};

use crate::authority::{alice, asked, builder, lab};
use crate::testdata::testdata;

const AUTHORITY: &str = "https://sts.contoso.test/adfs";
const SCOPES: [&str; 1] = ["https://api.contoso.test/user_impersonation"];

fn app(lab: &Lab) -> PublicClientApplication {
    builder(lab).with_authority(AUTHORITY).build().unwrap()
}

/// A cache whose text a test can look at.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<String>>);

impl TokenStore for Text {
    fn read(&self, _: Option<&StoreVersion>) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        let text = self.0.lock().unwrap();
        Ok(Some((
            Secret::from(text.as_str()),
            StoreVersion::new(text.as_bytes()),
        )))
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        let mut text = self.0.lock().unwrap();
        if let Some(changed) = change(&Secret::from(text.as_str())) {
            *text = changed.expose().to_owned();
        }
        Ok(StoreVersion::new(text.as_bytes()))
    }

    fn set_aside(&self, _: &StoreVersion) -> Result<Option<String>, StoreError> {
        panic!("the cache is not damaged")
    }
}

/// Whoever signed in is served from the cache, and by the refresh token.
async fn is_served_silently(lab: &Lab, app: &PublicClientApplication, account: &Account) {
    let from = lab.exchanges().len();
    let hit = app.acquire_token_silent(SCOPES, account).await.unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);
    assert_eq!(asked(lab, from), [""; 0]);
    let renewed = app
        .acquire_token_silent(SCOPES, account)
        .with_force_refresh(true)
        .await
        .unwrap();
    assert_eq!(renewed.token_source(), TokenSource::IdentityProvider);
    assert_eq!(renewed.account(), account);
    assert_eq!(asked(lab, from), ["token sts.contoso.test"]);
    assert_eq!(app.accounts().await.unwrap(), std::slice::from_ref(account));
}

#[tokio::test]
async fn a_password_goes_to_ad_fs_alone() {
    let lab = lab().await;
    let (alice, app) = (user("alice").unwrap(), app(&lab));
    for name in [alice.upn, "CONTOSO\\alice"] {
        let from = lab.exchanges().len();
        let password = Secret::from(alice.password);
        let token = app
            .acquire_token_by_username_password(SCOPES, name, password)
            .await
            .unwrap();
        assert_eq!(asked(&lab, from), ["token sts.contoso.test"]);
        assert_eq!(token.account().username(), alice.upn);
        assert_eq!(token.account().environment(), FEDERATION_HOST);
        assert_eq!(token.tenant_id(), None);
        is_served_silently(&lab, &app, token.account()).await;
    }
    let from = lab.exchanges().len();
    let error = app
        .acquire_token_by_username_password(SCOPES, alice.upn, Secret::from("wrong"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "invalid_grant");
    assert_eq!(asked(&lab, from), ["token sts.contoso.test"]);
    assert!(error.to_string().contains("MSIS9659"), "{error}");
    assert!(
        error.mitigation().contains("password"),
        "{}",
        error.mitigation()
    );
}

#[tokio::test]
async fn the_browser_signs_in_at_ad_fs() {
    let lab = lab().await;
    let app = app(&lab);
    let token = app
        .acquire_token_interactive(SCOPES)
        .with_browser(alice(&lab))
        .with_timeout(Duration::from_secs(20))
        .await
        .unwrap();
    assert_eq!(token.account().username(), "alice@contoso.test");
    is_served_silently(&lab, &app, token.account()).await;
}

#[tokio::test]
async fn a_device_code_of_ad_fs_is_entered_at_ad_fs() {
    let lab = lab().await;
    let app = app(&lab);
    let sign_in = app.begin_device_code(SCOPES).await.unwrap();
    let code = sign_in.code().clone();
    assert!(code.verification_uri().starts_with(AUTHORITY));
    let person = Person::new(user("alice").unwrap()).with_user_code(code.user_code());
    let mut browser = lab.browser().unwrap();
    browser
        .sign_in(code.verification_uri(), &person)
        .await
        .unwrap();
    let token = sign_in.await.unwrap();
    assert_eq!(token.account().username(), "alice@contoso.test");
    is_served_silently(&lab, &app, token.account()).await;
}

#[tokio::test]
async fn another_issuer_is_taken_from_ad_fs_by_its_document_alone() {
    let lab = Lab::builder()
        .scenario("adfs-other-issuer")
        .start()
        .await
        .unwrap();
    let (alice, app) = (user("alice").unwrap(), app(&lab));
    for expected in [
        &["token sts.contoso.test", "discovery sts.contoso.test"][..],
        &["token sts.contoso.test"],
    ] {
        let from = lab.exchanges().len();
        app.acquire_token_by_username_password(SCOPES, alice.upn, Secret::from(alice.password))
            .await
            .unwrap();
        assert_eq!(asked(&lab, from), expected);
    }
}

#[tokio::test]
async fn tokens_of_two_apis_are_told_apart() {
    let lab = lab().await;
    let (alice, app) = (user("alice").unwrap(), app(&lab));
    let mut tokens = Vec::new();
    for scope in [
        "https://api.contoso.test/openid",
        "https://graph.microsoft.com/openid",
    ] {
        let password = Secret::from(alice.password);
        let token = app
            .acquire_token_by_username_password([scope], alice.upn, password)
            .await
            .unwrap();
        tokens.push((scope, token));
    }
    let from = lab.exchanges().len();
    for (scope, token) in &tokens {
        let hit = app
            .acquire_token_silent([*scope], token.account())
            .await
            .unwrap();
        assert_eq!(hit.access_token(), token.access_token(), "{scope}");
    }
    assert_eq!(asked(&lab, from), [""; 0]);
}

#[tokio::test]
async fn an_answer_that_says_openid_of_every_token_is_found_again_for_its_api_alone() {
    let lab = Lab::builder().scenario("adfs-scope-openid").start();
    let lab = lab.await.unwrap();
    let (alice, app) = (user("alice").unwrap(), app(&lab));
    let sign_in = |scopes: &'static [&'static str]| {
        let password = Secret::from(alice.password);
        app.acquire_token_by_username_password(scopes.iter().copied(), alice.upn, password)
    };
    let api = sign_in(&SCOPES).await.unwrap();
    let account = api.account();
    is_served_silently(&lab, &app, account).await;
    let none = app.acquire_token_silent(["openid"], account).await.unwrap();
    assert_eq!(none.token_source(), TokenSource::IdentityProvider);
    let again = app.acquire_token_silent(["openid"], account).await.unwrap();
    assert_eq!(again.access_token(), none.access_token());
    let hit = app.acquire_token_silent(SCOPES, account).await.unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);
    assert_ne!(hit.access_token(), none.access_token());
    let other = app.acquire_token_silent(["https://graph.microsoft.com/openid"], account);
    let other = other.await.unwrap();
    assert_eq!(other.token_source(), TokenSource::IdentityProvider);
}

#[tokio::test]
async fn integrated_sign_in_is_refused_before_any_network_and_the_ladder_goes_on() {
    let lab = lab().await;
    let (alice, app) = (user("alice").unwrap(), app(&lab));
    let error = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "integrated_windows_authentication_failed");
    assert!(error.mitigation().contains("browser"));
    let of_tenant = app.acquire_token_by_username_password(SCOPES, alice.upn, Secret::from("x"));
    let error = of_tenant.with_tenant_id("contoso.test").await.unwrap_err();
    assert_eq!(error.code(), "tenant_override_non_aad");
    assert_eq!(asked(&lab, 0), [""; 0]);

    let (at_browser, page) = std::sync::mpsc::channel();
    let mut other_device = super::alice(&lab);
    std::thread::spawn(move || {
        let (uri, code): (String, String) = page.recv().unwrap();
        other_device.person = other_device.person.with_user_code(code);
        other_device.sign_in(uri);
    });
    let token = app
        .acquire_token(SCOPES)
        .or_device_code(move |code| {
            let shown = (
                code.verification_uri().to_owned(),
                code.user_code().to_owned(),
            );
            at_browser.send(shown).unwrap();
        })
        .await
        .unwrap();
    assert_eq!(token.account().username(), alice.upn);
}

#[tokio::test]
async fn a_refresh_token_is_never_brought_to_another_server() {
    let lab = lab().await;
    let alice = user("alice").unwrap();
    let cache = TokenCache::in_memory();
    let at = |authority: &str| {
        let builder = builder(&lab).with_authority(authority);
        builder.with_token_cache(cache.clone()).build().unwrap()
    };
    let adfs = at(AUTHORITY);
    let entra = at("https://login.microsoftonline.com/contoso.test");
    let mut accounts = Vec::new();
    for app in [&adfs, &entra] {
        let password = Secret::from(alice.password);
        let token = app
            .acquire_token_by_username_password(SCOPES, alice.upn, password)
            .await
            .unwrap();
        accounts.push(token.account().clone());
    }
    let from = lab.exchanges().len();
    for (app, account) in [(&entra, &accounts[0]), (&adfs, &accounts[1])] {
        let error = app
            .acquire_token_silent(SCOPES, account)
            .with_force_refresh(true)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "no_tokens_found");
        assert!(error.to_string().contains(account.environment()), "{error}");
    }
    assert_eq!(asked(&lab, from), [""; 0]);
}

#[tokio::test]
async fn rows_are_such_that_msal_python_finds_them() {
    let lab = lab().await;
    let alice = user("alice").unwrap();
    let text = Text::default();
    let app = builder(&lab)
        .with_authority(AUTHORITY)
        .with_token_cache(TokenCache::with_store(text.clone()))
        .build()
        .unwrap();
    let password = Secret::from(alice.password);
    let token = app
        .acquire_token_by_username_password(SCOPES, alice.upn, password)
        .await
        .unwrap();
    let cache: serde_json::Value = serde_json::from_str(&text.0.lock().unwrap()).unwrap();
    for (kind, member, value) in [
        ("AccessToken", "realm", "adfs"),
        ("AccessToken", "environment", FEDERATION_HOST),
        ("AccessToken", "target", SCOPES[0]),
        ("IdToken", "realm", "adfs"),
        ("Account", "authority_type", "ADFS"),
        ("Account", "username", alice.upn),
        (
            "Account",
            "home_account_id",
            token.account().home_account_id().unwrap(),
        ),
    ] {
        let rows = cache[kind].as_object().unwrap();
        assert_eq!(rows.len(), 1);
        let found = rows.values().next().unwrap()[member].as_str().unwrap();
        assert!(
            found.split(' ').any(|word| word == value),
            "{kind} {member}: {found}"
        );
    }
}

#[tokio::test]
async fn a_cache_of_msal_net_serves_an_ad_fs_account_silently() {
    let Some(testdata) = testdata() else { return };
    let file = "microsoft-authentication-library-for-dotnet/tests/Microsoft.Identity.Test.Unit/Resources/token_cache_adfs.json";
    let text = std::fs::read_to_string(testdata.join(file)).unwrap();
    // Its token has ended in 2021.
    let later = SystemTime::now() + Duration::from_secs(3600);
    let later = later.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let text = text.replace("1613063610", &later.to_string());
    let text = Text(Arc::new(Mutex::new(text)));
    let app = PublicClientApplication::builder("PublicClientId")
        .with_authority("https://fs.msidlab8.com/adfs/")
        .with_token_cache(TokenCache::with_store(text))
        .without_proxy()
        .build()
        .unwrap();
    let accounts = app.accounts().await.unwrap();
    let [account] = &accounts[..] else {
        panic!("{accounts:?}")
    };
    assert_eq!(account.username(), "fidlab@msidlab8.com");
    let id = "unZYjm1NugFLhP1l338bxhRYyHbtCYOWX1P+F2fCsiQ=";
    assert_eq!(account.home_account_id(), Some(id));
    let token = app.acquire_token_silent(["openid"], account).await.unwrap();
    assert_eq!(token.access_token(), "secret");
    assert_eq!(token.token_source(), TokenSource::Cache);
}
