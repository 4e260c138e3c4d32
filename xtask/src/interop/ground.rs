//! What a part has to work with, before and inside its namespaces.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process;
use crate::report::Step;
use crate::workspace::Workspace;

/// No program of an encounter runs longer.
const LIMIT: Duration = Duration::from_secs(120);

/// For downloads and builds, with the machine's network.
pub(crate) struct Preparation<'a> {
    /// The checkout, where the strangers' own small programs are (`interop/`).
    pub(crate) workspace: &'a Workspace,
    /// Keeps what was prepared, from one run to the next.
    pub(crate) prepared: &'a Path,
    step: &'a Step,
}

impl<'a> Preparation<'a> {
    pub(super) fn new(workspace: &'a Workspace, step: &'a Step, prepared: &'a Path) -> Self {
        Self {
            workspace,
            prepared,
            step,
        }
    }

    /// Runs a program to a successful end; what it prints goes to the log.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        self.step.run(command)
    }

    /// Runs a program to a successful end and returns what it printed on stdout.
    pub(crate) fn read(&self, command: &mut Command) -> Result<String> {
        self.step.read(command)
    }
}

/// For the encounter, inside the namespaces: nothing but loopback can be reached, every port is free.
pub(crate) struct Ground {
    /// Where `silentry` and `silentry-lab` are.
    pub(crate) programs: PathBuf,
    /// What the part prepared.
    pub(crate) prepared: PathBuf,
    /// Empty, with a short path, and gone afterwards.
    pub(crate) folder: PathBuf,
    /// What every program prints that nobody reads.
    pub(crate) log: File,
}

impl Ground {
    /// Returns the `silentry` command.
    pub(crate) fn silentry(&self) -> Command {
        Command::new(self.programs.join("silentry"))
    }

    /// Returns the `silentry-lab` command.
    pub(crate) fn lab(&self) -> Command {
        Command::new(self.programs.join("silentry-lab"))
    }

    /// Runs a program to a successful end; what it prints goes to the log.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        process::run(command, LIMIT, &self.log)
    }

    /// Runs a program to a successful end and returns what it printed on stdout.
    pub(crate) fn read(&self, command: &mut Command) -> Result<String> {
        process::read(command, LIMIT, &self.log)
    }
}
