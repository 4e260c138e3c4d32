//! The commands, one file each.

mod call;
pub(crate) mod demo;
pub(crate) mod exec;
pub(crate) mod scenarios;
pub(crate) mod sign_in;
pub(crate) mod up;

use std::process::{ExitCode, ExitStatus};

use clap::ValueEnum;
use silentry_lab::LabError;

/// How a command shows its result.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document on stdout.
    Json,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        source: std::io::Error,
    },
    #[error("{0}")]
    Demo(String),
}

impl Failure {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}

/// Returns a child's exit code as our own; one that a signal ended counts as a shell would.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    let code = status.code().unwrap_or(1);
    // Codes beyond a byte exist on Windows only, where ExitCode has no room for them.
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
