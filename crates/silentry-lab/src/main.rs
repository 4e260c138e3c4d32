//! The `silentry-lab` command.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Active Directory, AD FS and Microsoft Entra ID on one machine, to try sign-ins against.
#[derive(Parser)]
#[command(
    version,
    before_help = "Example: silentry-lab exec -- silentry token\n\
                   runs a program as a signed-in domain user whose tenant is played by the lab.",
    after_help = "Nothing a program does through the lab leaves this machine. Users, passwords and \
                  scenarios are fixed; the README lists them."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sign alice in with the silentry program, call an API, and show every exchange.
    Demo(command::demo::Arguments),
    /// Stay up, and print how to point programs at the lab.
    Up(command::up::Arguments),
    /// Run a program inside the lab, and exit with its code.
    Exec(command::exec::Arguments),
    /// List what the lab can be made to do, and what a client should make of it.
    Scenarios(command::scenarios::Arguments),
    /// Sign somebody in on a page of the lab, as a person at a browser would.
    SignIn(command::sign_in::Arguments),
}

/// What a runtime opens; without them Tokio would end the program.
const DESCRIPTORS: usize = 16;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = silentry_files::check_descriptors(DESCRIPTORS).and_then(|()| {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    });
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            anstream::eprintln!("error: the lab cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(run(arguments.command));
    done.unwrap_or_else(|failure| {
        anstream::eprintln!("error: {failure}");
        ExitCode::FAILURE
    })
}

async fn run(command: Command) -> Result<ExitCode, command::Failure> {
    match command {
        Command::Demo(arguments) => command::demo::run(&arguments).await,
        Command::Up(arguments) => command::up::run(arguments).await,
        Command::Exec(arguments) => command::exec::run(&arguments).await,
        Command::SignIn(arguments) => command::sign_in::run(&arguments).await,
        Command::Scenarios(arguments) => command::scenarios::run(&arguments),
    }
}
