//! A token in a program without async: the cache, then the ticket of the signed-in user, then a code to type in on
//! another device.
//!
//! ```sh
//! SILENTRY_CLIENT_ID=11111111-2222-3333-4444-555555555555 SILENTRY_TENANT=contoso.com \
//!     cargo run --features blocking --example blocking
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // what an example has to say it prints

use std::env;
use std::error::Error;

use silentry::PublicClientApplication;
use silentry::blocking::Wait;

fn main() -> Result<(), Box<dyn Error>> {
    let app = PublicClientApplication::builder(env::var("SILENTRY_CLIENT_ID")?)
        .with_tenant_id(env::var("SILENTRY_TENANT")?)
        .build()?;
    let token = app
        .acquire_token(["https://graph.microsoft.com/User.Read"])
        .or_device_code(|code| eprintln!("{}", code.message()))
        .wait()?;

    let name = token.account().username();
    println!("{name} has a token");
    for account in app.accounts().wait()? {
        println!("the cache knows {}", account.username());
    }
    Ok(())
}
