//! `silentry accounts`.

use clap::{Args, value_parser};
use serde_json::{Value, json};
use silentry::Account;

use crate::arguments::{CacheArguments, Format, NamedFormat, Trimmed};
use crate::cache::Cache;
use crate::failure::Failure;
use crate::progress::progress;
use crate::{application, output, wait};

const EXAMPLES: &str = "\
Examples:
  silentry accounts
  silentry accounts -o json --cache ~/.silentry.json
";

const NOTES: &str = "\
Exit codes: 0 also when nobody has signed in; 1 the cache cannot be read; 2 usage.";

#[derive(Args)]
#[command(before_help = EXAMPLES, after_help = NOTES)]
pub(crate) struct AccountsCommand {
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

impl AccountsCommand {
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        self.cache.complete()?;
        let of_file = self.cache.settings.output;
        self.output = Some(NamedFormat::or_of_file(self.output, of_file));
        Ok(())
    }
}

/// Lists the accounts of the cache.
pub(crate) fn run(command: AccountsCommand) -> Result<(), Failure> {
    let settings = command.cache.settings;
    let cache = Cache::of(&settings)?.or_failure()?;
    let application = application::of_cache(&settings, cache)?;
    let (_, telling) = progress();
    let accounts = wait::until_done(async { Ok(application.accounts().await?) }, telling)?;
    match command.output.unwrap_or_default() {
        Format::Json => output::json(&accounts.iter().map(to_json).collect()),
        Format::Text if accounts.is_empty() => {
            anstream::eprintln!("nobody has signed in");
            Ok(())
        }
        Format::Text => output::line(&table(&accounts)),
    }
}

/// An account as every command tells it.
pub(crate) fn to_json(account: &Account) -> Value {
    json!({
        "username": account.username(),
        "home_account_id": account.home_account_id(),
        "environment": account.environment(),
    })
}

fn table(accounts: &[Account]) -> String {
    let rows = accounts.iter().map(|account| {
        [
            output::name(account.username()),
            output::name(account.home_account_id().unwrap_or_default()),
            output::name(account.environment()),
        ]
    });
    let titles = ["USERNAME", "HOME ACCOUNT ID", "CLOUD"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(titles).chain(rows).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let (name, id) = (width(0), width(1));
    let lines = rows
        .iter()
        .map(|[username, home, cloud]| format!("{username:name$}  {home:id$}  {cloud}"));
    lines.collect::<Vec<_>>().join("\n")
}
