//! Calls Microsoft Graph as the signed-in user.
//!
//! ```sh
//! export SILENTRY_CLIENT_ID=11111111-2222-3333-4444-555555555555 SILENTRY_TENANT=contoso.com
//! cargo run --bin graph
//! ```
//!
//! It runs unchanged where there is no Active Directory: `silentry-lab exec -- target/debug/graph`.

use std::env;
use std::error::Error;

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use silentry::{AuthenticationResult, ClaimsChallenge, DeviceCode, PublicClientApplication};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

/// What is shown of <https://learn.microsoft.com/en-us/graph/api/resources/user>.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    display_name: String,
    user_principal_name: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = PublicClientApplication::builder(env::var("SILENTRY_CLIENT_ID")?)
        .with_tenant_id(env::var("SILENTRY_TENANT")?)
        // Graph may take a token back before it expires, as this program knows what to do then.
        .with_client_capabilities(["cp1"])
        .build()?;
    let graph = Client::new();
    // From the cache, else by the ticket, else by a code that the user types in on another device. Asking before each
    // call is right: as long as the token is good, it costs nothing.
    let token = app.acquire_token(SCOPES).or_device_code(show).await?;
    let mut response = me(&graph, &token).await?;
    if let Some(challenge) = challenge(&response) {
        // The user was disabled, has moved or has a new password: the next token must prove that Entra knows.
        let token = app
            .acquire_token(SCOPES)
            .with_claims(challenge)
            .or_device_code(show)
            .await?;
        response = me(&graph, &token).await?;
    }

    let me: User = response.error_for_status()?.json().await?;
    println!("{} <{}>", me.display_name, me.user_principal_name);
    Ok(())
}

fn show(code: &DeviceCode) {
    eprintln!("{}", code.message());
}

async fn me(graph: &Client, token: &AuthenticationResult) -> reqwest::Result<Response> {
    let request = graph.get("https://graph.microsoft.com/v1.0/me");
    request.bearer_auth(token.access_token()).send().await
}

/// What a refused token lacks (continuous access evaluation); `None` when a new one would not help.
fn challenge(response: &Response) -> Option<ClaimsChallenge> {
    if response.status() != StatusCode::UNAUTHORIZED {
        return None;
    }
    let headers = response.headers().get_all(WWW_AUTHENTICATE);
    ClaimsChallenge::from_www_authenticate(headers.iter().filter_map(|value| value.to_str().ok()))
}
