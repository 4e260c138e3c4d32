//! The settings of commands that look into a token cache and sign nobody in.

use std::path::PathBuf;

use clap::{Args, value_parser};

use super::config::ConfigFile;
use super::settings::{CacheFormat, Settings};
use super::variable::{FromEnvironment, Trimmed};
use crate::failure::Failure;

/// Which token cache a command looks into.
#[derive(Args)]
pub(crate) struct CacheArguments {
    /// First, as the other fields take what they read.
    #[command(flatten)]
    from_environment: FromEnvironment,

    /// The token cache: a file, or `default`. (default: default)
    #[arg(long, env = "SILENTRY_CACHE", value_name = "FILE|default")]
    cache: Option<PathBuf>,

    /// How the file of --cache is protected. (default: plain)
    #[arg(
        long,
        env = "SILENTRY_CACHE_FORMAT",
        value_name = "plain|os",
        value_parser = Trimmed(value_parser!(CacheFormat)),
        hide_possible_values = true
    )]
    cache_format: Option<CacheFormat>,

    /// The authority whose cloud is meant. (default: the public cloud)
    #[arg(long, env = "SILENTRY_AUTHORITY", value_name = "URL")]
    authority: Option<String>,

    #[command(flatten)]
    config: ConfigFile,

    /// All of it, and what the config file says.
    #[arg(skip)]
    pub(crate) settings: Settings,
}

impl CacheArguments {
    pub(crate) fn complete(&mut self) -> Result<(), Failure> {
        let given = Settings {
            cache: self.cache.take(),
            cache_format: self.cache_format,
            authority: self.authority.take(),
            from_environment: std::mem::take(&mut self.from_environment),
            ..Settings::default()
        };
        self.settings = std::mem::take(&mut self.config).complete(given)?;
        Ok(())
    }
}
