//! The config file: TOML with the long names of the flags.

use std::path::{Path, PathBuf};

use crate::arguments::{ConfigFile, Settings};
use crate::failure::Failure;
use crate::text;

/// Nobody writes a larger one by hand.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads the settings of the file that is named, else of the user's config file where there is one.
pub(crate) fn read(file: &ConfigFile) -> Result<Settings, Failure> {
    let named = file.config.as_deref();
    let Some(path) = named.map(Path::to_owned).or_else(default_path) else {
        return Ok(Settings::default());
    };
    let bad = |why: String| {
        Failure::usage(
            "invalid_config_file",
            format!("the config file {} cannot be used: {why}", path.display()),
            "Its lines are the long names of the flags, such as client-id = \"...\".",
        )
    };
    match std::fs::metadata(&path) {
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(error) => return Err(bad(error.to_string())),
        Ok(metadata) if metadata.len() > MAX_BYTES => return Err(bad("it is too large".into())),
        Ok(_) => {}
    }
    let bytes = std::fs::read(&path).map_err(|error| bad(error.to_string()))?;
    let text = String::from_utf8(text::normalized(bytes))
        .map_err(|_| bad("it is neither UTF-8 nor UTF-16".to_owned()))?;
    toml::from_str(&text).map_err(|error| bad(error.to_string().trim_end().to_owned()))
}

/// `$XDG_CONFIG_HOME/silentry/config.toml` or `~/.config/...`; on Windows `%APPDATA%\silentry\config.toml`.
fn default_path() -> Option<PathBuf> {
    let folder = if cfg!(windows) {
        PathBuf::from(std::env::var_os("APPDATA")?)
    } else {
        match std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
        {
            Some(folder) => folder,
            None => PathBuf::from(std::env::var_os("HOME")?).join(".config"),
        }
    };
    Some(folder.join("silentry").join("config.toml"))
}
