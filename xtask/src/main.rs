//! The project's own commands: `cargo xtask test` checks everything that a change must hold, `cargo xtask
//! bench` measures what ships.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the results of these commands are for a terminal"
)]

#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "the larger sizes of the test use the rest")
)]
mod process;
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "the larger sizes of the test use the rest")
)]
mod report;
mod source;
mod test;
#[cfg_attr(
    not(unix),
    allow(dead_code, reason = "the larger sizes of the test use the rest")
)]
mod tools;
mod workspace;

// What only a Unix has: these modules serve the larger sizes of the test.
#[cfg(unix)]
mod bench;
#[cfg(unix)]
mod cross;
#[cfg(unix)]
mod descendants;
#[cfg(unix)]
mod domain;
#[cfg(unix)]
mod examples;
#[cfg(unix)]
mod full;
#[cfg(unix)]
mod fuzz;
#[cfg(unix)]
mod interop;
#[cfg(unix)]
mod lab;
#[cfg(unix)]
mod namespace;
#[cfg(unix)]
mod packages;
#[cfg(unix)]
mod public_api;
#[cfg(unix)]
mod release;
#[cfg(unix)]
mod systems;
#[cfg(unix)]
mod workflows;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Check everything that a change must hold
    Test(test::Args),
    /// Measure the command as a whole process and compare with its limits
    #[cfg(unix)]
    Bench(bench::Args),
    /// Test with third-party programs: MSALs, KDCs, GSSAPI libraries, servers, proxies
    #[cfg(unix)]
    Interop(interop::Args),
    /// Sign in with a ticket of Samba's Active Directory (started by `test`, in namespaces of its own)
    #[cfg(unix)]
    #[command(hide = true)]
    Domain(domain::Args),
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Test(args) => test::run(&args),
        #[cfg(unix)]
        Command::Bench(args) => bench::run(&args),
        #[cfg(unix)]
        Command::Interop(args) => interop::run(&args),
        #[cfg(unix)]
        Command::Domain(args) => domain::run(&args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
