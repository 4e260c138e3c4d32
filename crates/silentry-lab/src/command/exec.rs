//! `silentry-lab exec`: a program inside the lab.

use std::ffi::OsString;
use std::process::ExitCode;

use silentry_lab::Lab;

use super::{Failure, exit_code};

/// Options of `exec`.
#[derive(clap::Args)]
#[command(before_help = "Example: silentry-lab exec --scenario mfa -- silentry token -o json")]
pub(crate) struct Arguments {
    /// What the lab does wrong; `silentry-lab scenarios` lists them.
    #[arg(long, default_value = "default")]
    scenario: String,
    /// Whom the program runs as: a UPN, or what stands before the @.
    #[arg(long)]
    user: Option<String>,
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Runs the program and returns its exit code.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut builder = Lab::builder().scenario(&arguments.scenario);
    if let Some(user) = &arguments.user {
        builder = builder.user(user);
    }
    let lab = builder.start().await?;
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(Failure::Demo("no program was named".to_owned()));
    };
    let mut command = tokio::process::Command::from(lab.command(program));
    let doing = || format!("running {}", program.display());
    let mut child = command.args(rest).spawn().map_err(Failure::io(doing()))?;
    loop {
        tokio::select! {
            status = child.wait() => return status.map(exit_code).map_err(Failure::io(doing())),
            // The terminal sends it to the program too, which decides what to do about it.
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
