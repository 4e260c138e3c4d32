//! Which variables of the environment count.

use std::ffi::{OsStr, OsString};

use clap::builder::Resettable;
use clap::{Arg, Command};

use super::output::FORMATS;

/// Returns the command line with the variables that have something to say.
///
/// One that is set to nothing is one that is not set: scripts and service files clear variables so. A program with
/// rights that its caller has not (set-user-ID, file capabilities) takes none at all, as they name code, files and hosts.
/// The values themselves, which may be secrets, are not shown in the help.
pub(crate) fn prepared(command: Command, line: &[OsString]) -> Command {
    prepared_by(command, line, !silentry_files::elevated())
}

fn prepared_by(command: Command, line: &[OsString], believed: bool) -> Command {
    command
        .mut_args(|argument| {
            let argument = argument.hide_env_values(true);
            let Some(value) = argument.get_env().and_then(std::env::var_os) else {
                return argument;
            };
            let counts = believed
                && !is_blank(&value)
                && !is_form_of_others(&argument, &value)
                && !is_taken_back(&argument, line);
            match counts {
                true => argument,
                false => argument.env(Resettable::Reset),
            }
        })
        .mut_subcommands(|subcommand| prepared_by(subcommand, line, believed))
}

fn is_blank(value: &OsStr) -> bool {
    value.to_str().is_some_and(|text| text.trim().is_empty())
}

/// A form of output that other commands have and this one has not.
fn is_form_of_others(argument: &Arg, value: &OsStr) -> bool {
    let Some(value) = value.to_str().map(str::trim) else {
        return false;
    };
    argument.get_id() == "output"
        && FORMATS.contains(&value)
        && !argument
            .get_possible_values()
            .iter()
            .any(|known| known.matches(value, false))
}

/// A switch whose opposite is on the command line: `--no-allow-ntlm` takes `SILENTRY_ALLOW_NTLM` back.
fn is_taken_back(argument: &Arg, line: &[OsString]) -> bool {
    let Some(long) = argument.get_long() else {
        return false;
    };
    let opposite = match long.strip_prefix("no-") {
        Some(stem) => format!("--{stem}"),
        None => format!("--no-{long}"),
    };
    line.iter().any(|word| *word == *opposite)
}
