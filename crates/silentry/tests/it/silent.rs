//! Tokens from the cache, and by refresh token, against the lab.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use silentry::Secret;
use silentry::cache::store::{StoreError, StoreVersion, TokenStore};
use silentry::{Error, TokenCache, TokenSource};
use silentry_lab::{Lab, TENANT_ID, user};
use silentry_protocol::oauth::id_token::IdToken;

use crate::support::client_with_ticket;

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

async fn lab() -> Lab {
    Lab::builder().start().await.unwrap()
}

/// A store that counts how often it is asked.
#[derive(Clone, Default)]
struct CountingStore {
    text: Arc<Mutex<(String, u64)>>,
    reads: Arc<AtomicUsize>,
}

impl CountingStore {
    fn refresh_token(&self) -> String {
        let document: Value = serde_json::from_str(&self.text.lock().unwrap().0).unwrap();
        let rows = document["RefreshToken"].as_object().unwrap();
        let row = rows.values().next().unwrap();
        row["secret"].as_str().unwrap().to_owned()
    }

    /// Puts the token where that of an account is.
    fn put_refresh_token(&self, home_account_id: &str, token: &str) {
        let (text, version) = &mut *self.text.lock().unwrap();
        let mut document: Value = serde_json::from_str(text).unwrap();
        let rows = document["RefreshToken"].as_object_mut().unwrap();
        for row in rows.values_mut() {
            if row["home_account_id"] == home_account_id {
                row["secret"] = token.into();
            }
        }
        *text = document.to_string();
        *version += 1;
    }
}

impl TokenStore for CountingStore {
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let (text, version) = &*self.text.lock().unwrap();
        let version = StoreVersion::new(version.to_be_bytes());
        Ok((known != Some(&version)).then(|| (Secret::from(text.as_str()), version)))
    }

    fn update(
        &self,
        change: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        let (text, version) = &mut *self.text.lock().unwrap();
        if let Some(changed) = change(&Secret::from(text.as_str())) {
            *text = changed.expose().to_owned();
            *version += 1;
        }
        Ok(StoreVersion::new(version.to_be_bytes()))
    }

    fn set_aside(&self, seen: &StoreVersion) -> Result<Option<String>, StoreError> {
        let (text, version) = &mut *self.text.lock().unwrap();
        if *seen != StoreVersion::new(version.to_be_bytes()) {
            return Ok(None);
        }
        *version += 1;
        text.clear();
        Ok(Some("elsewhere".into()))
    }
}

#[tokio::test]
async fn a_token_in_the_cache_costs_no_exchange_and_a_new_one_costs_one() {
    let lab = lab().await;
    let app = client_with_ticket(&lab).build().unwrap();
    let signed_in = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    assert_eq!(signed_in.token_source(), TokenSource::IdentityProvider);
    let exchanges = lab.exchanges().len();

    let account = signed_in.account();
    let hit = app.acquire_token_silent(SCOPES, account).await.unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);
    assert_eq!(hit.access_token(), signed_in.access_token());
    assert_eq!(hit.account(), account);
    assert_eq!(hit.tenant_id(), Some(TENANT_ID));
    assert_eq!(hit.scopes().len(), signed_in.scopes().len());
    let header = format!("Bearer {}", hit.access_token());
    assert_eq!(hit.authorization_header(), header);
    let claims = IdToken::decode(hit.id_token().unwrap()).unwrap();
    assert_eq!(claims.oid.as_deref(), hit.unique_id());
    assert_eq!(lab.exchanges().len(), exchanges);

    let forced = app
        .acquire_token_silent(SCOPES, account)
        .with_force_refresh(true)
        .await
        .unwrap();
    assert_ne!(forced.access_token(), signed_in.access_token());
    let claims = r#"{"access_token":{"nbf":{"essential":true,"value":"1"}}}"#;
    let claimed = app
        .acquire_token_silent(SCOPES, account)
        .with_claims(claims)
        .await
        .unwrap();
    assert_ne!(claimed.access_token(), forced.access_token());
    let other = app
        .acquire_token_silent(["https://graph.microsoft.com/.default"], account)
        .await
        .unwrap();
    assert_eq!(other.token_source(), TokenSource::IdentityProvider);
    let stages: Vec<_> = lab.exchanges()[exchanges..]
        .iter()
        .map(|exchange| exchange.stage.clone())
        .collect();
    assert_eq!(stages, ["token"; 3]);
}

