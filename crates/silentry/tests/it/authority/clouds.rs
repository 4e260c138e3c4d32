//! Hosts that are in no table of clouds.

use std::time::Duration;

use silentry::Secret;
use silentry::{AuthenticationResult, Error, PublicClientApplication, TokenSource};
use silentry_lab::{Lab, Person, SOVEREIGN_ALIAS, SOVEREIGN_HOST, TENANT_ID, user};

use crate::authority::{alice, asked, builder, lab};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

fn at(host: &str) -> String {
    format!("https://{host}/contoso.test")
}

/// Bob's domain is managed, so that only the authority is asked.
async fn sign_in(app: &PublicClientApplication) -> Result<AuthenticationResult, Error> {
    let bob = user("bob").unwrap();
    let password = Secret::from(bob.password);
    app.acquire_token_by_username_password(SCOPES, bob.upn, password)
        .await
}

#[tokio::test]
async fn entra_is_asked_once_about_a_host_that_nobody_knows() {
    let lab = lab().await;
    let app = builder(&lab)
        .with_authority(at(SOVEREIGN_ALIAS))
        .build()
        .unwrap();
    let (one, other) = tokio::join!(sign_in(&app), sign_in(&app));
    let token = one.unwrap();
    other.unwrap();
    // Everything goes to the host that the cloud prefers, and the cache has it under that name.
    let mut seen = asked(&lab, 0);
    seen.sort();
    let realm = format!("realm {SOVEREIGN_HOST}");
    let tokens = format!("token {SOVEREIGN_HOST}");
    let discovery = "discovery login.microsoftonline.com".to_owned();
    assert_eq!(
        seen,
        [discovery, realm.clone(), realm, tokens.clone(), tokens]
    );
    assert_eq!(token.account().environment(), SOVEREIGN_HOST);
    assert_eq!(app.accounts().await.unwrap(), [token.account().clone()]);
    let hit = app
        .acquire_token_silent(SCOPES, token.account())
        .await
        .unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);

    let from = lab.exchanges().len();
    let by_ticket = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    assert_eq!(by_ticket.account().environment(), SOVEREIGN_HOST);
    let mex = "mex sts.contoso.test".to_owned();
    let wstrust = "wstrust sts.contoso.test".to_owned();
    let (realm, token) = (
        format!("realm {SOVEREIGN_HOST}"),
        format!("token {SOVEREIGN_HOST}"),
    );
    assert_eq!(asked(&lab, from), [realm, mex, wstrust, token]);
}

#[tokio::test]
async fn another_process_finds_the_accounts_of_the_cloud_by_any_of_its_names() {
    let lab = lab().await;
    let cache = silentry::TokenCache::in_memory();
    let app = |host| {
        let builder = builder(&lab).with_authority(at(host));
        builder.with_token_cache(cache.clone()).build().unwrap()
    };
    let token = sign_in(&app(SOVEREIGN_HOST)).await.unwrap();
    let accounts = app(SOVEREIGN_ALIAS).accounts().await.unwrap();
    assert_eq!(accounts, [token.account().clone()]);
    let public = app("login.microsoftonline.com").accounts().await.unwrap();
    assert_eq!(public, []);
}

