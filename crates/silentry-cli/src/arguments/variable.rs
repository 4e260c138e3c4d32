//! Values that the environment gives: written with blanks around them, and named by their variable in errors.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, Id};

/// Reads a value that has a form of its own, such as a number or one of several words, without the blanks and line ends
/// around it.
#[derive(Clone)]
pub(crate) struct Trimmed<P>(pub(crate) P);

impl<P: TypedValueParser> TypedValueParser for Trimmed<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, Error> {
        let trimmed = value.to_str().map_or(value, |text| OsStr::new(text.trim()));
        self.0.parse_ref(command, argument, trimmed)
    }

    fn parse_ref_(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
        source: ValueSource,
    ) -> Result<Self::Value, Error> {
        let variable = argument
            .and_then(Arg::get_env)
            .filter(|_| source == ValueSource::EnvVariable);
        self.parse_ref(command, argument, value)
            .map_err(|mut error| {
                if let Some(name) = variable {
                    let name = ContextValue::String(name.to_string_lossy().into_owned());
                    error.insert(ContextKind::InvalidArg, name);
                }
                error
            })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

/// Which settings the environment gave, for errors about values that are looked at later.
#[derive(Default)]
pub(crate) struct FromEnvironment(Vec<Id>);

impl FromEnvironment {
    /// Returns the name of the setting in the place that gave it: the variable, or the flag, which is also the name for
    /// one of the config file.
    pub(crate) fn name<'a>(&self, id: &str, flag: &'a str, variable: &'a str) -> &'a str {
        match self.0.iter().any(|given| given == id) {
            true => variable,
            false => flag,
        }
    }
}

impl FromArgMatches for FromEnvironment {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = matches
            .ids()
            .filter(|id| matches.value_source(id.as_str()) == Some(ValueSource::EnvVariable));
        Ok(FromEnvironment(given.cloned().collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// It adds no flag.
impl Args for FromEnvironment {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
