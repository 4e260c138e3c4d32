//! The command line that does what an error asks for, ready to be pasted.

use std::ffi::OsStr;
use std::path::Path;

use silentry::InteractionRequired;
use silentry::text::is_invisible;

use crate::arguments::{CacheFormat, Ladder, Mode, Settings};
use crate::cache::{NONE, is_word};

/// The longest claims that are repeated; those of Entra have some hundred characters.
const MAX_CLAIMS: usize = 4000;

/// Returns the sign-in in the browser that cures an error with which the user must act; `None` where the browser has
/// been tried already.
///
/// It says what this command was told, but for what the environment says anyway, and with it what Entra asks for. What
/// cannot be written on a line (a path that is not Unicode, control characters) leaves no line.
pub(crate) fn sign_in(
    settings: &Settings,
    ladder: &Ladder,
    needed: &InteractionRequired,
) -> Option<String> {
    if ladder.has(Mode::Web) {
        return None;
    }
    let scopes = settings.scopes.join(" ");
    let keeps_nothing = settings
        .cache
        .as_deref()
        .is_some_and(|cache| is_word(cache, NONE));
    let command = if keeps_nothing { "token" } else { "login" };
    let mut line = format!("silentry {command} --mode web");
    let mut can_be_written = true;
    let mut add = |flag: &str, variable: &str, value: Option<&OsStr>| {
        let Some(value) =
            value.filter(|value| std::env::var_os(variable).as_deref() != Some(value))
        else {
            return;
        };
        match value.to_str() {
            Some(text) if !text.contains(is_invisible) => {
                line.push_str(&format!(" {flag} {}", quoted(text)));
            }
            _ => can_be_written = false,
        }
    };
    add(
        "--client-id",
        "SILENTRY_CLIENT_ID",
        settings.client_id.as_deref().map(OsStr::new),
    );
    add(
        "--tenant",
        "SILENTRY_TENANT",
        settings.tenant.as_deref().map(OsStr::new),
    );
    add(
        "--authority",
        "SILENTRY_AUTHORITY",
        settings.authority.as_deref().map(OsStr::new),
    );
    add(
        "--scope",
        "SILENTRY_SCOPE",
        Some(OsStr::new(&scopes)).filter(|scopes| !scopes.is_empty()),
    );
    add(
        "--username",
        "SILENTRY_USERNAME",
        settings.username.as_deref().map(OsStr::new),
    );
    let cache = settings.cache.as_deref();
    add("--cache", "SILENTRY_CACHE", cache.map(Path::as_os_str));
    if settings.cache_format == Some(CacheFormat::Os) {
        add(
            "--cache-format",
            "SILENTRY_CACHE_FORMAT",
            Some(OsStr::new("os")),
        );
    }
    let ca_bundle = settings.ca_bundle.as_deref();
    add(
        "--ca-bundle",
        "SILENTRY_CA_BUNDLE",
        ca_bundle.map(Path::as_os_str),
    );
    // A proxy's address may hold a password, and is set by the environment as a rule.
    let claims = needed.claims().or(settings.claims.as_deref());
    add(
        "--claims",
        "SILENTRY_CLAIMS",
        claims
            .filter(|claims| claims.len() <= MAX_CLAIMS)
            .map(OsStr::new),
    );
    can_be_written.then_some(line)
}

/// Quotes a word for the shell where it must be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_a_word_as_it_was() {
        for (word, shown) in [
            ("ana@contoso.com", "ana@contoso.com"),
            ("a b", "'a b'"),
            (r#"{"a":{}}"#, r#"'{"a":{}}'"#),
            ("it's $HOME", r"'it'\''s $HOME'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), shown);
        }
    }
}
