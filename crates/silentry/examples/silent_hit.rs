//! Times tokens from a token cache in a file: `silent_hit FILE`.
//!
//! Prints one line of JSON: how long it took to read the cache, to list its accounts once it is read, and to get the
//! token of the last one, which is in memory by then. `cargo xtask bench` runs it beside MSAL Python and Node.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use silentry::cache::store::FileStore;
use silentry::{Account, PublicClientApplication, TokenCache, TokenSource};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];
const ROUNDS: usize = 21;
const HITS: u32 = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("which cache?")?;
    let app = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
        .with_tenant_id("99999999-0000-0000-0000-000000000000")
        .with_token_cache(TokenCache::with_store(FileStore::new(file)))
        .build()?;
    let started = Instant::now();
    app.accounts().await?;
    let load = started.elapsed();
    let started = Instant::now();
    let accounts = app.accounts().await?;
    let list = started.elapsed();
    let account = accounts.last().ok_or("the cache has no account")?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(hits(&app, account).await?);
    }
    rounds.sort_unstable();
    writeln!(
        std::io::stdout(),
        r#"{{"load_ms":{},"accounts_ms":{},"silent_us":{}}}"#,
        load.as_secs_f64() * 1e3,
        list.as_secs_f64() * 1e3,
        rounds[ROUNDS / 2].as_secs_f64() * 1e6 / f64::from(HITS),
    )?;
    Ok(())
}

/// Gets the token many times, as a program does before each call of an API.
async fn hits(
    app: &PublicClientApplication,
    account: &Account,
) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    for _ in 0..HITS {
        let token = app.acquire_token_silent(SCOPES, account).await?;
        if token.token_source() != TokenSource::Cache {
            return Err("not from the cache".into());
        }
    }
    Ok(started.elapsed())
}
