//! What the command line, the environment and the config file can say, whatever the command.

mod cache;
mod config;
mod environment;
mod ladder;
mod opposites;
mod output;
mod settings;
mod texts;
mod variable;

pub(crate) use cache::CacheArguments;
pub(crate) use config::ConfigFile;
pub(crate) use environment::prepared;
pub(crate) use ladder::{Ladder, Mode};
pub(crate) use output::{Format, NamedFormat};
pub(crate) use settings::{CacheFormat, MutualAuth, Settings};
pub(crate) use variable::Trimmed;

pub(crate) const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 other; 2 usage; 3 the user must act (MFA, consent, policy); 4 not signed in, no ticket;
5 integrated sign-in impossible here; 6 network or time-out; 7 the server refused; 130 interrupted.";
