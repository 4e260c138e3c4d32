//! Shows who is signed in, and whether a token for a host can be had; never the token itself.
//!
//! ```sh
//! cargo run --example token -- sts.contoso.com
//! cargo run --example token -- sts.contoso.com --ccache FILE:/tmp/krb5cc_1000
//! cargo run --example token -- HTTP/sts@RESOURCE.CONTOSO.COM --library /opt/lib/libgssapi.so.3
//! ```

#![allow(clippy::print_stdout)] // the result of an example is what it prints

use std::process::ExitCode;
use std::time::{Duration, Instant};

use silentry_negotiate::{Credentials, Error, Negotiator, ServicePrincipal};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(host) = arguments.next() else {
        println!(
            "usage: token HOST [--ccache NAME | --keytab FILE] [--library PATH] [--seconds N]"
        );
        return ExitCode::from(2);
    };
    let mut negotiator = Negotiator::new();
    while let (Some(option), Some(value)) = (arguments.next(), arguments.next()) {
        negotiator = match option.as_str() {
            "--ccache" => negotiator.with_credentials(Credentials::ccache(value)),
            "--keytab" => negotiator.with_credentials(Credentials::keytab(value)),
            "--library" => negotiator.with_library(value),
            "--seconds" => negotiator.with_timeout(seconds(&value)),
            _ => negotiator,
        };
    }
    match negotiator.signed_in_user() {
        Ok(user) => println!(
            "signed in as {} (UPN: {})",
            user.principal(),
            user.upn().unwrap_or("-")
        ),
        Err(error) => explain(&error),
    }
    let begun = Instant::now();
    let principal = if host.contains('/') {
        host.parse()
    } else {
        ServicePrincipal::http(&host)
    };
    match principal.and_then(|principal| negotiator.initiate(&principal, None)) {
        Ok((_, token)) => {
            println!(
                "{} bytes of token in {:?}",
                token.as_bytes().len(),
                begun.elapsed()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            explain(&error);
            ExitCode::FAILURE
        }
    }
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.parse().unwrap_or(10))
}

fn explain(error: &Error) {
    println!("{}: {error}\n  {}", error.code(), error.mitigation());
}
