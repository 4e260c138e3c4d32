//! Uses a token cache in a file that other programs use, too: `shared_cache FILE sign-in|silent|refresh UPN`.
//!
//! `SILENTRY_CLIENT_ID`, `SILENTRY_TENANT`, `SILENTRY_SCOPE` and `SILENTRY_CA_BUNDLE` as for `silentry`,
//! `INTEROP_PASSWORD` is the user's password. It prints one line of JSON: whose token it got, a hash of it, whether it
//! came from the cache, and how many accounts the cache has.

use std::env;
use std::error::Error;
use std::io::Write;

use sha2::{Digest, Sha256};
use silentry::Secret;
use silentry::cache::store::FileStore;
use silentry::{PublicClientApplication, TokenCache, TokenSource};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, action, user] = arguments.as_slice() else {
        return Err("want FILE, what to do, and the user".into());
    };
    let app = PublicClientApplication::builder(env::var("SILENTRY_CLIENT_ID")?)
        .with_tenant_id(env::var("SILENTRY_TENANT")?)
        .with_ca_bundle(std::fs::read(env::var("SILENTRY_CA_BUNDLE")?)?)
        .with_token_cache(TokenCache::with_store(FileStore::new(file)))
        .build()?;
    let scopes = [env::var("SILENTRY_SCOPE")?];
    let token = if action == "sign-in" {
        let password = Secret::from(env::var("INTEROP_PASSWORD")?);
        app.acquire_token_by_username_password(scopes, user, password)
            .await?
    } else {
        let accounts = app.accounts().await?;
        let mut named = accounts.iter().filter(|account| account.username() == user);
        let account = named.next().ok_or("no such account")?;
        app.acquire_token_silent(scopes, account)
            .with_force_refresh(action == "refresh")
            .await?
    };
    let hash: String = Sha256::digest(token.access_token())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    writeln!(
        std::io::stdout(),
        r#"{{"version":"{}","user":"{}","token":"{hash}","cached":{},"accounts":{}}}"#,
        env!("CARGO_PKG_VERSION"),
        token.account().username(),
        token.token_source() == TokenSource::Cache,
        app.accounts().await?.len(),
    )?;
    Ok(())
}
