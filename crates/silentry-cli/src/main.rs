//! `silentry`: a Microsoft Entra access token for the domain user already signed in, from a shell.
//!
//! stdout carries the token or JSON and nothing else; everything for people goes to stderr.

mod application;
mod arguments;
mod cache;
mod commands;
mod failure;
mod output;
mod password;
mod process;
mod progress;
mod sign_in;
mod suggestion;
mod terminal;
mod text;
mod trace;
mod values;
mod wait;

use std::process::ExitCode;

use crate::commands::Arguments;
use crate::failure::Failure;

/// Bytes of stack for a command: as many as Linux gives a process, whatever `ulimit -s` leaves of them.
const STACK: usize = 8 * 1024 * 1024;

/// What Rust exits with after a panic.
const PANICKED: u8 = 101;

fn main() -> ExitCode {
    // Found out before the process hides from others, and so from itself.
    silentry_files::elevated();
    process::leave_no_core_dump();
    process::survive_size_limit();
    let thread = std::thread::Builder::new()
        .name("main".to_owned())
        .stack_size(STACK)
        .spawn(read_and_run);
    match thread {
        // The panic itself has been told already, and this is the exit code of one.
        Ok(thread) => thread.join().unwrap_or(ExitCode::from(PANICKED)),
        // No more threads (`ulimit -u`): the stack that there is may do.
        Err(_) => read_and_run(),
    }
}

fn read_and_run() -> ExitCode {
    let mut arguments = match Arguments::of_process() {
        Ok(arguments) => arguments,
        Err(error) => return failure::report_usage(error),
    };
    let completed = arguments.command.complete();
    let as_json = arguments.command.wants_json();
    match completed.and_then(|()| run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(as_json),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    start_trace(&arguments)?;
    arguments.command.run()
}

/// The command line and the environment win over the file in this, too.
fn start_trace(arguments: &Arguments) -> Result<(), Failure> {
    let settings = arguments.command.settings();
    let (verbose, log) = match (arguments.verbose, &arguments.log) {
        (0, None) => (
            settings.and_then(|settings| settings.verbose).unwrap_or(0),
            settings.and_then(|settings| settings.log.as_deref()),
        ),
        (verbose, log) => (verbose, log.as_deref()),
    };
    trace::start(verbose, log)
}
