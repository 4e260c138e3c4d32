//! When a token is given out of the cache, when it is renewed, and whose refresh token may do that.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use silentry::transport::{
    BoxFuture, Connection, Origin, Transport, TransportError, TransportErrorKind,
};
use silentry::{Account, PublicClientApplication, TokenCache, TokenSource};
use silentry_lab::{CLIENT_ID, Lab, PARTNER_DOMAIN, PARTNER_TENANT_ID, TENANT_ID};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// Two of Microsoft's applications, which share their refresh tokens.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const AZURE_POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";

async fn lab(scenario: &str) -> Lab {
    Lab::builder().scenario(scenario).start().await.unwrap()
}

fn app(lab: &Lab, client_id: &str, cache: &TokenCache, family: bool) -> PublicClientApplication {
    let ccache = lab.ccache(lab.user().upn).unwrap();
    PublicClientApplication::builder(client_id)
        .with_tenant_id("contoso.test")
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .with_ticket_cache(format!("FILE:{}", ccache.display()))
        .with_token_cache(cache.clone())
        .with_family_refresh_tokens(family)
        .build()
        .unwrap()
}

async fn sign_in(app: &PublicClientApplication) -> (Account, String) {
    let token = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    (token.account().clone(), token.access_token().to_owned())
}

#[tokio::test]
async fn a_token_that_ends_within_five_minutes_is_not_given_out() {
    let lab = lab("token-expires-soon").await;
    let app = app(&lab, CLIENT_ID, &TokenCache::in_memory(), false);
    let (account, token) = sign_in(&app).await;
    let renewed = app.acquire_token_silent(SCOPES, &account).await.unwrap();
    assert_eq!(renewed.token_source(), TokenSource::IdentityProvider);
    assert_ne!(renewed.access_token(), token);
}

/// Processes differ by up to five minutes in when they renew a token early, so that not all of them ask at once: of
/// many, some do it now and some later.
#[tokio::test]
async fn a_token_that_entra_wants_renewed_is_given_out_and_renewed_meanwhile() {
    let lab = lab("token-refresh-soon").await;
    let cache = TokenCache::in_memory();
    let (account, token) = sign_in(&app(&lab, CLIENT_ID, &cache, false)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    let exchanges = lab.exchanges().len();
    let mut apps = Vec::new();
    for call in 0..2000 {
        let app = app(&lab, CLIENT_ID, &cache, false);
        let given = app.acquire_token_silent(SCOPES, &account).await.unwrap();
        assert_eq!(given.token_source(), TokenSource::Cache);
        if given.access_token() != token {
            // The first call finds the old token, whoever renews it.
            assert!(call > 0 && lab.exchanges().len() > exchanges);
            return;
        }
        // One of them renews it, whenever the machine gets to it.
        apps.push(app);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody renewed the token");
}

/// A network that is gone, and how often somebody noticed.
#[derive(Clone, Default)]
struct Offline(Arc<AtomicUsize>);

impl Transport for Offline {
    fn connect<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let why = format!("no way to {origin}");
        Box::pin(async { Err(TransportError::new(TransportErrorKind::Unreachable, why)) })
    }
}

#[tokio::test]
async fn without_a_network_the_token_is_given_out_and_its_renewal_tried_once_a_minute() {
    let lab = lab("token-refresh-soon").await;
    let cache = TokenCache::in_memory();
    let (account, token) = sign_in(&app(&lab, CLIENT_ID, &cache, false)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    // Of many, one that renews at once.
    for _ in 0..60 {
        let offline = Offline::default();
        let app = PublicClientApplication::builder(CLIENT_ID)
            .with_tenant_id("contoso.test")
            .with_transport(offline.clone())
            .with_token_cache(cache.clone())
            .build()
            .unwrap();
        for _ in 0..20 {
            let given = app.acquire_token_silent(SCOPES, &account).await.unwrap();
            assert_eq!(given.access_token(), token);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match offline.0.load(Ordering::Relaxed) {
            0 => {}
            attempts => return assert_eq!(attempts, 1),
        }
    }
    panic!("nobody renewed the token");
}

#[tokio::test]
async fn another_application_of_the_family_is_served_when_it_wants_to_be() {
    let lab = lab("default").await;
    let cache = TokenCache::in_memory();
    let (account, _) = sign_in(&app(&lab, AZURE_CLI, &cache, false)).await;

    let alone = app(&lab, AZURE_POWERSHELL, &cache, false);
    let error = alone.acquire_token_silent(SCOPES, &account).await;
    assert_eq!(error.unwrap_err().code(), "no_tokens_found");
    let stranger = app(&lab, CLIENT_ID, &cache, true);
    let error = stranger.acquire_token_silent(SCOPES, &account).await;
    assert_eq!(error.unwrap_err().code(), "invalid_grant");

    let member = app(&lab, AZURE_POWERSHELL, &cache, true);
    let token = member.acquire_token_silent(SCOPES, &account).await.unwrap();
    assert_eq!(token.token_source(), TokenSource::IdentityProvider);
    assert_eq!(token.account(), &account);
}

#[tokio::test]
async fn an_account_has_tokens_of_several_tenants() {
    let lab = lab("default").await;
    let app = app(&lab, CLIENT_ID, &TokenCache::in_memory(), false);
    let (account, _) = sign_in(&app).await;
    let in_tenant = |tenant: &'static str| {
        app.acquire_token_silent(SCOPES, &account)
            .with_tenant_id(tenant)
    };
    let guest = in_tenant(PARTNER_DOMAIN).await.unwrap();
    assert_eq!(guest.tenant_id(), Some(PARTNER_TENANT_ID));
    assert_eq!(guest.account(), &account);

    let home = app.acquire_token_silent(SCOPES, &account).await.unwrap();
    assert_eq!(home.tenant_id(), Some(TENANT_ID));
    assert_ne!(home.unique_id(), guest.unique_id());
    for (tenant, token) in [
        (PARTNER_DOMAIN, &guest),
        (PARTNER_TENANT_ID, &guest),
        (TENANT_ID, &home),
    ] {
        let again = in_tenant(tenant).await.unwrap();
        assert_eq!(again.token_source(), TokenSource::Cache, "{tenant}");
        assert_eq!(again.access_token(), token.access_token());
        assert_eq!(again.unique_id(), token.unique_id());
    }
    assert_eq!(app.accounts().await.unwrap(), [account]);
}
