//! The same among rows that a sign-in wrote.

use silentry_lab::{CLIENT_ID, Lab, TENANT_ID};

use silentry::cache::store::StoreErrorKind;

use super::*;

const API: &str = "https://api.contoso.test/user_impersonation";

fn app(
    lab: &Lab,
    store: &(impl TokenStore + Clone),
    client_id: &str,
    tenant: &str,
) -> PublicClientApplication {
    let ccache = lab.ccache(lab.user().upn).unwrap();
    PublicClientApplication::builder(client_id)
        .with_tenant_id(tenant)
        .with_proxy(lab.proxy_url())
        .with_ca_bundle(lab.ca_pem())
        .with_ticket_cache(format!("FILE:{}", ccache.display()))
        .with_token_cache(TokenCache::with_store(store.clone()))
        .build()
        .unwrap()
}

/// Puts what other programs may have written of the same token beside it: under each name of the tenant, with each
/// spelling of the client, longer lived than any of the lab.
fn add_rows_of_others(store: &Text) {
    let mut cache = store.value();
    let only = |kind: &str| {
        let rows = cache[kind].as_object().unwrap();
        rows.values().next().unwrap().clone()
    };
    let (mut access, mut id) = (only("AccessToken"), only("IdToken"));
    access["expires_on"] = (now() + 40 * 3600).to_string().into();
    access.as_object_mut().unwrap().remove("requested_tenant");
    for realm in ["organizations", "common", "contoso.test", TENANT_ID] {
        for environment in [HOST, "login.windows.net", "login.microsoftonline.com:443"] {
            for client in [CLIENT_ID.to_owned(), CLIENT_ID.to_uppercase()] {
                let mut row = access.clone();
                let secret = format!("of-others-{realm}-{environment}-{client}");
                row["secret"] = secret.as_str().into();
                row["realm"] = realm.into();
                row["environment"] = environment.into();
                row["client_id"] = client.into();
                cache["AccessToken"][secret] = row;
            }
        }
    }
    id["realm"] = "contoso.test".into();
    cache["IdToken"]["of others"] = id;
    *store.0.lock().unwrap() = cache.to_string();
}