#[tokio::test]
async fn a_removed_account_is_gone() {
    let lab = lab().await;
    let app = client_with_ticket(&lab).build().unwrap();
    let signed_in = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    let accounts = app.accounts().await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(&accounts[0], signed_in.account());

    app.remove_account(&accounts[0]).await.unwrap();
    assert!(app.accounts().await.unwrap().is_empty());
    let error = app
        .acquire_token_silent(SCOPES, &accounts[0])
        .await
        .unwrap_err();
    assert_eq!(error.code(), "no_tokens_found");
    assert!(matches!(error, Error::InteractionRequired(_)));
}

#[tokio::test]
async fn an_account_is_found_by_its_id_and_by_its_name() {
    let lab = lab().await;
    let app = client_with_ticket(&lab).build().unwrap();
    let unknown = app.account_for_login_hint("alice@contoso.test").await;
    assert_eq!(unknown.unwrap_err().code(), "no_account_for_login_hint");
    let signed_in = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    let account = signed_in.account();
    let named = app.account_for_login_hint("Alice@Contoso.Test").await;
    assert_eq!(&named.unwrap(), account);
    let id = account.home_account_id().unwrap();
    assert_eq!(app.account(id).await.unwrap().as_ref(), Some(account));
    assert_eq!(app.account("nobody").await.unwrap(), None);
}

#[tokio::test]
async fn a_refresh_token_of_another_library_is_taken_over() {
    let lab = lab().await;
    let store = CountingStore::default();
    let cache = TokenCache::with_store(store.clone());
    let before = client_with_ticket(&lab)
        .with_token_cache(cache)
        .build()
        .unwrap();
    let signed_in = before
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();

    let app = client_with_ticket(&lab).build().unwrap();
    let token = Secret::from(store.refresh_token());
    let taken_over = app
        .acquire_token_by_refresh_token(SCOPES, token)
        .await
        .unwrap();
    assert_eq!(taken_over.account(), signed_in.account());
    let hit = app.acquire_token_silent(SCOPES, taken_over.account()).await;
    assert_eq!(hit.unwrap().token_source(), TokenSource::Cache);

    let exchanges = lab.exchanges().len();
    let none = app.acquire_token_by_refresh_token(SCOPES, Secret::from(""));
    assert_eq!(none.await.unwrap_err().code(), "no_refresh_token");
    assert_eq!(lab.exchanges().len(), exchanges);
}

#[tokio::test]
async fn another_users_refresh_token_in_the_row_of_an_account_gives_no_token() {
    let lab = lab().await;
    let store = CountingStore::default();
    let cache = TokenCache::with_store(store.clone());
    let app = client_with_ticket(&lab)
        .with_token_cache(cache)
        .build()
        .unwrap();
    let bob = user("bob").unwrap();
    app.acquire_token_by_username_password(SCOPES, bob.upn, Secret::from(bob.password))
        .await
        .unwrap();
    let of_bob = store.refresh_token();
    let alice = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    store.put_refresh_token(alice.account().home_account_id().unwrap(), &of_bob);

    let cache = TokenCache::with_store(store.clone());
    let app = client_with_ticket(&lab)
        .with_token_cache(cache)
        .build()
        .unwrap();
    let before = store.text.lock().unwrap().clone();
    let error = app
        .acquire_token_silent(SCOPES, alice.account())
        .with_force_refresh(true)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "user_mismatch");
    assert_eq!(*store.text.lock().unwrap(), before);
}

#[tokio::test]
async fn without_refresh_tokens_the_ticket_is_the_only_credential_that_lasts() {
    let lab = lab().await;
    let app = client_with_ticket(&lab)
        .with_refresh_token(false)
        .build()
        .unwrap();
    let signed_in = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    let account = signed_in.account();
    assert!(app.acquire_token_silent(SCOPES, account).await.is_ok());
    let error = app
        .acquire_token_silent(SCOPES, account)
        .with_force_refresh(true)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "no_tokens_found");
}

