//! One flow after the other, against the lab.

use silentry::Secret;
use silentry::{
    Error, Flow, PublicClientApplication, PublicClientApplicationBuilder, TokenCache, TokenSource,
};
use silentry_lab::Lab;

use crate::support::client;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

fn builder(lab: &Lab, upn: &str) -> PublicClientApplicationBuilder {
    client(lab)
        .with_tenant_id("contoso.test")
        .with_ticket_cache(format!("FILE:{}", lab.ccache(upn).unwrap().display()))
}

#[tokio::test]
async fn the_second_token_of_the_signed_in_user_comes_from_the_cache() {
    let lab = Lab::builder().start().await.unwrap();
    let app = builder(&lab, "alice@contoso.test").build().unwrap();
    let first = app.acquire_token(SCOPES).await.unwrap();
    assert_eq!(first.token_source(), TokenSource::IdentityProvider);
    let second = app.acquire_token(SCOPES).await.unwrap();
    assert_eq!(second.token_source(), TokenSource::Cache);
    assert_eq!(second.account(), first.account());
}

#[tokio::test]
async fn another_users_ticket_never_gives_this_users_token() {
    let lab = Lab::builder().start().await.unwrap();
    let cache = TokenCache::in_memory();
    let app = |upn: &str| {
        let builder = builder(&lab, upn).with_token_cache(cache.clone());
        builder.build().unwrap()
    };
    let alice = app("alice@contoso.test")
        .acquire_token(SCOPES)
        .await
        .unwrap();
    let erin = app("erin@contoso.test").acquire_token(SCOPES).await;
    // Whether or not Entra lets the other one in: it is never alice's token.
    match erin {
        Ok(token) => {
            assert_eq!(token.token_source(), TokenSource::IdentityProvider);
            assert_ne!(
                token.account().home_account_id(),
                alice.account().home_account_id()
            );
        }
        Err(error) => assert!(
            error
                .attempts()
                .iter()
                .any(|attempt| attempt.flow == Flow::Silent)
        ),
    }
    let again = app("alice@contoso.test")
        .acquire_token(SCOPES)
        .await
        .unwrap();
    assert_eq!(again.token_source(), TokenSource::Cache);
    assert_eq!(again.account(), alice.account());
}

#[tokio::test]
async fn what_the_ticket_cannot_do_the_next_way_may() {
    let lab = Lab::builder()
        .scenario("managed-user")
        .start()
        .await
        .unwrap();
    let user = lab.user();
    let app = builder(&lab, user.upn).build().unwrap();
    let error = app
        .acquire_token(SCOPES)
        .with_username(user.upn)
        .await
        .unwrap_err();
    assert_eq!(
        error.code(),
        "integrated_windows_auth_not_supported_managed_user"
    );
    let ways: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| attempt.flow)
        .collect();
    assert_eq!(ways, [Flow::Silent]);

    let token = app
        .acquire_token(SCOPES)
        .with_username(user.upn)
        .or_username_password(user.upn, Secret::from(user.password))
        .await
        .unwrap();
    assert_eq!(token.account().username(), user.upn);
}

#[tokio::test]
async fn what_every_way_would_fail_at_ends_it() {
    let lab = Lab::builder().start().await.unwrap();
    let app = builder(&lab, "alice@contoso.test").build().unwrap();
    let error = app
        .acquire_token(["https://graph.microsoft.com/No.Such.Scope"])
        .or_device_code(|_| panic!("a scope that does not exist is no reason to prompt"))
        .await
        .unwrap_err();
    assert!(!matches!(error, Error::Client(_)), "{error}");
}

/// A second climb of the same application, with the number of exchanges that it took.
async fn climb_again(lab: &Lab, app: &PublicClientApplication, user: &str) -> (Error, usize) {
    let climb = || app.acquire_token(SCOPES).with_username(user);
    let first = climb().await.unwrap_err();
    let exchanges = lab.exchanges().len();
    let again = climb().await.unwrap_err();
    assert_eq!(again.code(), first.code());
    (again, lab.exchanges().len() - exchanges)
}

