//! From the settings to a token: the modes, one after the other.

use std::time::Duration;

use serde_json::{Value, json};
use silentry::{AcquireToken, AuthenticationResult, Error, PublicClientApplication};

use crate::application::{missing, read_file};
use crate::arguments::{Ladder, Mode, Settings};
use crate::failure::Failure;
use crate::password::Password;
use crate::progress::{AnnouncedBrowser, Progress};
use crate::suggestion;

/// What is signed in with.
pub(crate) struct SignIn<'a> {
    pub(crate) application: &'a PublicClientApplication,
    pub(crate) settings: &'a Settings,
    pub(crate) scopes: &'a [String],
    pub(crate) ladder: &'a Ladder,
    pub(crate) password: Password,
    pub(crate) progress: Progress,
}

impl SignIn<'_> {
    /// Tries the ways of the ladder until one gives a token.
    pub(crate) async fn climb(self) -> Result<AuthenticationResult, Failure> {
        let (ladder, settings) = (self.ladder, self.settings);
        let request = self.request()?;
        request
            .await
            .map_err(|error| failure(error, ladder, settings))
    }

    fn request(self) -> Result<AcquireToken, Failure> {
        let SignIn {
            application,
            settings,
            scopes,
            ladder,
            password,
            progress,
        } = self;
        let named = &settings.from_environment;
        let mut request = application
            .acquire_token(scopes)
            .from_nothing()
            .with_force_refresh(settings.force_refresh == Some(true))
            .with_browser(AnnouncedBrowser {
                progress: progress.clone(),
                limit: browser_limit(settings),
                only_told: settings.no_browser == Some(true),
                is_last_way: ladder.modes().last() == Some(&Mode::Web),
            })
            .with_browser_timeout(browser_limit(settings))
            .with_extra_query_parameters(pairs(
                named.name(
                    "extra_query_parameters",
                    "--extra-query-parameter",
                    "SILENTRY_EXTRA_QUERY_PARAMETERS",
                ),
                &settings.extra_query_parameters,
            )?)
            .with_extra_headers(pairs(
                named.name("extra_headers", "--extra-header", "SILENTRY_EXTRA_HEADERS"),
                &settings.extra_headers,
            )?);
        if let Some(username) = &settings.username {
            request = request.with_username(username);
        }
        if let Some(hint) = &settings.login_hint {
            request = request.with_login_hint(hint);
        }
        if let Some(path) = &settings.federation_metadata {
            let document = String::from_utf8_lossy(&read_file(path)?).into_owned();
            request = request.with_federation_metadata(document);
        }
        if let Some(claims) = &settings.claims {
            request = request.with_claims(claims);
        }
        if let Some(id) = &settings.correlation_id {
            request = request.with_correlation_id(id);
        }
        if let Some(language) = language(settings)? {
            request = request.with_language(language);
        }
        if let Some(domain) = &settings.domain_hint {
            request = request.with_domain_hint(domain);
        }
        if let Some(prompt) = settings.prompt {
            request = request.with_prompt(prompt.into());
        }
        if let Some(port) = settings.port {
            request = request.with_redirect_port(port);
        }
        let mut password = Some(password);
        for mode in ladder.modes() {
            request = match mode {
                Mode::Silent => silent(request, settings),
                Mode::Iwa => request.or_integrated_windows_auth(),
                Mode::DeviceCode => {
                    let progress = progress.clone();
                    request.or_device_code(move |code| progress.show(code))
                }
                Mode::Web => request.or_interactive(),
                Mode::Password => {
                    let Some(username) = &settings.username else {
                        return Err(missing(&[("--username", "SILENTRY_USERNAME")]));
                    };
                    let password = password.take().unwrap_or(Password::ToAsk);
                    let ask = password.asker(username, progress.clone());
                    request.or_username_and_asked_password(username, ask)
                }
            };
        }
        Ok(request)
    }
}

/// No way of the ladder gave a token: the last one's error, with every one that was tried, and with the sign-in that may
/// cure it.
fn failure(error: Error, ladder: &Ladder, settings: &Settings) -> Failure {
    let before = error.attempts().iter().map(
        |attempt| json!({ "mode": attempt.flow.as_str(), "error": attempt.code.as_str(), "message": attempt.message }),
    );
    let mut attempts: Vec<_> = before.collect();
    if let Some(last) = ladder.modes().get(attempts.len()) {
        let message = error.to_string();
        attempts.push(
            json!({ "mode": last.as_str(), "error": error.code().as_str(), "message": message }),
        );
    }
    let command = match &error {
        Error::InteractionRequired(needed) => suggestion::sign_in(settings, ladder, needed),
        _ => None,
    };
    let failure = Failure::from(error).with("attempts", Value::Array(attempts));
    match command {
        Some(command) => failure.with("command", Value::String(command)),
        None => failure,
    }
}

/// Whose token the cache is searched for: the one of the user or account that is named, else of the ticket's user. A ticket
/// that was chosen must not end at an account that is only alone in the cache.
fn silent(request: AcquireToken, settings: &Settings) -> AcquireToken {
    let ticket_chosen = settings.ccache.is_some() || settings.keytab.is_some();
    match &settings.account {
        Some(id) => request.or_silent_for(id),
        None if ticket_chosen => request.or_silent(),
        None => request.or_silent_for_sole_account(),
    }
}

fn browser_limit(settings: &Settings) -> Duration {
    const LIMIT: u32 = 300;
    Duration::from_secs(settings.browser_timeout.unwrap_or(LIMIT).into())
}

/// The language of messages: the one that is asked for, else that of the environment's messages.
fn language(settings: &Settings) -> Result<Option<String>, Failure> {
    let is_tag = |text: &str| {
        (2..=35).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if let Some(language) = &settings.language {
        if !is_tag(language) {
            let named = &settings.from_environment;
            let name = named.name("language", "--language", "SILENTRY_LANGUAGE");
            return Err(Failure::usage(
                "usage",
                format!("{name} `{language}` is not a language tag"),
                "Write it as de or de-DE.",
            ));
        }
        return Ok(Some(language.clone()));
    }
    let variables = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter();
    let locale = variables
        .filter_map(|name| std::env::var(name).ok())
        .find(|locale| !locale.is_empty());
    Ok(locale
        .as_deref()
        .and_then(tag_of_locale)
        .filter(|tag| is_tag(tag)))
}

/// `de_DE.UTF-8@euro` is `de-DE`; `C` and `POSIX` are no language.
fn tag_of_locale(locale: &str) -> Option<String> {
    let name = locale.split(['.', '@']).next()?;
    (!matches!(name, "C" | "POSIX")).then(|| name.replace('_', "-"))
}

fn pairs<'a>(setting: &str, texts: &'a [String]) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    let pair = |(number, text): (usize, &'a String)| {
        // Not quoted: it may be a secret that was meant to be the value.
        text.split_once('=').ok_or_else(|| {
            Failure::usage(
                "usage",
                format!("no. {} of {setting} has no `=`", number + 1),
                "Write NAME=VALUE.",
            )
        })
    };
    texts.iter().enumerate().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::tag_of_locale;

    #[test]
    fn a_locale_names_a_language() {
        assert_eq!(tag_of_locale("de_DE.UTF-8@euro").as_deref(), Some("de-DE"));
        assert_eq!(tag_of_locale("fr").as_deref(), Some("fr"));
        for locale in ["C", "POSIX", "C.UTF-8"] {
            assert_eq!(tag_of_locale(locale), None, "{locale}");
        }
    }
}
