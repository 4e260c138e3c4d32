//! `silentry token`.

use clap::{Args, ValueEnum, value_parser};
use serde_json::{Value, json};
use silentry::{AuthenticationResult, Flow, TokenSource};

use crate::arguments::{ConfigFile, EXIT_CODES, Ladder, Mode, NamedFormat, Settings, Trimmed};
use crate::cache::Cache;
use crate::failure::Failure;
use crate::password::PasswordArguments;
use crate::progress::progress;
use crate::sign_in::SignIn;
use crate::values::{rfc3339, unix_seconds};
use crate::{application, output, wait};

const EXAMPLES: &str = "\
Examples:
  silentry token --client-id 11111111-2222-3333-4444-555555555555 \\
      --tenant contoso.com --scope https://graph.microsoft.com/User.Read
  h=$(silentry token -o header) && printf '%s\\n' \"$h\" |
      curl -H @- https://graph.microsoft.com/v1.0/me  # the rest from SILENTRY_*
  silentry token --mode silent,iwa,devicecode -o json
  silentry token --mode password --username ci@contoso.com \\
      --password-fd 3 3<password-file
";

#[derive(Args)]
#[command(before_help = EXAMPLES, after_help = EXIT_CODES)]
pub(crate) struct TokenCommand {
    #[command(flatten)]
    pub(crate) settings: Settings,

    #[command(flatten)]
    password: PasswordArguments,

    /// What to print. (default: token)
    #[arg(
        short,
        long,
        env = "SILENTRY_OUTPUT",
        value_name = "FORMAT",
        value_parser = Trimmed(value_parser!(Output)),
        help_heading = "Options"
    )]
    output: Option<Output>,

    #[command(flatten)]
    config: ConfigFile,
}

/// How the token is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// The access token and a line end.
    #[default]
    Token,
    /// One JSON object: the token, its times, scopes and account.
    Json,
    /// `Authorization: Bearer` and the token.
    Header,
    /// Nothing: only the exit code tells.
    None,
}

impl TokenCommand {
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        let given = std::mem::take(&mut self.settings);
        self.settings = std::mem::take(&mut self.config).complete(given)?;
        self.output = Some(NamedFormat::or_of_file(self.output, self.settings.output));
        Ok(())
    }

    /// Whether failures are told as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.output == Some(Output::Json)
    }
}

/// Gets a token and prints it.
pub(crate) fn run(command: TokenCommand) -> Result<(), Failure> {
    let settings = command.settings;
    let ladder = ladder(&settings)?;
    application::require(&[
        (
            settings.client_id.is_some(),
            "--client-id",
            "SILENTRY_CLIENT_ID",
        ),
        (!settings.scopes.is_empty(), "--scope", "SILENTRY_SCOPE"),
        (
            settings.username.is_some() || !ladder.has(Mode::Password),
            "--username",
            "SILENTRY_USERNAME",
        ),
    ])?;
    let application = application::of_or_in_memory(&settings, Cache::of(&settings)?.or_memory())?;
    let (progress, telling) = progress();
    let sign_in = SignIn {
        application: &application,
        settings: &settings,
        scopes: &settings.scopes,
        ladder: &ladder,
        password: command.password.read(ladder.has(Mode::Password))?,
        progress,
    };
    let result = wait::until_done(sign_in.climb(), telling)?;
    print(&result, command.output.unwrap_or_default())
}

/// A named account is not what the ticket gives.
fn ladder(settings: &Settings) -> Result<Ladder, Failure> {
    match (&settings.mode, &settings.account) {
        (Some(ladder), Some(_)) if ladder.has(Mode::Iwa) => {
            let named = &settings.from_environment;
            let account = named.name("account", "--account", "SILENTRY_ACCOUNT");
            let mode = named.name("mode", "--mode", "SILENTRY_MODE");
            Err(Failure::usage(
                "usage",
                format!(
                    "{account} names an account, and `iwa` gives a token of whoever is signed in"
                ),
                &format!("Leave `iwa` out of {mode}, or leave {account} out."),
            ))
        }
        (Some(ladder), _) => Ok(ladder.clone()),
        (None, Some(_)) => Ok(Ladder::cache()),
        (None, None) => Ok(Ladder::unattended()),
    }
}

fn print(result: &AuthenticationResult, output: Output) -> Result<(), Failure> {
    match output {
        Output::Token => output::line(result.access_token()),
        Output::Header => {
            output::line(&format!("Authorization: {}", result.authorization_header()))
        }
        Output::Json => output::json(&to_json(result)),
        Output::None => Ok(()),
    }
}

fn to_json(result: &AuthenticationResult) -> Value {
    json!({
        "access_token": result.access_token(),
        "token_type": "Bearer",
        "expires_on": unix_seconds(result.expires_on()),
        "expires_at": rfc3339(result.expires_on()),
        "scopes": result.scopes(),
        "tenant_id": result.tenant_id(),
        "username": result.account().username(),
        "home_account_id": result.account().home_account_id(),
        "environment": result.account().environment(),
        "flow": flow(result),
        "from_cache": result.token_source() == TokenSource::Cache,
        "correlation_id": Some(result.correlation_id()).filter(|id| !id.is_empty()),
    })
}

/// The flow under its long name, as the lab and the documentation call it.
pub(crate) fn flow(result: &AuthenticationResult) -> &'static str {
    match result.flow() {
        Some(Flow::IntegratedWindowsAuth) => "integrated_windows",
        Some(Flow::DeviceCode) => "device_code",
        Some(Flow::Interactive) => "interactive",
        Some(Flow::UsernamePassword) => "username_password",
        _ => "silent",
    }
}
