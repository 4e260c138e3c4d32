//! Microsoft's documented sample of integrated Windows authentication, in Rust: the token that the signed-in user has
//! first, then the user's ticket, and what to do about each error that the documentation names.
//!
//! ```sh
//! export SILENTRY_CLIENT_ID=11111111-2222-3333-4444-555555555555 SILENTRY_TENANT=contoso.com
//! cargo run --example integrated_windows_auth
//! ```
//!
//! It runs unchanged where there is no Active Directory: `silentry-lab exec -- target/debug/examples/integrated_windows_auth`.
//!
//! <https://learn.microsoft.com/en-us/entra/msal/dotnet/acquiring-tokens/desktop-mobile/integrated-windows-authentication>

#![allow(clippy::print_stdout, clippy::print_stderr)] // what an example has to say it prints

use std::env;
use std::process::ExitCode;

use silentry::cache::store::default_store;
use silentry::{AuthenticationResult, Code, Error, PublicClientApplication, TokenCache};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match token_for_graph().await {
        Ok(token) => {
            println!("{}", token.account().username());
            eprintln!("the token is from {:?}", token.token_source());
            ExitCode::SUCCESS
        }
        Err(error) => {
            explain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn token_for_graph() -> Result<AuthenticationResult, Error> {
    let app = PublicClientApplication::builder(env::var("SILENTRY_CLIENT_ID").unwrap_or_default())
        // Integrated sign-in wants a tenant, or `organizations`.
        .with_tenant_id(env::var("SILENTRY_TENANT").unwrap_or("organizations".to_owned()))
        .with_token_cache(token_cache())
        .build()?;

    // The original takes the first account of the cache, which in a cache that programs or users share may be anybody's.
    // This looks for the one of the user who is signed in to the machine, and goes on with the ticket.
    app.acquire_token(SCOPES).await
}

/// Tokens outlive the program where the system keeps secrets; elsewhere every run signs in, which takes no prompt.
fn token_cache() -> TokenCache {
    match default_store("silentry-sample") {
        Ok(store) => TokenCache::with_store(store),
        Err(_) => TokenCache::in_memory(),
    }
}

/// The errors of the documentation with their mitigations. [`Error::mitigation`] says the same for every error there is;
/// the cases stand here to show what a program can tell apart.
fn explain(error: &Error) {
    eprintln!("{error}");
    match error {
        // MsalUiRequiredException
        Error::InteractionRequired(needed) => {
            // AADSTS65001: the user or administrator has not consented to use the application.
            // Mitigation: get the consent once, by an interactive sign-in or in a browser.
            if let [user, administrator, ..] = needed.consent_urls() {
                eprintln!("consent here: {user}\nor for everybody: {administrator}");
                return;
            }
            // AADSTS50079, AADSTS50076: the user must use multi-factor authentication.
            // There is no mitigation: go on with a flow that can prompt, such as
            //     app.acquire_token_with_device_code(SCOPES, show).for_interaction(needed)
            eprintln!("only a sign-in that can prompt helps here");
        }
        // MsalServiceException
        Error::Service(_) => {
            // AADSTS7000218 (AADSTS70002 of old): the request body must contain client_assertion or client_secret.
            // The application is not registered as a public client.
            // Mitigation: "Allow public client flows" in the portal, `allowPublicClient` in the manifest.
            if error.aadsts().contains(&7000218) {
                eprintln!("the registration must allow public client flows");
                return;
            }
            // AADSTS50059: no tenant-identifying information found.
            // Mitigation: name the tenant instead of `organizations`.
            if error.aadsts().contains(&50059) {
                eprintln!("name the tenant in SILENTRY_TENANT");
                return;
            }
        }
        // MsalClientException
        Error::Client(_) => match error.code() {
            // AADSTS90010: the grant type is not supported over the /common or /consumers endpoints. It is known here
            // before anything is sent.
            // Mitigation: the authority needs a tenant, or otherwise `organizations`.
            Code::MissingTenantedAuthority => {
                eprintln!("name the tenant in SILENTRY_TENANT, or `organizations`");
                return;
            }
            // unknown_user: the library could not identify the signed-in user, or the user is not of a domain;
            // workplace-joined users are not supported.
            // Mitigation 1: in an AppContainer, the capabilities Enterprise Authentication, Private Networks (Client
            // and Server) and User Account Information.
            // Mitigation 2: find the name yourself, and give it by with_username("john@contoso.com"): it leads to the
            // federation server, and the token must be for that user.
            Code::UnknownUser => {
                eprintln!(
                    "nobody of a domain seems to be signed in; with_username names who it is"
                );
                return;
            }
            // integrated_windows_auth_not_supported_managed_user: the user was created in Entra without Active
            // Directory behind, so there is no server that takes the ticket.
            // Mitigation: interactive authentication.
            Code::IntegratedWindowsAuthNotSupportedManagedUser => {
                eprintln!("only a sign-in that can prompt helps here");
                return;
            }
            _ => {}
        },
        _ => {}
    }
    eprintln!("{}", error.mitigation());
}
