//! Other OpenID Connect servers: the lab's two by their discovery documents.

use std::time::Duration;

use silentry::Secret;
use silentry::{PublicClientApplication, TokenSource};
use silentry_lab::{Lab, Person, TENANT_ID, user};

use crate::authority::{alice, asked, builder, lab};

const SCOPES: [&str; 1] = ["https://api.contoso.test/user_impersonation"];
const ADFS: &str = "https://sts.contoso.test/adfs";

fn app(lab: &Lab, issuer: &str) -> PublicClientApplication {
    builder(lab).with_oidc_authority(issuer).build().unwrap()
}

fn entra(host: &str) -> String {
    format!("https://{host}/{TENANT_ID}/v2.0")
}

#[tokio::test]
async fn a_server_is_asked_once_where_its_endpoints_are() {
    let lab = lab().await;
    let app = app(&lab, &entra("login.microsoftonline.com"));
    let token = app
        .acquire_token_interactive(SCOPES)
        .with_browser(alice(&lab))
        .with_timeout(Duration::from_secs(20))
        .await
        .unwrap();
    let account = token.account();
    assert_eq!(account.username(), "alice@contoso.test");
    // Nobody asked for Entra's own account id.
    assert!(!account.home_account_id().unwrap().contains(TENANT_ID));
    let hit = app.acquire_token_silent(SCOPES, account).await.unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);
    let from = lab.exchanges().len();
    let renewed = app
        .acquire_token_silent(SCOPES, account)
        .with_force_refresh(true)
        .await
        .unwrap();
    assert_eq!(renewed.account(), account);
    assert_eq!(asked(&lab, from), ["token login.microsoftonline.com"]);
    let discoveries = asked(&lab, 0)
        .into_iter()
        .filter(|seen| seen.starts_with("discovery"));
    assert_eq!(discoveries.count(), 1);
}

#[tokio::test]
async fn device_codes_and_passwords_work_where_the_server_takes_them() {
    let lab = lab().await;
    let app = app(&lab, ADFS);
    let alice = user("alice").unwrap();
    let sign_in = app.begin_device_code(SCOPES).await.unwrap();
    let code = sign_in.code().clone();
    let person = Person::new(alice).with_user_code(code.user_code());
    let mut browser = lab.browser().unwrap();
    browser
        .sign_in(code.verification_uri(), &person)
        .await
        .unwrap();
    assert_eq!(sign_in.await.unwrap().account().username(), alice.upn);
    let password = Secret::from(alice.password);
    let by_password = app.acquire_token_by_username_password(SCOPES, alice.upn, password);
    assert_eq!(by_password.await.unwrap().account().username(), alice.upn);
}

#[tokio::test]
async fn a_document_that_speaks_for_another_issuer_is_refused() {
    let lab = lab().await;
    for issuer in [
        // Entra names the tenant by its id, and no slash at the end.
        "https://login.microsoftonline.com/contoso.test/v2.0".to_owned(),
        format!("{}/", entra("login.microsoftonline.com")),
    ] {
        let from = lab.exchanges().len();
        let error = app(&lab, &issuer)
            .begin_device_code(SCOPES)
            .await
            .err()
            .unwrap();
        assert_eq!(error.code(), "authority_validation_failed", "{issuer}");
        assert!(error.to_string().contains(TENANT_ID), "{error}");
        assert_eq!(asked(&lab, from), ["discovery login.microsoftonline.com"]);
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused_and_not_kept() {
    let lab = lab().await;
    // This document names its own host, and the tokens that of the cloud.
    let app = app(&lab, &entra("login.windows.net"));
    let bob = user("bob").unwrap();
    let error = app
        .acquire_token_by_username_password(SCOPES, bob.upn, Secret::from(bob.password))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "issuer_mismatch");
    assert!(
        error.to_string().contains("login.microsoftonline.com"),
        "{error}"
    );
    assert_eq!(app.accounts().await.unwrap(), []);
}

#[tokio::test]
async fn a_host_without_a_document_is_no_server() {
    let lab = lab().await;
    let error = app(&lab, "https://graph.microsoft.com")
        .begin_device_code(SCOPES)
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "tenant_discovery_failed");
    assert_eq!(error.stage().as_str(), "discovery");
}

#[tokio::test]
async fn integrated_sign_in_is_refused_before_any_network() {
    let lab = lab().await;
    let error = app(&lab, ADFS)
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "integrated_windows_authentication_failed");
    let of_tenant = builder(&lab)
        .with_oidc_authority(ADFS)
        .with_tenant_id("contoso.test");
    assert_eq!(
        of_tenant.build().unwrap_err().code(),
        "tenant_override_non_aad"
    );
    assert_eq!(asked(&lab, 0), [""; 0]);
}
