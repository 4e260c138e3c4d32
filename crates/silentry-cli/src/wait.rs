//! Waiting for what a command does.

use std::future::Future;

use crate::failure::Failure;
use crate::{password, process, progress};

/// Its number is the same everywhere.
const SIGINT: i32 = 2;

/// Runs the work of a command until it is done, or the user stops it.
pub(crate) fn until_done<T>(
    work: impl Future<Output = Result<T, Failure>>,
    telling: progress::Telling,
) -> Result<T, Failure> {
    process::check_descriptors()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::other(
                "internal",
                format!("the runtime cannot start: {error}"),
                "Try again; report it if it persists.",
                "request",
            )
        })?;
    let result = runtime.block_on(async {
        survive_size_limit();
        tokio::select! {
            result = work => result,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted(SIGINT)),
            signal = password::signals() => Err(Failure::interrupted(signal)),
            never = telling.tell() => match never {},
        }
    });
    // A name look-up or a Kerberos call that still hangs must not hold the exit.
    runtime.shutdown_background();
    password::leave_prompt();
    result
}

/// Where a file may not grow any more (`ulimit -f`), writing to it becomes an error. Without a handler the signal would end
/// the command, before it could say so. What it starts is ended by it as ever: handlers do not outlast an exec.
#[cfg(unix)]
fn survive_size_limit() {
    let signal = tokio::signal::unix::SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    if let Err(error) = tokio::signal::unix::signal(signal) {
        tracing::debug!(%error, "a limit of the size of files will end the command");
    }
}

#[cfg(not(unix))]
fn survive_size_limit() {}
