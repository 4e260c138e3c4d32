//! Several OpenID Connect servers whose applications share one token cache: each issuer knows its own users alone, those
//! of one host too.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use silentry::Secret;
use silentry::transport::{HttpRequest, HttpResponse};
use silentry::{
    Account, PublicClientApplication, PublicClientApplicationBuilder, TokenCache, TokenSource,
};

use crate::support::{Answer, Answering};

const CLIENT: &str = "desktop";
const SCOPES: [&str; 1] = ["orders"];

const A: &str = "https://kc.test/realms/a";
const B: &str = "https://kc.test/realms/b";

/// One issuer. It signs in everybody, as the user of the password grant or the one of the refresh token.
#[derive(Clone)]
struct Server {
    issuer: &'static str,
    token_endpoint: String,
    /// Claims of its id tokens besides those that each has.
    claims: Value,
    /// Host, path and body of all token requests.
    seen: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    fn of(issuer: &'static str) -> Self {
        Self {
            issuer,
            token_endpoint: format!("{}/token", issuer.trim_end_matches('/')),
            claims: json!({}),
            seen: Arc::default(),
        }
    }

    fn app(&self, cache: &TokenCache) -> PublicClientApplication {
        let builder = self.builder(cache).with_oidc_authority(self.issuer);
        builder.build().unwrap()
    }

    fn builder(&self, cache: &TokenCache) -> PublicClientApplicationBuilder {
        PublicClientApplication::builder(CLIENT)
            .with_token_cache(cache.clone())
            .with_transport(Answering(self.clone()))
    }

    fn document(&self, host: &str, request: &HttpRequest) -> Value {
        let url = format!("https://{host}{}", request.target());
        if url.ends_with("/.well-known/openid-configuration") {
            return json!({"issuer": self.issuer, "token_endpoint": self.token_endpoint,
                "authorization_endpoint": format!("{}/authorize", self.issuer)});
        }
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        self.seen.lock().unwrap().push((url, body));
        let mut claims = json!({"iss": self.issuer, "aud": CLIENT, "sub": "1", "exp": 4_000_000_000_u32,
            "preferred_username": format!("alice@{}", self.issuer)});
        let more = self.claims.as_object().unwrap().clone();
        claims.as_object_mut().unwrap().extend(more);
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        json!({"token_type": "Bearer", "expires_in": 3600, "access_token": format!("AT-OF-{}", self.issuer),
            "refresh_token": format!("RT-OF-{}", self.issuer), "id_token": format!("e30.{claims}.c2ln")})
    }

    /// The refresh tokens that were sent since the last time, with the address that they went to.
    fn refreshed(&self) -> Vec<(String, String)> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let sent = seen.into_iter().filter_map(|(url, body)| {
            let form = url::form_urlencoded::parse(body.as_bytes());
            let token = form
                .into_owned()
                .find(|(name, _)| name == "refresh_token")?;
            Some((url, token.1))
        });
        sent.collect()
    }
}

impl Answer for Server {
    fn answer(&self, host: &str, request: &HttpRequest) -> HttpResponse {
        let body = self.document(host, request).to_string();
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        HttpResponse::new(200, headers, body.into_bytes())
    }
}

async fn sign_in(app: &PublicClientApplication) -> Account {
    let password = Secret::from("password");
    let token = app.acquire_token_by_username_password(SCOPES, "alice", password);
    token.await.unwrap().account().clone()
}

