//! Rows of a token cache as other programs write them: which token is found, which is replaced, and whose it is.

#[cfg(feature = "integrated")]
mod signed_in;

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use silentry::Secret;
use silentry::cache::store::{StoreError, StoreVersion, TokenStore};
use silentry::{Account, Code, Error, PublicClientApplication, TokenCache, TokenSource};

const CLIENT: &str = "0a1b2c3d-2222-3333-4444-555555aabbcc";
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT: &str = "0b2ec4ff-6b1a-4d6b-8a3f-2f0a1b9d7c11";
const HOST: &str = "login.microsoftonline.com";
const SCOPE: &str = "https://graph.microsoft.com/User.Read";

/// A store that is one text.
#[derive(Clone)]
struct Text(Arc<Mutex<String>>);

impl Text {
    fn of(cache: &Value) -> Self {
        Self(Arc::new(Mutex::new(cache.to_string())))
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.0.lock().unwrap()).unwrap()
    }

    fn rows(&self, kind: &str) -> usize {
        self.value()[kind].as_object().unwrap().len()
    }
}

impl TokenStore for Text {
    fn read(
        &self,
        known: Option<&StoreVersion>,
    ) -> Result<Option<(Secret, StoreVersion)>, StoreError> {
        let text = self.0.lock().unwrap();
        let version = StoreVersion::new(text.as_bytes());
        Ok((known != Some(&version)).then(|| (Secret::from(text.as_str()), version)))
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

fn app(store: &Text, client_id: &str, authority: &str) -> PublicClientApplication {
    PublicClientApplication::builder(client_id)
        .with_authority(authority)
        .with_token_cache(TokenCache::with_store(store.clone()))
        .without_proxy()
        .build()
        .unwrap()
}

fn entra(tenant: &str) -> String {
    format!("https://{HOST}/{tenant}")
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs().try_into().unwrap()
}

/// An account `oid.tid` with a row of this user name and an access token.
fn user(home: &str, username: &str, environment: &str, realm: &str) -> Value {
    json!({
        "Account": {username: {"home_account_id": home, "environment": environment, "realm": realm,
            "username": username, "authority_type": "MSSTS"}},
        "AccessToken": {username: access_token(home, "token", environment, realm)},
    })
}

fn access_token(home: &str, secret: &str, environment: &str, realm: &str) -> Value {
    json!({"credential_type": "AccessToken", "home_account_id": home, "environment": environment, "realm": realm,
        "client_id": CLIENT, "target": SCOPE, "secret": secret, "token_type": "Bearer",
        "cached_at": now().to_string(), "expires_on": (now() + 3600).to_string()})
}

fn id_token(claims: &Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn together(caches: &[Value]) -> Value {
    let mut all = json!({});
    for cache in caches {
        for (kind, rows) in cache.as_object().unwrap() {
            for (key, row) in rows.as_object().unwrap() {
                let count = all[kind].as_object().map_or(0, serde_json::Map::len);
                all[kind][format!("{key} {count}")] = row.clone();
            }
        }
    }
    all
}

fn names(accounts: &[Account]) -> Vec<&str> {
    accounts.iter().map(Account::username).collect()
}

async fn token(app: &PublicClientApplication, account: &Account) -> Result<String, Error> {
    let token = app.acquire_token_silent([SCOPE], account).await?;
    assert_eq!(token.token_source(), TokenSource::Cache);
    Ok(token.access_token().to_owned())
}

#[tokio::test]
async fn rows_that_name_the_port_are_those_of_the_host() {
    let adfs = |port: &str| format!("https://fs.contoso.test{port}/adfs");
    for (environments, authority, realm) in [
        (
            &["login.microsoftonline.com:443"][..],
            entra(TENANT),
            TENANT,
        ),
        (
            &["Login.Windows.Net:443", "sts.windows.net"],
            entra(TENANT),
            TENANT,
        ),
        (&["fs.contoso.test:443"], adfs(""), ""),
        (
            &["fs.contoso.test:443", "fs.contoso.test"],
            adfs(""),
            "adfs",
        ),
        (&["FS.contoso.test:8443"], adfs(":8443"), "adfs"),
        (&["fs.contoso.test"], adfs(":8443"), ""),
        (
            &["fs.contoso.test", "fs.contoso.test:8443"],
            adfs(":8443"),
            "",
        ),
        (
            &["login.contoso.test:8443"],
            "https://login.contoso.test:8443/contoso.test".into(),
            "contoso.test",
        ),
    ] {
        let home = format!("ana.{TENANT}");
        let rows = environments
            .iter()
            .map(|host| user(&home, "ana@contoso.test", host, realm));
        let store = Text::of(&together(&rows.collect::<Vec<_>>()));
        let app = PublicClientApplication::builder(CLIENT)
            .with_authority(&authority)
            .with_instance_discovery(false)
            .with_token_cache(TokenCache::with_store(store.clone()))
            .without_proxy()
            .build()
            .unwrap();
        let accounts = app.accounts().await.unwrap();
        assert_eq!(names(&accounts), ["ana@contoso.test"], "{environments:?}");
        assert_eq!(token(&app, &accounts[0]).await.unwrap(), "token");
        app.remove_account(&accounts[0]).await.unwrap();
        assert_eq!(
            store.rows("Account") + store.rows("AccessToken"),
            0,
            "{environments:?}"
        );
    }
}

#[tokio::test]
async fn another_port_is_another_server() {
    for (environment, authority) in [
        ("fs.contoso.test:9443", "https://fs.contoso.test:8443/adfs"),
        ("fs.contoso.test:8443", "https://fs.contoso.test/adfs"),
    ] {
        let store = Text::of(&user("sub", "ana@contoso.test", environment, "adfs"));
        assert_eq!(app(&store, CLIENT, authority).accounts().await.unwrap(), []);
    }
    let store = Text::of(&user("sub", "ana@contoso.test", "id.contoso.test:8443", ""));
    let openid = PublicClientApplication::builder(CLIENT)
        .with_oidc_authority("https://id.contoso.test")
        .with_token_cache(TokenCache::with_store(store))
        .build()
        .unwrap();
    assert_eq!(openid.accounts().await.unwrap(), []);
}

#[tokio::test]
async fn the_case_of_a_client_id_makes_no_other_application() {
    let home = format!("ana.{TENANT}");
    let store = Text::of(&user(&home, "ana@contoso.test", HOST, TENANT));
    let capitals = app(&store, &CLIENT.to_uppercase(), &entra(TENANT));
    let accounts = capitals.accounts().await.unwrap();
    assert_eq!(token(&capitals, &accounts[0]).await.unwrap(), "token");
    let other = app(&store, &CLIENT.replace("aabbcc", "aabbcd"), &entra(TENANT));
    let error = token(&other, &accounts[0]).await.unwrap_err();
    assert_eq!(error.code(), "no_tokens_found");
}

/// MSAL Node and Python name the host of an authority with its port.
#[tokio::test]
async fn names_are_those_of_rows_with_the_port_of_the_authority_too() {
    const HOST: &str = "login.contoso.test:8443";
    let home = format!("ana.{TENANT}");
    for (claims, listed, name, is_found) in [
        // Anybody may set the address.
        (
            json!({"email": "carol@contoso.test"}),
            "carol@contoso.test",
            "carol@contoso.test",
            false,
        ),
        (
            json!({"upn": "ana@contoso.test"}),
            "ana@fabrikam.test",
            "ana@contoso.test",
            true,
        ),
    ] {
        let mut rows = user(&home, listed, HOST, TENANT);
        rows["IdToken"] = json!({"x": {"home_account_id": home, "environment": HOST, "realm": TENANT,
            "client_id": CLIENT, "secret": id_token(&claims)}});
        let app = PublicClientApplication::builder(CLIENT)
            .with_authority(format!("https://{HOST}/{TENANT}"))
            .with_instance_discovery(false)
            .with_token_cache(TokenCache::with_store(Text::of(&rows)))
            .without_proxy()
            .build()
            .unwrap();
        let found = app.account_for_login_hint(name).await;
        assert_eq!(found.is_ok(), is_found, "{claims}");
    }
}

#[tokio::test]
async fn the_case_of_a_home_account_id_makes_no_other_account() {
    let home = format!("9f4880d8-80ba-4c40-97bc-f7a23c703084.{TENANT}");
    let capitals = home.to_uppercase();
    let mut rows = together(&[
        user(&capitals, "ana@contoso.test", HOST, TENANT),
        user(
            &home,
            "ana@fabrikam.test",
            "login.windows.net",
            OTHER_TENANT,
        ),
    ]);
    let claims = json!({"oid": "x", "tid": TENANT, "upn": "ana@contoso.test"});
    rows["IdToken"] = json!({"x": {"home_account_id": home, "environment": HOST, "realm": TENANT,
        "client_id": CLIENT, "secret": id_token(&claims)}});
    let store = Text::of(&rows);
    let app = app(&store, CLIENT, &entra(TENANT));
    let accounts = app.accounts().await.unwrap();
    assert_eq!(names(&accounts), ["ana@contoso.test"]);
    for id in [&home, &capitals] {
        let account = app.account(id).await.unwrap().unwrap();
        assert_eq!(app.account_for_login_hint(id).await.unwrap(), account);
        let found = app.acquire_token_silent([SCOPE], &account).await.unwrap();
        assert_eq!(found.access_token(), "token");
        assert_eq!(found.unique_id(), Some("x"));
    }
    app.remove_account(&accounts[0]).await.unwrap();
    for kind in ["Account", "AccessToken", "IdToken"] {
        assert_eq!(store.rows(kind), 0, "{kind}");
    }
    // A subject of AD FS has case.
    let subjects = together(&[
        user("sub+Ab=", "ana@contoso.test", "fs.contoso.test", "adfs"),
        user("sub+aB=", "bob@contoso.test", "fs.contoso.test", "adfs"),
    ]);
    let app = self::app(&Text::of(&subjects), CLIENT, "https://fs.contoso.test/adfs");
    assert_eq!(app.accounts().await.unwrap().len(), 2);
    let bob = app.account("sub+aB=").await.unwrap().unwrap();
    assert_eq!(bob.username(), "bob@contoso.test");
    assert_eq!(app.account("SUB+AB=").await.unwrap(), None);
}

#[tokio::test]
async fn an_account_is_found_by_every_name_of_its_own() {
    const GUEST: &str = "ana_contoso.test#EXT#@fabrikam.onmicrosoft.com";
    let home = format!("ana.{TENANT}");
    let mut of_others = user(&home, "ana@contoso.test", HOST, TENANT);
    let claims = json!({"oid": "x", "tid": OTHER_TENANT, "upn": "ana.of.token@fabrikam.test"});
    of_others["IdToken"] = json!({"x": {"home_account_id": home, "environment": "login.windows.net",
        "realm": OTHER_TENANT, "client_id": CLIENT, "secret": id_token(&claims)}});
    let store = Text::of(&together(&[
        of_others,
        user(&home, GUEST, "login.windows.net", OTHER_TENANT),
        user(
            &format!("jürgen.{TENANT}"),
            "Jürgen.Ñandú@contoso.test",
            HOST,
            TENANT,
        ),
        user(
            &format!("sofia.{TENANT}"),
            "ΣΟΦΊΑΣ@contoso.test",
            HOST,
            TENANT,
        ),
    ]));
    let app = app(&store, CLIENT, &entra(TENANT));
    for (name, expected) in [
        ("ana@contoso.test", "ana@contoso.test"),
        (GUEST, "ana@contoso.test"),
        (
            "ANA_contoso.test#ext#@Fabrikam.onmicrosoft.com",
            "ana@contoso.test",
        ),
        ("ana.of.token@fabrikam.test", "ana@contoso.test"),
        ("JÜRGEN.ÑANDÚ@CONTOSO.TEST", "Jürgen.Ñandú@contoso.test"),
        ("σοφίας@contoso.test", "ΣΟΦΊΑΣ@contoso.test"),
    ] {
        let found = app.account_for_login_hint(name).await;
        assert_eq!(found.unwrap().username(), expected, "{name}");
        let cached = app
            .acquire_token([SCOPE])
            .from_nothing()
            .or_silent_for(name)
            .await;
        assert_eq!(cached.unwrap().account().username(), expected, "{name}");
    }
    for name in ["ana", "ana@contoso.tes", "jurgen.nandu@contoso.test", ""] {
        let error = app.account_for_login_hint(name).await.unwrap_err();
        assert_eq!(error.code(), "no_account_for_login_hint", "{name}");
    }
}

#[tokio::test]
async fn a_ladder_for_one_user_finds_nobody_else_in_the_cache() {
    let (ana, bob) = (format!("ana.{TENANT}"), format!("bob.{TENANT}"));
    let store = Text::of(&together(&[
        user(&ana, "ana@contoso.test", HOST, TENANT),
        user(&bob, "bob@contoso.test", HOST, TENANT),
    ]));
    let app = app(&store, CLIENT, &entra(TENANT));
    let account = app.account(&bob).await.unwrap().unwrap();
    app.remove_account(&account).await.unwrap();
    let of_nobody = || app.acquire_token([SCOPE]).from_nothing();
    for ladder in [
        of_nobody().or_silent_for("bob@contoso.test"),
        of_nobody().or_silent_for(&bob),
        of_nobody().with_account(&account),
    ] {
        let error = ladder.or_silent_for("ana@contoso.test").await.unwrap_err();
        assert_eq!(error.code(), "user_mismatch");
    }
    let sole = of_nobody()
        .or_silent_for("bob@contoso.test")
        .or_silent_for_sole_account();
    assert_eq!(sole.await.unwrap_err().code(), "user_mismatch");
    // Who is named alone is found.
    let token = of_nobody().or_silent_for("ana@contoso.test").await.unwrap();
    assert_eq!(token.access_token(), "token");
}

#[tokio::test]
async fn of_two_accounts_of_one_name_the_tenant_chooses_the_one_at_home_there() {
    const NAME: &str = "ana@contoso.test";
    let (here, there) = (format!("a.{TENANT}"), format!("b.{OTHER_TENANT}"));
    let claims = json!({"oid": "b", "tid": OTHER_TENANT, "preferred_username": NAME});
    let mut cache = together(&[
        user(&here, NAME, HOST, TENANT),
        user(&there, NAME, HOST, OTHER_TENANT),
        user(&here, NAME, HOST, OTHER_TENANT),
    ]);
    for row in cache["AccessToken"].as_object_mut().unwrap().values_mut() {
        if row["home_account_id"] == here && row["realm"] == TENANT {
            row["requested_tenant"] = "contoso.test".into();
        }
    }
    // As MSAL Python writes it.
    cache["IdToken"] = json!({"x": {"home_account_id": there, "environment": HOST, "realm": "fabrikam.test",
        "client_id": CLIENT, "secret": id_token(&claims)}});
    let store = Text::of(&cache);
    for (tenant, expected) in [
        (TENANT, Some(&here)),
        (&OTHER_TENANT.to_uppercase(), Some(&there)),
        ("contoso.test", Some(&here)),
        ("Fabrikam.test", Some(&there)),
        ("organizations", None),
        ("unknown.test", None),
    ] {
        let of_tenant = app(&store, CLIENT, &entra(tenant));
        let found = of_tenant.account_for_login_hint(NAME).await;
        let any = app(&store, CLIENT, &entra("organizations"));
        let ladder = any
            .acquire_token([SCOPE])
            .from_nothing()
            .or_silent_for(NAME);
        let silent = ladder.with_tenant_id(tenant).await;
        match expected {
            Some(home) => {
                assert_eq!(
                    found.unwrap().home_account_id(),
                    Some(home.as_str()),
                    "{tenant}"
                );
                // The domain of a token of others is not known to be the tenant's.
                if let Ok(silent) = silent {
                    assert_eq!(
                        silent.account().home_account_id(),
                        Some(home.as_str()),
                        "{tenant}"
                    );
                } else {
                    assert_eq!(tenant, "Fabrikam.test");
                }
            }
            None => {
                let code = "multiple_accounts_for_login_hint";
                assert_eq!(found.unwrap_err().code(), code, "{tenant}");
                assert_eq!(silent.unwrap_err().code(), code, "{tenant}");
            }
        }
    }
}

#[tokio::test]
async fn times_that_cannot_be_are_believed_of_no_token() {
    let home = format!("ana.{TENANT}");
    let day = 24 * 60 * 60;
    for (expires_on, is_good) in [
        (json!((now() + 365 * day).to_string()), true),
        (json!(now() + 3600), true),
        (json!((now() + 367 * day).to_string()), false),
        (json!(now() * 1000), false),
        (json!((now() * 1000).to_string()), false),
        (json!(now() * 1_000_000_000), false),
        (json!("253402300799"), false),
        (json!(i64::MIN.to_string()), false),
        (json!(i64::MIN), false),
        (json!((i64::MIN + 300).to_string()), false),
        (json!(i64::MAX.to_string()), false),
        (json!("9223372036854775808"), false),
        (json!("-62135596800"), false),
        (json!((now() + 200).to_string()), false),
        (json!(""), false),
        (Value::Null, false),
    ] {
        for refresh_on in [
            Value::Null,
            json!(i64::MAX),
            json!(i64::MIN),
            json!(i64::MAX.to_string()),
        ] {
            let mut cache = user(&home, "ana@contoso.test", HOST, TENANT);
            let row = &mut cache["AccessToken"]["ana@contoso.test"];
            row["expires_on"] = expires_on.clone();
            row["refresh_on"] = refresh_on.clone();
            row["extended_expires_on"] = refresh_on;
            let store = Text::of(&cache);
            let app = app(&store, CLIENT, &entra(TENANT));
            let accounts = app.accounts().await.unwrap();
            let found = token(&app, &accounts[0]).await;
            assert_eq!(found.is_ok(), is_good, "{expires_on}");
            let code = found.err().map(|error| error.code().clone());
            assert!(is_good || code == Some(Code::NoTokensFound), "{code:?}");

            // It hides no token that is good.
            cache["AccessToken"]["good"] = access_token(&home, "good", HOST, TENANT);
            *store.0.lock().unwrap() = cache.to_string();
            app.accounts().await.unwrap();
            assert!(token(&app, &accounts[0]).await.is_ok(), "{expires_on}");
        }
    }
}
