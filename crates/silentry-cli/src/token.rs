//! `silentry token`.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use silentry::{AuthenticationResult, Directory, MutualAuthentication, PublicClientApplication};

use crate::arguments::{Mode, MutualAuth, Output, Settings, TokenCommand};
use crate::failure::Failure;
use crate::{config, output, text};

/// After this long a person at a terminal is told that something is still happening.
const PATIENCE: Duration = Duration::from_secs(3);

/// No metadata document or CA bundle is larger.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Gets a token and prints it.
pub(crate) fn run(command: TokenCommand) -> Result<(), Failure> {
    let settings = command
        .settings
        .or(config::read(command.config.as_deref())?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| internal(format!("the runtime cannot start: {error}")))?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = acquire(&settings) => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
            never = tell_that_it_takes_long() => never,
        }
    });
    // A name look-up or a Kerberos call that still hangs must not hold the exit.
    runtime.shutdown_background();
    print(&result?, command.output)
}

async fn acquire(settings: &Settings) -> Result<AuthenticationResult, Failure> {
    match settings.mode.unwrap_or(Mode::Iwa) {
        Mode::Iwa => integrated(settings).await,
    }
}

async fn integrated(settings: &Settings) -> Result<AuthenticationResult, Failure> {
    if settings.scopes.is_empty() {
        return Err(missing("--scope", "SILENTRY_SCOPE"));
    }
    let mut request =
        application(settings)?.acquire_token_by_integrated_windows_auth(&settings.scopes);
    if let Some(username) = &settings.username {
        request = request.with_username(username);
    }
    if let Some(path) = &settings.federation_metadata {
        let document = String::from_utf8_lossy(&read_file(path)?).into_owned();
        request = request.with_federation_metadata(document);
    }
    if let Some(claims) = &settings.claims {
        request = request.with_claims(claims);
    }
    if let Some(id) = &settings.correlation_id {
        request = request.with_correlation_id(id);
    }
    let request = request
        .with_extra_query_parameters(pairs(
            "--extra-query-parameter",
            &settings.extra_query_parameters,
        )?)
        .with_extra_headers(pairs("--extra-header", &settings.extra_headers)?);
    Ok(request.await?)
}

fn application(settings: &Settings) -> Result<PublicClientApplication, Failure> {
    let Some(client_id) = &settings.client_id else {
        return Err(missing("--client-id", "SILENTRY_CLIENT_ID"));
    };
    let mut builder = PublicClientApplication::builder(client_id)
        .with_client_capabilities(&settings.client_capabilities)
        .with_trusted_federation_hosts(&settings.trusted_federation_hosts)
        .with_channel_binding(!settings.no_channel_binding)
        .with_ntlm(settings.allow_ntlm)
        .with_mutual_authentication(match settings.mutual_auth {
            Some(MutualAuth::WhenOffered) => MutualAuthentication::WhenOffered,
            Some(MutualAuth::Required) | None => MutualAuthentication::Required,
        });
    if let Some(authority) = &settings.authority {
        builder = builder.with_authority(authority);
    }
    if let Some(tenant) = &settings.tenant {
        builder = builder.with_tenant_id(tenant);
    }
    if let Some(directory) = &settings.directory {
        builder = builder.with_directory(match directory.as_str() {
            "off" => Directory::Off,
            host => Directory::Host(host.to_owned()),
        });
    }
    if let Some(attribute) = &settings.upn_attribute {
        builder = builder.with_upn_attribute(attribute);
    }
    if let Some(spn) = &settings.spn {
        builder = builder.with_service_principal_name(spn);
    }
    if let Some(ccache) = &settings.ccache {
        builder = builder.with_ticket_cache(ccache);
    }
    if let Some(keytab) = &settings.keytab {
        builder = builder.with_client_keytab(keytab);
    }
    if let Some(library) = &settings.gssapi_library {
        builder = builder.with_gssapi_library(library);
    }
    if let Some(path) = &settings.ca_bundle {
        builder = builder.with_ca_bundle(read_file(path)?);
    }
    if let Some(proxy) = &settings.proxy {
        builder = builder.with_proxy(proxy);
    }
    Ok(builder.build()?)
}

fn print(result: &AuthenticationResult, output: Output) -> Result<(), Failure> {
    match output {
        Output::Token => output::line(result.access_token()),
        Output::Header => {
            output::line(&format!("Authorization: {}", result.authorization_header()))
        }
        Output::Json => output::json(&to_json(result)),
        Output::None => Ok(()),
    }
}

fn to_json(result: &AuthenticationResult) -> Value {
    json!({
        "access_token": result.access_token(),
        "token_type": "Bearer",
        "expires_on": unix_seconds(result.expires_on()),
        "expires_at": rfc3339(result.expires_on()),
        "scopes": result.scopes(),
        "tenant_id": result.tenant_id(),
        "username": result.account().username(),
        "home_account_id": result.account().home_account_id(),
        "environment": result.account().environment(),
        "flow": "integrated_windows",
        "correlation_id": result.correlation_id(),
    })
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn rfc3339(time: SystemTime) -> Option<String> {
    let seconds = i64::try_from(unix_seconds(time)).ok()?;
    jiff::Timestamp::from_second(seconds)
        .ok()
        .map(|time| time.to_string())
}

/// Says once, to a person at a terminal, that it takes long; never ends.
async fn tell_that_it_takes_long() -> Result<AuthenticationResult, Failure> {
    tokio::time::sleep(PATIENCE).await;
    if std::io::stderr().is_terminal() {
        anstream::eprintln!("still signing in; -v tells each step, Ctrl+C stops");
    }
    std::future::pending().await
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let bad = |why: String| {
        Failure::usage(
            "file_not_readable",
            format!("{} cannot be read: {why}", path.display()),
            "Check the path and its permissions.",
        )
    };
    let metadata = std::fs::metadata(path).map_err(|error| bad(error.to_string()))?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(bad("it is too large".to_owned()));
    }
    let bytes = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    Ok(text::normalized(bytes))
}

fn pairs<'a>(flag: &str, texts: &'a [String]) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    let pair = |text: &'a String| {
        text.split_once('=').ok_or_else(|| {
            Failure::usage(
                "usage",
                format!("{flag} `{text}` has no `=`"),
                "Write NAME=VALUE.",
            )
        })
    };
    texts.iter().map(pair).collect()
}

fn missing(flag: &str, variable: &str) -> Failure {
    Failure::usage(
        "usage",
        format!("{flag} is missing"),
        &format!("Give {flag}, set {variable}, or write it into the config file."),
    )
}

fn internal(message: String) -> Failure {
    Failure::other(
        "internal",
        message,
        "Try again; report it when it stays.",
        "request",
    )
}
