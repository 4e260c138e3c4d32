//! Signs in at any OpenID Connect server, and gets another token without the user.
//!
//! ```text
//! openid ISSUER CLIENT_ID browser          the system's browser, which comes back to http://localhost
//! openid ISSUER CLIENT_ID device-code      a browser anywhere, where the user types a code
//! ```
//!
//! The client must be registered as a public one (native, no secret), for both ways with the grant `refresh_token`.

#![allow(clippy::print_stdout, clippy::print_stderr)] // the result of an example is what it prints

use std::error::Error;
use std::process::ExitCode;

use silentry::{AuthenticationResult, PublicClientApplication};

/// The server names the user in the id token for `profile`, which is asked for anyway, and the address for `email`.
const SCOPES: [&str; 2] = ["openid", "email"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [issuer, client_id, way] = arguments.as_slice() else {
        return Err("openid ISSUER CLIENT_ID browser|device-code".into());
    };
    let app = PublicClientApplication::builder(client_id)
        .with_oidc_authority(issuer)
        .build()?;
    let signed_in = match way.as_str() {
        "browser" => app.acquire_token_interactive(SCOPES).await,
        "device-code" => {
            let show = |code: &silentry::DeviceCode| println!("{}", code.message());
            app.acquire_token_with_device_code(SCOPES, show).await
        }
        other => return Err(format!("no flow is called `{other}`").into()),
    };
    let signed_in = match signed_in {
        Ok(token) => token,
        Err(error) => {
            eprintln!("{}: {error}\n{}", error.code(), error.mitigation());
            return Ok(ExitCode::FAILURE);
        }
    };
    show("signed in", &signed_in);

    // From now on nobody is asked: the cache has a token, and later the refresh token brings the next one.
    let account = signed_in.account();
    let cached = app.acquire_token_silent(SCOPES, account).await?;
    show("silent", &cached);
    let renewed = app
        .acquire_token_silent(SCOPES, account)
        .with_force_refresh(true)
        .await?;
    show("renewed", &renewed);
    Ok(ExitCode::SUCCESS)
}

fn show(what: &str, token: &AuthenticationResult) {
    let (user, source) = (token.account().username(), token.token_source());
    println!(
        "{what}: {user}, {source:?}, for {}",
        token.scopes().join(" ")
    );
}