#[tokio::test]
async fn a_token_of_the_cloud_is_renewed_where_its_account_is() {
    let lab = lab().await;
    let cache = silentry::TokenCache::in_memory();
    let app = |host| {
        let builder = builder(&lab).with_authority(at(host));
        builder.with_token_cache(cache.clone())
    };
    // As programs write it that do not know which name of the host the cloud prefers.
    let by_alias = app(SOVEREIGN_ALIAS).with_instance_discovery(false);
    let first = sign_in(&by_alias.build().unwrap()).await.unwrap();
    let app = app(SOVEREIGN_HOST).build().unwrap();
    let account = &app.accounts().await.unwrap()[0];
    assert_eq!(account.environment(), SOVEREIGN_ALIAS);
    let renewed = app
        .acquire_token_silent(SCOPES, account)
        .with_force_refresh(true)
        .await
        .unwrap();
    assert_ne!(renewed.access_token(), first.access_token());
    assert_eq!(renewed.account(), account);
    let hit = app.acquire_token_silent(SCOPES, account).await.unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);
    assert_eq!(hit.access_token(), renewed.access_token());
    assert_eq!(app.accounts().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_host_that_is_not_microsofts_is_never_asked() {
    let lab = lab().await;
    let app = builder(&lab)
        .with_authority(at("login.evil.test"))
        .build()
        .unwrap();
    let error = sign_in(&app).await.unwrap_err();
    assert_eq!(error.code(), "invalid_instance");
    assert_eq!(error.aadsts(), [50049]);
    assert!(error.to_string().contains("login.evil.test"));
    assert!(error.correlation_id().is_some());
    assert_eq!(asked(&lab, 0), ["discovery login.microsoftonline.com"]);
}

#[tokio::test]
async fn the_program_may_vouch_for_a_host() {
    let lab = lab().await;
    let unknown = || builder(&lab).with_authority(at(SOVEREIGN_ALIAS));
    for app in [
        unknown().with_instance_discovery(false),
        unknown().with_known_authorities([SOVEREIGN_ALIAS.to_uppercase()]),
    ] {
        let from = lab.exchanges().len();
        let token = sign_in(&app.build().unwrap()).await.unwrap();
        assert_eq!(token.account().environment(), SOVEREIGN_ALIAS);
        let expected = [
            format!("realm {SOVEREIGN_ALIAS}"),
            format!("token {SOVEREIGN_ALIAS}"),
        ];
        assert_eq!(asked(&lab, from), expected);
    }
}

#[tokio::test]
async fn a_sign_in_goes_on_where_nobody_can_be_asked() {
    // As in a country's own network: the public cloud is not reached.
    let lab = Lab::builder()
        .map("login.microsoftonline.com", "127.0.0.1:1")
        .start()
        .await
        .unwrap();
    let app = builder(&lab)
        .with_authority(at(SOVEREIGN_HOST))
        .build()
        .unwrap();
    sign_in(&app).await.unwrap();
    let (realm, token) = (
        format!("realm {SOVEREIGN_HOST}"),
        format!("token {SOVEREIGN_HOST}"),
    );
    assert_eq!(asked(&lab, 0), [realm, token]);
}

#[tokio::test]
async fn known_clouds_are_not_asked_about() {
    let lab = lab().await;
    for host in [
        "login.microsoftonline.com",
        "login.windows.net",
        "sts.windows.net",
    ] {
        let from = lab.exchanges().len();
        sign_in(&builder(&lab).with_authority(at(host)).build().unwrap())
            .await
            .unwrap();
        assert_eq!(
            asked(&lab, from),
            [format!("realm {host}"), format!("token {host}")]
        );
    }
}

#[tokio::test]
async fn everybody_may_sign_in_where_the_user_is_there_and_nowhere_else() {
    let lab = lab().await;
    let app = builder(&lab).with_tenant_id("common").build().unwrap();
    let refused = [
        app.acquire_token_by_integrated_windows_auth(SCOPES).await,
        sign_in(&app).await,
    ];
    for refused in refused {
        assert_eq!(refused.unwrap_err().code(), "missing_tenanted_authority");
    }
    assert_eq!(asked(&lab, 0), [""; 0]);

    let signing_in = app.begin_device_code(SCOPES).await.unwrap();
    let code = signing_in.code().clone();
    let bob = Person::new(user("bob").unwrap()).with_user_code(code.user_code());
    let mut browser = lab.browser().unwrap();
    browser
        .sign_in(code.verification_uri(), &bob)
        .await
        .unwrap();
    let by_code = signing_in.await.unwrap();
    assert_eq!(by_code.account().username(), "bob@managed.test");
    let in_browser = app
        .acquire_token_interactive(SCOPES)
        .with_browser(alice(&lab))
        .with_timeout(Duration::from_secs(20))
        .await
        .unwrap();
    assert_eq!(in_browser.tenant_id(), Some(TENANT_ID));
    let hit = app.acquire_token_silent(SCOPES, in_browser.account());
    assert_eq!(hit.await.unwrap().token_source(), TokenSource::Cache);
}

#[tokio::test]
async fn the_tenant_that_answers_is_the_one_that_was_asked_by_its_id() {
    let lab = lab().await;
    let by_id = builder(&lab).with_tenant_id(TENANT_ID).build().unwrap();
    assert_eq!(sign_in(&by_id).await.unwrap().tenant_id(), Some(TENANT_ID));
}

#[tokio::test]
async fn an_account_is_served_by_its_own_cloud() {
    let lab = lab().await;
    let cache = silentry::TokenCache::in_memory();
    let app = |host, every_cloud| {
        builder(&lab)
            .with_authority(at(host))
            .with_token_cache(cache.clone())
            .with_multi_cloud_support(every_cloud)
            .build()
            .unwrap()
    };
    let token = sign_in(&app("login.microsoftonline.us", false)).await;
    let account = token.unwrap().account().clone();
    assert_eq!(account.environment(), "login.microsoftonline.us");

    let public = "login.microsoftonline.com";
    assert!(app(public, false).accounts().await.unwrap().is_empty());
    let app = app(public, true);
    assert_eq!(
        app.accounts().await.unwrap(),
        std::slice::from_ref(&account)
    );
    let from = lab.exchanges().len();
    let refreshed = app
        .acquire_token_silent(SCOPES, &account)
        .with_force_refresh(true)
        .await
        .unwrap();
    assert_eq!(refreshed.account(), &account);
    assert_eq!(asked(&lab, from), ["token login.microsoftonline.us"]);
}
