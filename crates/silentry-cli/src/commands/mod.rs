//! The commands, and the command line that names them.

mod accounts;
mod inspect;
mod login;
mod logout;
mod token;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::accounts::AccountsCommand;
use self::inspect::InspectArguments;
use self::login::LoginCommand;
use self::logout::LogoutCommand;
use self::token::TokenCommand;
use crate::arguments::{EXIT_CODES, Format, Settings, prepared};
use crate::failure::Failure;

const EXAMPLES: &str = "\
Examples:
  silentry token --client-id 11111111-2222-3333-4444-555555555555 \\
      --tenant contoso.com --scope https://graph.microsoft.com/User.Read
  h=$(silentry token -o header) && printf '%s\\n' \"$h\" |
      curl -H @- https://graph.microsoft.com/v1.0/me  # the rest from SILENTRY_*
  silentry login --mode devicecode  # once, by hand; then without a prompt:
  silentry token --mode silent
";

const INSPECT_EXAMPLES: &str = "\
Examples:
  silentry inspect mex adfs-mex.xml \\
      --url https://sts.contoso.com/adfs/services/trust/mex
  silentry inspect error reply.json --status 400
";

/// A Microsoft Entra access token for the domain user who is already signed in to this machine, without a prompt.
#[derive(Parser)]
#[command(name = "silentry", version, before_help = EXAMPLES, after_help = EXIT_CODES, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Log each step to stderr; repeat for more. Secrets are never logged.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// The level of what is logged: error, warn, info, debug or trace.
    #[arg(long, global = true, env = "SILENTRY_LOG", value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

impl Arguments {
    /// Reads the command line, and the environment for what it leaves open.
    ///
    /// # Errors
    ///
    /// What is wrong with it; help and version count as errors here.
    pub(crate) fn of_process() -> Result<Self, clap::Error> {
        let line: Vec<_> = std::env::args_os().collect();
        let command = prepared(Arguments::command(), &line);
        let matches = command.try_get_matches_from(line)?;
        Arguments::from_arg_matches(&matches)
    }
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
    #[command(before_help = INSPECT_EXAMPLES)]
    Inspect(InspectArguments),
}

impl Command {
    /// Fills in what the config file says and the command line leaves open.
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        match self {
            Command::Token(command) => command.complete(),
            Command::Login(command) => command.complete(),
            Command::Accounts(command) => command.complete(),
            Command::Logout(command) => command.complete(),
            Command::Inspect(_) => Ok(()),
        }
    }

    /// The settings, once they are complete; documents are inspected without any.
    pub(crate) fn settings(&self) -> Option<&Settings> {
        match self {
            Command::Token(command) => Some(&command.settings),
            Command::Login(command) => Some(&command.settings),
            Command::Accounts(command) => Some(&command.cache.settings),
            Command::Logout(command) => Some(&command.cache.settings),
            Command::Inspect(_) => None,
        }
    }

    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Token(command) => token::run(*command),
            Command::Login(command) => login::run(*command),
            Command::Accounts(command) => accounts::run(command),
            Command::Logout(command) => logout::run(command),
            Command::Inspect(command) => inspect::run(command),
        }
    }

    /// Whether failures are told as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Command::Token(command) => command.wants_json(),
            Command::Login(command) => command.output == Some(Format::Json),
            Command::Accounts(command) => command.output == Some(Format::Json),
            Command::Logout(command) => command.output == Some(Format::Json),
            Command::Inspect(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The commands that take settings.
    const COMMANDS: [&str; 4] = ["token", "login", "accounts", "logout"];

    /// Where secrets come from, and what --log says by name.
    const WITHOUT_TWIN: [&str; 3] = ["verbose", "password-stdin", "password-fd"];

    /// Which account to remove is a question of each call, so no variable sets it.
    const TO_FORGET: [&str; 2] = ["account", "all"];

    /// Where secrets come from, and which file it is.
    const WITHOUT_LINE: [&str; 3] = ["config", "password-stdin", "password-fd"];

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    /// The flags of a command that takes settings, with the variable of each.
    fn flags(name: &str) -> Vec<clap::Arg> {
        let command = Arguments::command();
        let command = command.find_subcommand(name).unwrap();
        let beside = Arguments::command();
        let all = command.get_arguments().chain(beside.get_arguments());
        let to_forget = |long: &str| name == "logout" && TO_FORGET.contains(&long);
        all.filter(|flag| flag.get_long().is_some_and(|long| !to_forget(long)))
            .cloned()
            .collect()
    }

    /// Flags that take another one back.
    fn is_opposite(flags: &[clap::Arg], name: &str) -> bool {
        let named = |other: &str| flags.iter().any(|flag| flag.get_long() == Some(other));
        named(&format!("no-{name}")) || name.strip_prefix("no-").is_some_and(named)
    }

    #[test]
    fn every_setting_has_an_environment_twin_and_help() {
        for command in COMMANDS {
            let flags = flags(command);
            for flag in &flags {
                let long = flag.get_long().unwrap();
                let twin = flag.get_env().is_some();
                let wanted = !WITHOUT_TWIN.contains(&long) && !flag.is_hide_set();
                assert_eq!(twin, wanted, "--{long} of {command}");
                assert!(flag.get_help().is_some(), "--{long} of {command}");
                let hidden = flag.is_hide_set();
                assert!(
                    !hidden || is_opposite(&flags, long),
                    "--{long} of {command}"
                );
            }
        }
    }

    #[test]
    fn every_switch_can_be_turned_off() {
        for flag in COMMANDS.into_iter().flat_map(flags) {
            let of_variable = flag.get_env().is_some();
            let is_on_alone = matches!(flag.get_action(), clap::ArgAction::SetTrue);
            // Such a flag could say `false` in a variable and in the file, but not on the command line.
            assert!(!(of_variable && is_on_alone), "{:?}", flag.get_long());
        }
    }

    #[test]
    fn a_variable_has_one_name_for_all_commands() {
        let mut names = std::collections::BTreeMap::new();
        for flag in COMMANDS.into_iter().flat_map(flags) {
            let Some(variable) = flag.get_env().map(std::ffi::OsStr::to_owned) else {
                continue;
            };
            let long = flag.get_long().unwrap().to_owned();
            let other = names.insert(long.clone(), variable.clone());
            assert!(other.is_none_or(|other| other == variable), "--{long}");
        }
        let mut variables: Vec<_> = names.values().collect();
        variables.sort();
        variables.dedup();
        assert_eq!(variables.len(), names.len());
    }

    #[test]
    fn every_setting_has_its_line_in_the_config_file() {
        for command in COMMANDS {
            let flags = flags(command);
            for flag in &flags {
                let long = flag.get_long().unwrap();
                if flag.is_hide_set() || WITHOUT_LINE.contains(&long) {
                    continue;
                }
                // Some value of some kind is taken, or a value of another kind is wanted.
                let known = toml::from_str::<Settings>(&format!("{long} = []"));
                let unknown = known.is_err_and(|error| error.message().contains("unknown field"));
                assert!(
                    !unknown,
                    "--{long} of {command} has no line in the config file"
                );
            }
        }
    }
}
