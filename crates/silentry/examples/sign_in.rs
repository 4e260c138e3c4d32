//! Signs a user in with the browser, on another device or by the Kerberos ticket.
//!
//! ```text
//! sign_in web [--prompt PROMPT] [--login-hint UPN] [--timeout SECONDS]
//! sign_in device
//! sign_in integrated [TIMES]
//! ```
//!
//! `SILENTRY_CLIENT_ID` and `SILENTRY_TENANT` name the application and its tenant, `SILENTRY_SCOPE` what the token is
//! for, `SILENTRY_CA_BUNDLE` further certificate authorities. It prints JSON, one object a line: the code for another
//! device, and who signed in or why nobody did.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use silentry::{AuthenticationResult, DeviceCode, Prompt, PublicClientApplication};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let way = arguments.next().unwrap_or_default();
    let app = PublicClientApplication::builder(variable("SILENTRY_CLIENT_ID")?)
        .with_tenant_id(variable("SILENTRY_TENANT")?);
    let app = match std::env::var_os("SILENTRY_CA_BUNDLE") {
        Some(path) => app.with_ca_bundle(std::fs::read(path)?),
        None => app,
    };
    let app = app.build()?;
    let scopes = [variable("SILENTRY_SCOPE")?];
    let signed_in = match way.as_str() {
        "web" => in_browser(&app, scopes, arguments).await?,
        "device" => app.acquire_token_with_device_code(scopes, show).await,
        "integrated" => {
            let times = arguments.next().map_or(Ok(1), |times| times.parse())?;
            by_ticket(&app, &scopes, times).await
        }
        _ => return Err("how: web, device or integrated?".into()),
    };
    let answer = match signed_in {
        Ok(token) => format!(r#"{{"user":"{}"}}"#, token.account().username()),
        Err(error) => format!(r#"{{"error":"{}"}}"#, error.code()),
    };
    Ok(writeln!(std::io::stdout(), "{answer}")?)
}

async fn in_browser(
    app: &PublicClientApplication,
    scopes: [String; 1],
    mut arguments: impl Iterator<Item = String>,
) -> Result<Result<AuthenticationResult, silentry::Error>, Box<dyn Error>> {
    let mut request = app.acquire_token_interactive(scopes);
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        request = match name.as_str() {
            "--prompt" => request.with_prompt(prompt(&value)?),
            "--login-hint" => request.with_login_hint(value),
            "--timeout" => request.with_timeout(Duration::from_secs(value.parse()?)),
            _ => return Err(format!("what is {name}?").into()),
        };
    }
    Ok(request.await)
}

/// Signs in several times, so that it shows what the application remembers.
async fn by_ticket(
    app: &PublicClientApplication,
    scopes: &[String; 1],
    times: u32,
) -> Result<AuthenticationResult, silentry::Error> {
    for _ in 1..times {
        app.acquire_token_by_integrated_windows_auth(scopes).await?;
    }
    app.acquire_token_by_integrated_windows_auth(scopes).await
}

fn prompt(name: &str) -> Result<Prompt, Box<dyn Error>> {
    let all = [
        Prompt::SelectAccount,
        Prompt::Login,
        Prompt::Consent,
        Prompt::None,
    ];
    let mut all = all.into_iter();
    let known = all.find(|prompt| prompt.as_str() == name);
    known.ok_or_else(|| format!("no prompt is called {name}").into())
}

fn show(code: &DeviceCode) {
    // Whoever reads this is gone when it fails.
    let _ = writeln!(
        std::io::stdout(),
        r#"{{"verification_uri":"{}","user_code":"{}"}}"#,
        code.verification_uri(),
        code.user_code()
    );
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    std::env::var(name).map_err(|error| format!("{name}: {error}").into())
}
