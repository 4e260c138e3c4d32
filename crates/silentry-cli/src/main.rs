//! `silentry`: a Microsoft Entra access token for the domain user already signed in, from a shell.
//!
//! stdout carries the token or JSON and nothing else; everything for people goes to stderr.

mod accounts;
mod application;
mod arguments;
mod cache;
mod config;
mod failure;
mod inspect;
mod login;
mod logout;
mod output;
mod password;
mod progress;
mod sign_in;
mod text;
mod token;
mod trace;
mod wait;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::report_usage(&error),
    };
    let as_json = arguments.command.wants_json();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(as_json),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    trace::start(arguments.verbose, arguments.log)?;
    match arguments.command {
        Command::Token(command) => token::run(*command),
        Command::Login(command) => login::run(*command),
        Command::Accounts(command) => accounts::run(command),
        Command::Logout(command) => logout::run(command),
        Command::Inspect(command) => inspect::run(command),
    }
}
