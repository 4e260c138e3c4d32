//! How results are printed. Each command has its own forms; the environment and the config file name one for all.

use clap::ValueEnum;
use serde::{Deserialize, Deserializer};

/// Every form that some command has.
pub(super) const FORMATS: [&str; 5] = ["token", "text", "json", "header", "none"];

/// How accounts are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The form that a config file names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedFormat(&'static str);

impl NamedFormat {
    /// Returns the form of a command: the one that its command line says, else this one where the command has it.
    pub(crate) fn or_of_file<F: ValueEnum + Default>(line: Option<F>, file: Option<Self>) -> F {
        let named = || F::from_str(file?.0, false).ok();
        line.or_else(named).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for NamedFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = FORMATS.into_iter().find(|known| *known == text);
        known.map(NamedFormat).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "it takes one of {} in quotes",
                FORMATS.join(", ")
            ))
        })
    }
}
