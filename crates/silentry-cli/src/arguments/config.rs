//! The config file: TOML with the long names of the flags.

use std::path::{Path, PathBuf};

use clap::Args;
use silentry_files::{Owners, Untrusted, read_trusted};

use super::settings::Settings;
use super::texts;
use crate::failure::Failure;
use crate::text;

const CODE: &str = "invalid_config_file";

const NOT_TOML: &str = "it is not valid TOML";

/// Nobody writes a larger one by hand.
const MAX_BYTES: usize = 64 * 1024;

/// The file with the settings that the command line and the environment leave open.
#[derive(Args, Default)]
pub(crate) struct ConfigFile {
    /// Read settings from this file instead of the user's.
    #[arg(long, env = "SILENTRY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    /// Returns the settings of the command line and the environment, and what they leave open of the file that is named,
    /// else of the user's config file where there is one.
    pub(crate) fn complete(self, given: Settings) -> Result<Settings, Failure> {
        let given = given.tidied()?;
        Ok(given.or(read(self)?.tidied()?))
    }

    /// Returns the file that is named.
    fn path(mut self) -> Result<Option<PathBuf>, Failure> {
        texts::trim_path(&mut self.config);
        texts::expand_home(&mut self.config)?;
        Ok(self.config)
    }
}

fn read(file: ConfigFile) -> Result<Settings, Failure> {
    let named = file.path()?;
    let is_named = named.is_some();
    let Some(path) = named.or_else(default_path) else {
        return Ok(Settings::default());
    };
    // Not a regular file, but the usual name for no file.
    if path == Path::new("/dev/null") {
        return Ok(Settings::default());
    }
    // It chooses the library to load, the hosts to talk to and the place for tokens.
    let bytes = match read_trusted(&path, Owners::RootOrUser, MAX_BYTES) {
        Err(error) if error.is_absent() && !is_named => return Ok(Settings::default()),
        Err(error) => return Err(unusable(&path, &error, is_named)),
        Ok(bytes) => bytes,
    };
    let bad = |why: String| {
        Failure::usage(
            CODE,
            format!("the config file {} cannot be used: {why}", path.display()),
            "Its lines are the long names of the flags, such as client-id = \"...\".",
        )
    };
    let text = String::from_utf8(text::normalized(bytes))
        .map_err(|_| bad("it is neither UTF-8 nor UTF-16".to_owned()))?;
    toml::from_str(&text).map_err(|error| bad(explained(&text, &error)))
}

fn unusable(path: &Path, error: &Untrusted, is_named: bool) -> Failure {
    let mitigation = match error {
        Untrusted::Owner { .. } => {
            "Settings choose the code that is loaded and the hosts that get tokens, so they must belong to the user \
             who runs silentry, or to root. Make it this user's (chown), or name a file of this user's by --config."
        }
        Untrusted::Writable { .. } => {
            "Settings choose the code that is loaded and the hosts that get tokens, so nobody else may be able to \
             change them. Take the others' right to write away: chmod go-w."
        }
        _ if is_named => "Check the path and its permissions.",
        _ => {
            "HOME or XDG_CONFIG_HOME leads there. Set it to a folder of this user's, or name another file by --config \
             (/dev/null for none)."
        }
    };
    Failure::usage(
        CODE,
        format!("the config file {} cannot be used: {error}", path.display()),
        mitigation,
    )
}