#[tokio::test]
async fn a_token_that_was_renewed_comes_back_under_no_name() {
    const TENANTS: [&str; 4] = ["organizations", "common", "contoso.test", TENANT_ID];
    let lab = Lab::start().await.unwrap();
    for (asked, by_claims) in TENANTS
        .iter()
        .flat_map(|asked| [(*asked, false), (*asked, true)])
    {
        let store = Text::of(&json!({}));
        let first = app(&lab, &store, CLIENT_ID, "contoso.test");
        let signed_in = first.acquire_token([SCOPE]).await.unwrap();
        let account = signed_in.account();
        add_rows_of_others(&store);
        // What is there is found, or there would be nothing to replace.
        let before = app(&lab, &store, CLIENT_ID, asked);
        let old = before.acquire_token_silent([SCOPE], account).await.unwrap();
        assert!(old.access_token().starts_with("of-others"), "{asked}");

        let renewal = before.acquire_token_silent([SCOPE], account);
        let renewal = match by_claims {
            true => renewal.with_claims(r#"{"access_token":{"nbf":{"essential":true}}}"#),
            false => renewal.with_force_refresh(true),
        };
        let renewed = renewal.await.unwrap();
        for tenant in TENANTS {
            // A domain whose id nobody has written.
            if asked == "common" && tenant == "contoso.test" {
                continue;
            }
            let later = app(&lab, &store, CLIENT_ID, tenant);
            let found = later.acquire_token_silent([SCOPE], account).await.unwrap();
            let is_old = found.access_token().starts_with("of-others");
            assert!(
                !is_old,
                "asked by {asked}, found by {tenant}: {}",
                found.access_token()
            );
            if found.token_source() == TokenSource::Cache {
                assert_eq!(found.access_token(), renewed.access_token());
                continue;
            }
            // A domain that nobody had asked by costs an exchange, and what that gave is no longer `renewed`.
            assert_eq!(tenant, "contoso.test");
            break;
        }
    }
}

#[tokio::test]
async fn the_other_spelling_of_a_client_keeps_its_rows() {
    let lab = Lab::start().await.unwrap();
    let store = Text::of(&json!({}));
    let lower = app(&lab, &store, CLIENT_ID, "contoso.test");
    let capitals = app(&lab, &store, &CLIENT_ID.to_uppercase(), "contoso.test");
    let first = lower.acquire_token([SCOPE]).await.unwrap();
    lower.acquire_token([API]).await.unwrap();
    let sign_in = capitals.acquire_token_by_integrated_windows_auth([SCOPE]);
    let second = sign_in.await.unwrap();
    assert_ne!(second.access_token(), first.access_token());
    for kind in ["AccessToken", "RefreshToken", "IdToken"] {
        let cache = store.value();
        for row in cache[kind].as_object().unwrap().values() {
            assert_eq!(row["client_id"], CLIENT_ID, "{kind}");
        }
    }
    let exchanges = lab.exchanges().len();
    for fresh in [CLIENT_ID.to_owned(), CLIENT_ID.to_uppercase()] {
        let app = app(&lab, &store, &fresh, "contoso.test");
        let found = app.acquire_token_silent([SCOPE], first.account()).await;
        assert_eq!(found.unwrap().access_token(), second.access_token());
        app.acquire_token_silent([API], first.account())
            .await
            .unwrap();
    }
    assert_eq!(lab.exchanges().len(), exchanges);
}

#[tokio::test]
async fn a_request_that_names_no_api_gets_the_token_of_none() {
    let lab = Lab::start().await.unwrap();
    for wanted in [
        &["openid"][..],
        &["profile", "offline_access"],
        &["email", "openid"],
    ] {
        let store = Text::of(&json!({}));
        let app = app(&lab, &store, CLIENT_ID, "contoso.test");
        let of_api = app.acquire_token([API]).await.unwrap();
        let found = app.acquire_token(wanted.iter().copied()).await.unwrap();
        assert_eq!(
            found.token_source(),
            TokenSource::IdentityProvider,
            "{wanted:?}"
        );
        assert_ne!(found.access_token(), of_api.access_token());
        let again = app.acquire_token(wanted.iter().copied()).await.unwrap();
        assert_eq!(again.access_token(), found.access_token(), "{wanted:?}");
        let of_api_again = app.acquire_token([API]).await.unwrap();
        assert_eq!(of_api_again.access_token(), of_api.access_token());

        let store = Text::of(&json!({}));
        let app = self::app(&lab, &store, CLIENT_ID, "contoso.test");
        let of_graph = app.acquire_token([SCOPE]).await.unwrap();
        let found = app.acquire_token(["openid"]).await.unwrap();
        assert_eq!(found.access_token(), of_graph.access_token());
    }
}

/// A store on a disk that is full.
#[derive(Clone)]
struct Full;

impl TokenStore for Full {
    fn read(&self, _: Option<&StoreVersion>) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        Ok(Some((Secret::default(), StoreVersion::new([0]))))
    }

    fn update(
        &self,
        _: &mut dyn FnMut(&Secret) -> Option<Secret>,
    ) -> Result<StoreVersion, StoreError> {
        Err(StoreError::new(StoreErrorKind::Io, "no space is left"))
    }

    fn set_aside(&self, _: &StoreVersion) -> Result<Option<String>, StoreError> {
        Ok(None)
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_is_given_and_says_so() {
    let lab = Lab::start().await.unwrap();
    let full = app(&lab, &Full, CLIENT_ID, "contoso.test");
    let token = full.acquire_token([SCOPE]).await.unwrap();
    let why = token.not_kept().unwrap();
    assert!(why.contains("no space is left"), "{why}");

    let kept = app(&lab, &Text::of(&json!({})), CLIENT_ID, "contoso.test");
    let token = kept.acquire_token([SCOPE]).await.unwrap();
    assert_eq!(token.not_kept(), None);
}
