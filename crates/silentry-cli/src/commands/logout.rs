//! `silentry logout`.

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{Args, value_parser};
use serde_json::{Value, json};
use silentry::{Account, Code};

use super::accounts;
use crate::arguments::{CacheArguments, Format, NamedFormat, Trimmed};
use crate::cache::Cache;
use crate::failure::Failure;
use crate::progress::progress;
use crate::{application, output, wait};

const EXAMPLES: &str = "\
Examples:
  silentry logout ana@contoso.com
  silentry logout --all -o json
";

const NOTES: &str = "\
Without a name the only account is forgotten; of several, one must be named. Entra is told nothing: tokens that a
program holds stay good until they expire, and the browser stays signed in.

Exit codes: 0 it is forgotten, or was not there; 1 the cache cannot be changed; 2 usage; 4 the name is that of several
guests, and --account says which.";

#[derive(Args)]
#[command(before_help = EXAMPLES, after_help = NOTES)]
pub(crate) struct LogoutCommand {
    /// Forget the account with this user name.
    #[arg(
        value_name = "USERNAME",
        value_parser = not_blank(),
        conflicts_with_all = ["account", "all"]
    )]
    username: Option<String>,

    /// Forget the account with this home account id (`silentry accounts`).
    #[arg(
        long,
        value_name = "ID",
        value_parser = not_blank(),
        conflicts_with = "all"
    )]
    account: Option<String>,

    /// Forget every account.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    pub(crate) cache: CacheArguments,

    /// The output format. (default: text)
    #[arg(
        short,
        long,
        env = "SILENTRY_OUTPUT",
        value_name = "FORMAT",
        value_parser = Trimmed(value_parser!(Format))
    )]
    pub(crate) output: Option<Format>,
}

impl LogoutCommand {
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        self.cache.complete()?;
        let of_file = self.cache.settings.output;
        self.output = Some(NamedFormat::or_of_file(self.output, of_file));
        Ok(())
    }
}

/// Removes accounts from the cache and tells which.
pub(crate) fn run(command: LogoutCommand) -> Result<(), Failure> {
    let settings = command.cache.settings;
    let cache = Cache::of(&settings)?.or_failure()?;
    let application = application::of_cache(&settings, cache)?;
    let which = Which {
        username: command.username,
        account: command.account,
        all: command.all,
    };
    let work = async {
        let mut accounts = which.of(application.accounts().await?)?;
        if let (Some(username), true) = (&which.username, accounts.is_empty()) {
            // A guest has other names than the one that accounts are listed under.
            match application.account_for_login_hint(username).await {
                Err(error) if *error.code() == Code::NoAccountForLoginHint => {}
                found => accounts.push(found?),
            }
        }
        for account in &accounts {
            application.remove_account(account).await?;
        }
        Ok(accounts)
    };
    let (_, telling) = progress();
    let removed = wait::until_done(work, telling)?;
    tell(&removed, command.output.unwrap_or_default())
}

/// Takes no text of blanks alone, such as a variable of a script that is not set.
fn not_blank() -> impl TypedValueParser<Value = String> {
    StringValueParser::new().try_map(|text| match text.trim().is_empty() {
        true => Err("it is empty"),
        false => Ok(text),
    })
}

/// Which accounts are meant.
struct Which {
    username: Option<String>,
    account: Option<String>,
    all: bool,
}

impl Which {
    fn of(&self, mut accounts: Vec<Account>) -> Result<Vec<Account>, Failure> {
        if let Some(username) = &self.username {
            accounts.retain(|account| account.has_username(username));
        } else if let Some(id) = &self.account {
            accounts.retain(|account| account.has_home_account_id(id));
        } else if !self.all && accounts.len() > 1 {
            return Err(Failure::usage(
                "usage",
                format!(
                    "{} accounts have signed in, and none is named",
                    accounts.len()
                ),
                "Name one by its user name or --account; `silentry accounts` lists them, --all means all.",
            ));
        }
        Ok(accounts)
    }
}

fn tell(removed: &[Account], output: Format) -> Result<(), Failure> {
    match output {
        Format::Json => {
            let removed: Value = removed.iter().map(accounts::to_json).collect();
            output::json(&json!({ "removed": removed }))
        }
        Format::Text if removed.is_empty() => {
            anstream::eprintln!("nothing to forget: no such account has signed in");
            Ok(())
        }
        Format::Text => {
            let names = removed
                .iter()
                .map(|account| output::name(account.username()));
            let lines = names.map(|name| format!("forgot {name}"));
            output::line(&lines.collect::<Vec<_>>().join("\n"))
        }
    }
}