#[tokio::test]
async fn a_store_is_shared_and_not_asked_for_what_is_in_memory() {
    let lab = lab().await;
    let store = CountingStore::default();
    let app = |store: &CountingStore| {
        let cache = TokenCache::with_store(store.clone());
        client_with_ticket(&lab)
            .with_token_cache(cache)
            .build()
            .unwrap()
    };
    let (one, other) = (app(&store), app(&store));
    let signed_in = one
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    let account = signed_in.account();
    let reads = store.reads.load(Ordering::Relaxed);
    for _ in 0..3 {
        one.acquire_token_silent(SCOPES, account).await.unwrap();
    }
    assert_eq!(store.reads.load(Ordering::Relaxed), reads);

    let seen = other.acquire_token_silent(SCOPES, account).await.unwrap();
    assert_eq!(seen.access_token(), signed_in.access_token());
    assert_eq!(seen.token_source(), TokenSource::Cache);
}

#[tokio::test]
async fn a_damaged_cache_is_set_aside_and_a_new_one_begins() {
    let lab = lab().await;
    let store = CountingStore::default();
    store.text.lock().unwrap().0 = "{\"AccessToken\": torn".into();
    let cache = TokenCache::with_store(store.clone());
    let app = client_with_ticket(&lab)
        .with_token_cache(cache)
        .build()
        .unwrap();
    app.acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    assert_eq!(app.accounts().await.unwrap().len(), 1);
    assert!(store.text.lock().unwrap().0.starts_with('{'));
}

/// The tokens may still be in it, so that nobody may believe them removed.
#[tokio::test]
async fn an_account_of_a_damaged_cache_is_not_removed() {
    const DAMAGED: &str = "{\"AccessToken\": torn";
    let lab = lab().await;
    let store = CountingStore::default();
    let cache = TokenCache::with_store(store.clone());
    let app = client_with_ticket(&lab)
        .with_token_cache(cache)
        .build()
        .unwrap();
    let signed_in = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    store.text.lock().unwrap().0 = DAMAGED.into();
    let error = app.remove_account(signed_in.account()).await.unwrap_err();
    assert_eq!(error.code(), "token_cache_failed");
    assert!(error.to_string().contains("damaged"), "{error}");
    assert_eq!(store.text.lock().unwrap().0, DAMAGED);
}

#[tokio::test]
async fn a_busy_server_is_not_asked_again_for_the_same_token() {
    for scenario in ["token-429", "token-429-date"] {
        let lab = Lab::builder().scenario(scenario).start().await.unwrap();
        let app = client_with_ticket(&lab).build().unwrap();
        let sign_in = || app.acquire_token_by_integrated_windows_auth(SCOPES);
        let first = sign_in().await.unwrap_err();
        assert!(first.is_retryable() && !first.is_throttled());
        assert!(first.retry_after().unwrap().as_secs().abs_diff(60) <= 2);
        let exchanges = lab.exchanges().len();
        let again = sign_in().await.unwrap_err();
        assert_eq!(lab.exchanges().len(), exchanges, "{scenario}");
        assert_eq!(again.code(), first.code());
        assert!(again.is_retryable() && again.is_throttled());
        assert!(again.retry_after() <= first.retry_after());
        assert_eq!(again.correlation_id(), first.correlation_id());
        assert!(again.to_string().contains("not asked again"), "{again}");

        let other =
            app.acquire_token_by_integrated_windows_auth(["https://graph.microsoft.com/.default"]);
        assert!(!other.await.unwrap_err().is_throttled());
    }
}

#[tokio::test]
async fn a_dead_refresh_token_is_tried_once_and_a_new_one_at_once() {
    let lab = Lab::builder()
        .scenario("refresh-revoked")
        .start()
        .await
        .unwrap();
    let app = client_with_ticket(&lab).build().unwrap();
    let signed_in = app
        .acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    let forced = || {
        app.acquire_token_silent(SCOPES, signed_in.account())
            .with_force_refresh(true)
    };
    let first = forced().await.unwrap_err();
    assert!(matches!(first, Error::InteractionRequired(_)));
    let exchanges = lab.exchanges().len();
    let again = forced().await.unwrap_err();
    assert_eq!(lab.exchanges().len(), exchanges);
    assert!(matches!(again, Error::InteractionRequired(_)));
    assert!(again.is_throttled() && !first.is_throttled());
    assert_eq!(again.code(), first.code());
    let left = again.retry_after().unwrap().as_secs();
    assert!((100..=120).contains(&left), "{left}");

    app.acquire_token_by_integrated_windows_auth(SCOPES)
        .await
        .unwrap();
    assert!(!forced().await.unwrap_err().is_throttled());
}