#[tokio::test]
async fn what_realm_and_network_say_is_not_found_out_again() {
    for scenario in [
        "managed-user",
        "extranet-mex",
        "adfs-down",
        "personal-account",
    ] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let user = lab.user();
        let app = builder(&lab, user.upn).build().unwrap();
        let (error, exchanges) = climb_again(&lab, &app, user.upn).await;
        assert_eq!(exchanges, 0, "{scenario}: {error}");
        assert!(error.to_string().contains("not tried again"), "{error}");

        let prompted = app
            .acquire_token(SCOPES)
            .with_username(user.upn)
            .or_username_password(user.upn, Secret::from(""))
            .await
            .unwrap_err();
        let attempt = &prompted.attempts()[1];
        assert_eq!(attempt.flow, Flow::IntegratedWindowsAuth);
        assert_eq!(attempt.code, *error.code());
        assert!(attempt.message.contains("not tried again"), "{attempt:?}");

        let alone = app
            .acquire_token_by_integrated_windows_auth(SCOPES)
            .with_username(user.upn)
            .await
            .unwrap_err();
        assert!(!alone.to_string().contains("not tried again"), "{alone}");
        assert!(lab.exchanges().len() > exchanges);
    }
}

#[tokio::test]
async fn what_entra_asks_for_is_asked_for_again() {
    for scenario in ["mfa", "consent", "password-expired"] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let user = lab.user().upn;
        let app = builder(&lab, user).build().unwrap();
        let (error, exchanges) = climb_again(&lab, &app, user).await;
        assert!(matches!(error, Error::InteractionRequired(_)), "{error}");
        assert!(exchanges > 0, "{scenario}: {error}");
    }
}

#[tokio::test]
async fn a_ladder_put_together_from_nothing_has_only_what_is_added() {
    let lab = Lab::builder()
        .scenario("managed-user")
        .start()
        .await
        .unwrap();
    let user = lab.user();
    let app = builder(&lab, user.upn).build().unwrap();
    let sole = || {
        app.acquire_token(SCOPES)
            .from_nothing()
            .or_silent_for_sole_account()
    };
    let error = sole()
        .or_username_and_asked_password(user.upn, || Err("nobody is here".to_owned()))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "password_required");
    assert_eq!(error.to_string(), "nobody is here");
    let ways: Vec<_> = error
        .attempts()
        .iter()
        .map(|attempt| attempt.flow)
        .collect();
    assert_eq!(ways, [Flow::Silent]);

    let password = Secret::from(user.password);
    let token = sole()
        .or_username_and_asked_password(user.upn, move || Ok(password))
        .await
        .unwrap();
    assert_eq!(token.flow(), Some(Flow::UsernamePassword));
    // From now on the account is there, and nobody is asked.
    for ladder in [
        sole(),
        app.acquire_token(SCOPES)
            .from_nothing()
            .or_silent_for(user.upn),
    ] {
        let token = ladder
            .or_username_and_asked_password(user.upn, || panic!("nobody need be asked"))
            .await
            .unwrap();
        assert_eq!(token.flow(), Some(Flow::Silent));
        assert_eq!(token.token_source(), TokenSource::Cache);
    }
    let nobody = app.acquire_token(SCOPES).from_nothing().await.unwrap_err();
    assert_eq!(nobody.code(), "invalid_request_options");
}

#[tokio::test]
async fn an_account_of_a_ticket_is_never_taken_for_being_alone() {
    let lab = Lab::builder().start().await.unwrap();
    let cache = TokenCache::in_memory();
    let app = |upn: &str| {
        let builder = builder(&lab, upn).with_token_cache(cache.clone());
        builder.build().unwrap()
    };
    let sole = |upn: &str| {
        let request = app(upn).acquire_token(SCOPES).from_nothing();
        request.or_silent_for_sole_account()
    };
    let alice = app("alice@contoso.test")
        .acquire_token(SCOPES)
        .await
        .unwrap();
    let error = sole("erin@contoso.test").await.unwrap_err();
    assert_eq!(error.code(), "no_account_for_login_hint");
    let same = sole("alice@contoso.test").await.unwrap();
    assert_eq!(same.account(), alice.account());
}