async fn names(app: &PublicClientApplication) -> Vec<String> {
    let accounts = app.accounts().await.unwrap();
    let names = accounts.iter().map(Account::username);
    names.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_refresh_token_goes_to_no_other_issuer_of_its_host() {
    let cache = TokenCache::in_memory();
    let a = Server::of(A);
    let b = Server {
        token_endpoint: "https://evil.test/realms/b/token".into(),
        ..Server::of(B)
    };
    let (app_a, app_b) = (a.app(&cache), b.app(&cache));
    let of_a = sign_in(&app_a).await;
    assert_eq!(names(&app_a).await, [format!("alice@{A}")]);
    assert_eq!(names(&app_b).await, [""; 0]);
    let error = app_b.acquire_token_silent(SCOPES, &of_a).await.unwrap_err();
    assert_eq!(error.code(), "no_tokens_found");
    assert_eq!(b.refreshed(), []);
}

#[tokio::test]
async fn equal_subjects_at_two_issuers_are_two_accounts() {
    // The paths of the last two differ by case alone, and the third is all of its host.
    let issuers = [A, B, "https://kc.test", "https://kc.test/Realms/a"];
    let cache = TokenCache::in_memory();
    let servers = issuers.map(Server::of);
    let apps = servers.each_ref().map(|server| server.app(&cache));
    let mut accounts = Vec::new();
    for app in &apps {
        accounts.push(sign_in(app).await);
    }
    for ((server, app), account) in servers.iter().zip(&apps).zip(&accounts) {
        let issuer = server.issuer;
        assert_eq!(names(app).await, [format!("alice@{issuer}")]);
        server.refreshed();
        let hit = app.acquire_token_silent(SCOPES, account).await.unwrap();
        assert_eq!(hit.token_source(), TokenSource::Cache, "{issuer}");
        assert_eq!(hit.access_token(), format!("AT-OF-{issuer}"));
        let renewal = app
            .acquire_token_silent(SCOPES, account)
            .with_force_refresh(true);
        assert_eq!(renewal.await.unwrap().account(), account);
        let own = (server.token_endpoint.clone(), format!("RT-OF-{issuer}"));
        assert_eq!(server.refreshed(), [own]);
    }
    apps[0].remove_account(&accounts[0]).await.unwrap();
    assert_eq!(names(&apps[0]).await, [""; 0]);
    for app in &apps[1..] {
        assert_eq!(names(app).await.len(), 1);
    }
}

#[tokio::test]
async fn an_account_of_another_kind_of_server_is_not_served() {
    let cache = TokenCache::in_memory();
    let word = Server::of("https://login.test/organizations");
    let host = Server::of("https://kc.test");
    let adfs = Server::of("https://kc.test/adfs");
    let authority = |server: &Server, url: &str| {
        let builder = server.builder(&cache).with_authority(url);
        builder.with_instance_discovery(false).build().unwrap()
    };
    let of_entra = authority(&word, "https://login.test/organizations");
    let of_adfs = authority(&adfs, "https://kc.test/adfs");
    let of_word = sign_in(&word.app(&cache)).await;
    let of_host = sign_in(&of_adfs).await;
    for server in [&word, &host, &adfs] {
        server.refreshed();
    }
    for (app, account) in [
        (&of_entra, &of_word),
        (&host.app(&cache), &of_host),
        (&adfs.app(&cache), &of_host),
    ] {
        assert!(!app.accounts().await.unwrap().contains(account));
        let error = app.acquire_token_silent(SCOPES, account).await.unwrap_err();
        assert_eq!(error.code(), "no_tokens_found");
    }
    let sent = [&word, &host, &adfs].map(Server::refreshed);
    assert_eq!(sent, [[], [], []]);
}

#[tokio::test]
async fn an_account_binds_to_its_own_issuer() {
    let cache = TokenCache::in_memory();
    let (a, b) = (Server::of(A), Server::of(B));
    let (app_a, app_b) = (a.app(&cache), b.app(&cache));
    let of_a = sign_in(&app_a).await;
    let ladder = |app: &PublicClientApplication| app.acquire_token(SCOPES).with_account(&of_a);
    let error = ladder(&app_b)
        .or_username_and_asked_password("alice", || panic!("for the wrong server"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "user_mismatch");
    assert_eq!(b.seen.lock().unwrap().len(), 0);
    app_a.remove_account(&of_a).await.unwrap();
    let again = ladder(&app_a).or_username_password("alice", Secret::from("password"));
    assert_eq!(again.await.unwrap().account(), &of_a);
}

#[tokio::test]
async fn a_token_is_found_again_whatever_tenant_the_server_tells() {
    let cache = TokenCache::in_memory();
    let server = Server {
        claims: json!({"tid": "72f988bf-86f1-41af-91ab-2d7cd011db47"}),
        ..Server::of(A)
    };
    let app = server.app(&cache);
    let account = sign_in(&app).await;
    let hit = app.acquire_token_silent(SCOPES, &account).await.unwrap();
    assert_eq!(hit.token_source(), TokenSource::Cache);
    assert_eq!(server.seen.lock().unwrap().len(), 1);
}
