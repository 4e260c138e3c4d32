//! `cargo xtask test`: everything that a change must hold.

use std::process::{ExitCode, Stdio};

use anyhow::Result;

use crate::workspace::Workspace;

/// The Rust tests, with those of what a feature adds that is off by default.
pub(crate) const TESTS: &str = "test --workspace --features silentry/blocking";

/// What to check.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the Rust tests, which need nothing but Rust
    #[arg(long, conflicts_with = "install")]
    quick: bool,
    /// Install what the full test needs and this machine lacks
    #[arg(long)]
    install: bool,
    /// Only the steps whose names contain this, such as "Active Directory"
    #[arg(long, value_name = "NAME", conflicts_with = "quick")]
    step: Option<String>,
}

/// Runs the quick test or the full one.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    if args.quick {
        quick(&workspace)
    } else {
        full(&workspace, args)
    }
}

/// Passes the output of the tests on as it comes: a person is waiting for it.
fn quick(workspace: &Workspace) -> Result<ExitCode> {
    let mut tests = workspace.cargo(TESTS);
    let status = tests.stdin(Stdio::null()).status()?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(unix)]
fn full(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    crate::full::run(workspace, args.install, args.step.as_deref())
}

#[cfg(not(unix))]
fn full(_: &Workspace, _: &Args) -> Result<ExitCode> {
    anyhow::bail!("the full test runs on Debian and Ubuntu; here is `cargo xtask test --quick`")
}
