//! `silentry-lab demo`: a whole sign-in, made by the `silentry` program and shown exchange by
//! exchange.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use serde::{Deserialize, Serialize};
use silentry_lab::{Exchange, Lab};
use tokio::process::Command;

use super::{Failure, Output, call};

const API_HOST: &str = "api.contoso.test";

/// Options of `demo`.
#[derive(clap::Args)]
#[command(before_help = "Example: silentry-lab demo")]
pub(crate) struct Arguments {
    /// How to show what happened.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// What the demo found out.
#[derive(Serialize)]
struct Report {
    ok: bool,
    user: String,
    flow: &'static str,
    token_audience: String,
    api_status: u16,
    exchanges: Vec<Exchange>,
}

/// The members of `silentry token -o json` that matter here.
#[derive(Deserialize)]
struct Token {
    access_token: String,
}

/// The members of the error object of `silentry -o json` that say why.
#[derive(Deserialize)]
struct Complaint {
    error: String,
    message: String,
    mitigation: String,
}

/// What the lab's API says about a token.
#[derive(Deserialize)]
struct WhoAmI {
    user: String,
    audience: String,
}

/// Signs alice in and calls the API with her token.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let silentry = find_silentry().await?;
    let lab = Lab::start().await?;
    let token = sign_in(&lab, &silentry).await?;
    // Those of the sign-in alone; the call that follows has its own member.
    let exchanges = lab.exchanges();
    let (api_status, whoami) = call::get(&lab, API_HOST, "/whoami", &token.access_token)
        .await
        .map_err(Failure::io("calling the API"))?;
    let whoami: WhoAmI = serde_json::from_slice(&whoami)
        .map_err(|_| Failure::Demo(format!("the API answered {api_status} to the token")))?;
    if !exchanges.iter().any(is_integrated) {
        return Err(Failure::Demo(
            "the token was not got by a Kerberos ticket".to_owned(),
        ));
    }
    let report = Report {
        ok: api_status == 200,
        user: whoami.user,
        flow: "integrated_windows",
        token_audience: whoami.audience,
        api_status,
        exchanges,
    };
    match arguments.output {
        Output::Json => print_json(&report)?,
        Output::Text => print_text(&report),
    }
    Ok(if report.ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Whether AD FS took a ticket here.
fn is_integrated(exchange: &Exchange) -> bool {
    exchange.status == 200 && exchange.url.ends_with("/windowstransport")
}

/// Runs `silentry token` as the lab's user. What it says besides why it failed goes to our stderr as it is.
async fn sign_in(lab: &Lab, silentry: &Path) -> Result<Token, Failure> {
    let output = Command::from(lab.command(silentry))
        .args(["token", "--mode", "iwa", "-o", "json"])
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(Failure::io(format!("running {}", silentry.display())))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let (told, complaint) = match said.trim_end().rsplit_once('\n') {
        Some((told, last)) => (told, last),
        None => ("", said.trim_end()),
    };
    if output.status.success() {
        anstream::eprint!("{said}");
        // Not quoted in the error: there may be a token in it.
        return serde_json::from_slice(&output.stdout).map_err(|_| {
            Failure::Demo("silentry printed no JSON with an access token".to_owned())
        });
    }
    let Ok(complaint) = serde_json::from_str::<Complaint>(complaint) else {
        anstream::eprint!("{said}");
        return Err(Failure::Demo(format!("silentry failed: {}", output.status)));
    };
    if !told.is_empty() {
        anstream::eprintln!("{told}");
    }
    let Complaint {
        error,
        message,
        mitigation,
    } = complaint;
    Err(Failure::Demo(format!(
        "silentry gets no token: {message}\n\nhint: {mitigation}\n\n({error}, {})",
        output.status
    )))
}

/// Finds the program beside our own; when cargo started us, builds it first if it is not there.
async fn find_silentry() -> Result<PathBuf, Failure> {
    let ours = std::env::current_exe().map_err(Failure::io("finding this program"))?;
    let beside = ours.with_file_name(format!("silentry{}", std::env::consts::EXE_SUFFIX));
    if beside.is_file() {
        return Ok(beside);
    }
    let missing = || {
        let directory = beside.parent().unwrap_or(Path::new("."));
        Failure::Demo(format!(
            "there is no silentry program in {}",
            directory.display()
        ))
    };
    let cargo = std::env::var_os("CARGO").ok_or_else(missing)?;
    anstream::eprintln!("Building the silentry program, which is not there yet ...");
    let status = Command::new(cargo)
        .args(build_arguments(&ours))
        .status()
        .await
        .map_err(Failure::io("running cargo"))?;
    if status.success() && beside.is_file() {
        Ok(beside)
    } else {
        Err(missing())
    }
}

/// Builds in the profile that this program was built in, or the result would lie elsewhere.
fn build_arguments(ours: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["build", "-p", "silentry-cli"].map(Into::into).into();
    let directory = ours.parent().and_then(Path::file_name);
    if directory.is_some_and(|name| name == "release") {
        arguments.push("--release".into());
    }
    arguments
}

fn print_json(report: &Report) -> Result<(), Failure> {
    let json =
        serde_json::to_string(report).map_err(|error| Failure::io("writing JSON")(error.into()))?;
    anstream::println!("{json}");
    Ok(())
}

fn print_text(report: &Report) {
    let Report {
        user,
        token_audience,
        api_status,
        exchanges,
        ..
    } = report;
    anstream::println!("{user} signed in with a Kerberos ticket and no password.");
    anstream::println!();
    let width = exchanges
        .iter()
        .map(|exchange| exchange.stage.len())
        .max()
        .unwrap_or(0);
    for Exchange {
        stage,
        method,
        url,
        status,
        milliseconds,
        ..
    } in exchanges
    {
        anstream::println!("  {stage:width$}  {status}  {milliseconds:>4} ms  {method:4} {url}");
    }
    anstream::println!();
    anstream::println!("The token for {token_audience} was good: the API answered {api_status}.");
}
