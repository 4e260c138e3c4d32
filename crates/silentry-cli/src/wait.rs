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
        tokio::select! {
            // In this order: signals are listened to before there can be a prompt that they interrupt.
            biased;
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted(SIGINT)),
            signal = password::signals() => Err(Failure::interrupted(signal)),
            result = work => result,
            never = telling.tell() => match never {},
        }
    });
    // A name look-up or a Kerberos call that still hangs must not hold the exit.
    runtime.shutdown_background();
    password::leave_prompt();
    result
}
