//! `silentry login`.

use clap::{Args, value_parser};
use serde_json::json;
use silentry::AuthenticationResult;

use super::token;
use crate::arguments::{
    ConfigFile, EXIT_CODES, Format, Ladder, Mode, NamedFormat, Settings, Trimmed,
};
use crate::cache::Cache;
use crate::failure::Failure;
use crate::password::PasswordArguments;
use crate::progress::progress;
use crate::sign_in::SignIn;
use crate::{application, output, wait};

const EXAMPLES: &str = "\
Examples:
  silentry login --client-id 11111111-2222-3333-4444-555555555555 \\
      --tenant contoso.com
  silentry login --mode devicecode -o json
  silentry login --mode web --username ana@contoso.com --cache ~/.silentry.json
";

/// What every user may have without consent: who it is, and a refresh token for what is asked for later.
const SCOPES: [&str; 3] = ["openid", "profile", "offline_access"];

#[derive(Args)]
#[command(before_help = EXAMPLES, after_help = EXIT_CODES)]
pub(crate) struct LoginCommand {
    #[command(flatten)]
    pub(crate) settings: Settings,

    #[command(flatten)]
    password: PasswordArguments,

    /// The output format. (default: text)
    #[arg(
        short,
        long,
        env = "SILENTRY_OUTPUT",
        value_name = "FORMAT",
        value_parser = Trimmed(value_parser!(Format)),
        help_heading = "Options"
    )]
    pub(crate) output: Option<Format>,

    #[command(flatten)]
    config: ConfigFile,
}

impl LoginCommand {
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        let given = std::mem::take(&mut self.settings);
        self.settings = std::mem::take(&mut self.config).complete(given)?;
        self.output = Some(NamedFormat::or_of_file(self.output, self.settings.output));
        Ok(())
    }
}

/// Signs in anew, keeps the tokens, and tells who it was.
pub(crate) fn run(command: LoginCommand) -> Result<(), Failure> {
    let settings = command.settings;
    let ladder = ladder(&settings)?;
    application::require(&[
        (
            settings.client_id.is_some(),
            "--client-id",
            "SILENTRY_CLIENT_ID",
        ),
        (
            settings.username.is_some() || !ladder.has(Mode::Password),
            "--username",
            "SILENTRY_USERNAME",
        ),
    ])?;
    let cache = Cache::of(&settings)?.or_failure()?;
    let application = application::of(&settings, cache)?;
    let scopes = match settings.scopes.is_empty() {
        true => SCOPES.map(str::to_owned).to_vec(),
        false => settings.scopes.clone(),
    };
    let (progress, telling) = progress();
    let sign_in = SignIn {
        application: &application,
        settings: &settings,
        scopes: &scopes,
        ladder: &ladder,
        password: command.password.read(ladder.has(Mode::Password))?,
        progress,
    };
    let work = async {
        let result = sign_in.climb().await?;
        was_kept(&result)?;
        Ok(result)
    };
    let result = wait::until_done(work, telling)?;
    print(&result, command.output.unwrap_or_default())
}

/// A login signs in anew, so the cache, which a mode for `token` may name, is left out.
fn ladder(settings: &Settings) -> Result<Ladder, Failure> {
    if settings.account.is_some() {
        let named = &settings.from_environment;
        let account = named.name("account", "--account", "SILENTRY_ACCOUNT");
        return Err(Failure::usage(
            "usage",
            format!("{account} names an account that has signed in"),
            "Name the user who is to sign in by --username.",
        ));
    }
    let ladder = match &settings.mode {
        Some(ladder) => ladder.without_silent(),
        None => Some(Ladder::sign_in()),
    };
    ladder.ok_or_else(|| {
        Failure::usage(
            "usage",
            "`silent` signs nobody in",
            "Give --mode iwa, devicecode, web or password, or several separated by commas.",
        )
    })
}

/// A token that could not be kept is a token all the same, but no login.
fn was_kept(result: &AuthenticationResult) -> Result<(), Failure> {
    let Some(why) = result.not_kept() else {
        return Ok(());
    };
    let user = output::name(result.account().username());
    Err(Failure::other(
        "token_cache_failed",
        format!("{user} was signed in, but the tokens could not be kept: {why}"),
        "Check that this user can write the place of the token cache, or name another with --cache.",
        "cache",
    ))
}

fn print(result: &AuthenticationResult, output: Format) -> Result<(), Failure> {
    let user = result.account();
    match output {
        Format::Text => output::line(&format!("signed in as {}", output::name(user.username()))),
        Format::Json => output::json(&json!({
            "username": user.username(),
            "home_account_id": user.home_account_id(),
            "environment": user.environment(),
            "tenant_id": result.tenant_id(),
            "scopes": result.scopes(),
            "flow": token::flow(result),
            "correlation_id": result.correlation_id(),
        })),
    }
}