/// Says where and why without a word of the text: it may hold secrets, and so may a file that was named by mistake.
fn explained(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let number = text.as_bytes()[..start]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
        + 1;
    let message = error.message();
    let reason = if let Some(rest) = message.strip_prefix("unknown field `") {
        let name = rest.split('`').next().unwrap_or_default();
        match is_name(name) {
            true => format!("there is no setting `{name}`"),
            false => "there is no such setting".to_owned(),
        }
    } else if let Some((_, expected)) = message.rsplit_once(", expected ") {
        // The words of serde and toml, which come behind what the file says.
        let expected = match expected {
            "u8" => "a whole number up to 255",
            "u16" => "a whole number up to 65535",
            "u32" => "a whole number up to 4294967295",
            "a boolean" => "true or false",
            "a string" | "literal string" => "a text in quotes",
            // The choices of a setting, or what toml expects of its grammar.
            other if other.contains('`') && !message.starts_with("unknown variant `") => {
                return format!("line {number}: {NOT_TOML}");
            }
            other => other,
        };
        format!("it takes {expected}")
    } else if message.contains(['`', '"', '\'']) {
        NOT_TOML.to_owned()
    } else {
        message.to_owned()
    };
    format!("line {number}: {reason}")
}

/// What a flag could be called; a secret has capitals or digits.
fn is_name(text: &str) -> bool {
    text.len() <= 40
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'_')
}

/// `$XDG_CONFIG_HOME/silentry/config.toml` or `~/.config/...`; on Windows `%APPDATA%\silentry\config.toml`.
fn default_path() -> Option<PathBuf> {
    let absolute = |variable: &str| {
        let path = std::env::var_os(variable).map(PathBuf::from);
        path.filter(|path| path.is_absolute() && !silentry_files::elevated())
    };
    let folder = if cfg!(windows) {
        absolute("APPDATA")?
    } else {
        match absolute("XDG_CONFIG_HOME") {
            Some(folder) => folder,
            None => silentry_files::home()?.join(".config"),
        }
    };
    Some(folder.join("silentry").join("config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_what_the_setting_takes() {
        for (text, expected) in [
            ("tenant = contoso.com", "a text in quotes"),
            ("tenant = 5", "a text in quotes"),
            ("scope = api://x/y", "a text in quotes"),
            ("verbose = true", "a whole number up to 255"),
            ("verbose = 300", "a whole number up to 255"),
            ("port = \"80\"", "a whole number up to 65535"),
            ("browser-timeout = -1", "a whole number"),
            ("allow-ntlm = \"yes\"", "true or false"),
            ("allow-ntlm = \"a, expected b\"", "true or false"),
            ("prompt = \"x\"", "one of `select-account`"),
            ("cache-format = \"a`, expected `b\"", "`plain`"),
            ("tenant = \"a\" \"b\"", NOT_TOML),
        ] {
            let error = toml::from_str::<Settings>(text).err().unwrap();
            let said = explained(text, &error);
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn an_error_tells_the_line_and_nothing_of_the_text() {
        for (text, line) in [
            ("tenant = \"a\"\nport = \"hunter2\"\n", 2),
            ("prompt = \"hunter2\"", 1),
            ("mode = \"hunter2\"", 1),
            ("mode = [\"silent\", \"hunter2\"]", 1),
            ("output = \"hunter2\"", 1),
            ("scope = {a = \"hunter2\"}", 1),
            ("\n\nhunter2", 3),
            ("hunter2 = 1", 1),
            ("client-id = \"a\"\nclient-id = \"hunter2\"", 2),
            ("tenant = \"hunter2", 1),
            ("tenant = hunter2", 1),
            ("tenant = \"\\hunter2\"", 1),
            ("[hunter2]\na = 1", 1),
            ("{\"hunter2\": 1}", 1),
            ("verbose = hunter2", 1),
            ("allow-ntlm = \"hunter2\"", 1),
        ] {
            let error = toml::from_str::<Settings>(text).err().unwrap();
            let told = explained(text, &error);
            assert!(!told.contains("hunter2"), "{text}: {told}");
            assert!(
                told.starts_with(&format!("line {line}: ")),
                "{text}: {told}"
            );
        }
        let error = toml::from_str::<Settings>("password = \"x\"")
            .err()
            .unwrap();
        assert_eq!(
            explained("", &error),
            "line 1: there is no setting `password`"
        );
    }
}
