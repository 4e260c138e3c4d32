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

use serde::Deserialize;
use silentry::PublicClientApplication;

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
        .build()?;
    // From the cache, else by the ticket, else by a code that the user types in on another device. Asking before each
    // call is right: as long as the token is good, it costs nothing.
    let token = app
        .acquire_token(["https://graph.microsoft.com/User.Read"])
        .or_device_code(|code| eprintln!("{}", code.message()))
        .await?;

    let me: User = reqwest::Client::new()
        .get("https://graph.microsoft.com/v1.0/me")
        .bearer_auth(token.access_token())
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    println!("{} <{}>", me.display_name, me.user_principal_name);
    Ok(())
}
