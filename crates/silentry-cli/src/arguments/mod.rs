//! What the command line can say.

mod ladder;
mod settings;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use ladder::{Ladder, Mode};
pub(crate) use settings::{CacheFormat, MutualAuth, Settings};

use crate::accounts::AccountsCommand;
use crate::inspect::InspectCommand;
use crate::login::LoginCommand;
use crate::logout::LogoutCommand;
use crate::token::TokenCommand;

const EXAMPLES: &str = "\
Examples:
  silentry token --client-id 11111111-2222-3333-4444-555555555555 --tenant contoso.com \\
      --scope https://graph.microsoft.com/User.Read
  curl -H \"$(silentry token -o header)\" https://graph.microsoft.com/v1.0/me     # the rest from SILENTRY_*
  silentry login --mode devicecode          # once, by hand; then without a prompt:
  silentry token --mode silent
";

const INSPECT_EXAMPLES: &str = "\
Examples:
  silentry inspect mex adfs-mex.xml --url https://sts.contoso.com/adfs/services/trust/mex
  silentry inspect error reply.json --status 400
";

pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 other; 2 usage; 3 the user must act (MFA, consent, policy); 4 not signed in, no ticket;
5 integrated sign-in impossible here; 6 network or time-out; 7 the server refused; 130 interrupted.";

/// A Microsoft Entra access token for the domain user who is already signed in to this machine, without a prompt.
#[derive(Parser)]
#[command(name = "silentry", version, before_help = EXAMPLES, after_help = EXIT_CODES, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Tell each step on stderr; twice for more. Secrets are never told.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// The same by name: error, warn, info, debug or trace.
    #[arg(long, global = true, env = "SILENTRY_LOG", value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Get a token and print it.
    Token(Box<TokenCommand>),
    /// Sign in, and keep the tokens for `silentry token --mode silent`.
    Login(Box<LoginCommand>),
    /// List who has signed in.
    Accounts(AccountsCommand),
    /// Forget who has signed in, and every token of theirs.
    Logout(LogoutCommand),
    /// Read documents captured in the field, without any network, and say what Silentry makes of them.
    #[command(subcommand, before_help = INSPECT_EXAMPLES)]
    Inspect(InspectCommand),
}

impl Command {
    /// Whether failures are told as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Command::Token(command) => command.wants_json(),
            Command::Login(command) => command.output == Format::Json,
            Command::Accounts(command) => command.output == Format::Json,
            Command::Logout(command) => command.output == Format::Json,
            Command::Inspect(_) => true,
        }
    }
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The file with the settings that the command line and the environment leave open.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// Read settings from this file instead of the user's.
    #[arg(long, env = "SILENTRY_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Which token cache a command looks into.
#[derive(Args)]
pub(crate) struct CacheArguments {
    /// The token cache: a file, or `default`. (default: default)
    #[arg(long, env = "SILENTRY_CACHE", value_name = "FILE|default")]
    cache: Option<PathBuf>,

    /// How the file of --cache is protected. (default: plain)
    #[arg(
        long,
        env = "SILENTRY_CACHE_FORMAT",
        value_name = "plain|os",
        hide_possible_values = true
    )]
    cache_format: Option<CacheFormat>,

    /// The authority whose cloud is meant. (default: the public cloud)
    #[arg(long, env = "SILENTRY_AUTHORITY", value_name = "URL")]
    authority: Option<String>,

    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

impl CacheArguments {
    /// Returns what was said as the settings that it is a part of.
    pub(crate) fn settings(self) -> (Settings, ConfigFile) {
        let settings = Settings {
            cache: self.cache,
            cache_format: self.cache_format,
            authority: self.authority,
            ..Settings::default()
        };
        (settings, self.config)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Where secrets come from; what names the account to forget is nothing to set once for all.
    const WITHOUT_TWIN: [&str; 3] = ["help", "password-stdin", "password-fd"];

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_setting_has_an_environment_twin_and_help() {
        let command = Arguments::command();
        for name in ["token", "login", "accounts"] {
            let command = command.find_subcommand(name).unwrap();
            for argument in command.get_arguments() {
                let long = argument.get_long().unwrap();
                let twin = argument.get_env().is_some();
                assert_eq!(twin, !WITHOUT_TWIN.contains(&long), "--{long} of {name}");
                assert!(argument.get_help().is_some(), "--{long} of {name}");
            }
        }
    }
}
