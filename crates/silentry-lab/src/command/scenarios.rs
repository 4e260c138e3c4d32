//! `silentry-lab scenarios`: what the lab can be made to do.

use std::process::ExitCode;

use silentry_lab::{Flow, Scenario};

use super::{Failure, Output};

/// Options of `scenarios`.
#[derive(clap::Args)]
#[command(before_help = "Example: silentry-lab scenarios -o json")]
pub(crate) struct Arguments {
    /// How to show the list.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Prints the list.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let scenarios = Scenario::all();
    if arguments.output == Output::Json {
        let json = serde_json::to_string_pretty(scenarios)
            .map_err(|error| Failure::io("writing JSON")(error.into()))?;
        anstream::println!("{json}");
        return Ok(ExitCode::SUCCESS);
    }
    let width = scenarios
        .iter()
        .map(|scenario| scenario.name.len())
        .max()
        .unwrap_or(0);
    for scenario in scenarios {
        let outcome = match scenario.expected_code {
            Some(code) => format!("{code}, exit {}", scenario.expected_exit),
            None => "succeeds".to_owned(),
        };
        anstream::println!("{:width$}  {}", scenario.name, scenario.summary);
        let flow = match scenario.flow {
            Flow::DeviceCode => "device code, ",
            Flow::Interactive => "interactive, ",
            Flow::Silent => "silent, ",
            _ => "",
        };
        anstream::println!("{:width$}  {flow}{}: {outcome}", "", scenario.user);
    }
    Ok(ExitCode::SUCCESS)
}
