//! `cargo xtask interop`: the tests of Silentry and its lab with third-party programs.
//!
//! They are in the folders of `interop/`, and pytest runs them: each worker in network and mount namespaces of its own,
//! all of them in a process namespace. A folder belongs to them when it has a `packages.txt`; nothing here knows what is
//! in it.

mod foreign;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::packages::Package;
use crate::process::command;
use crate::report::{Report, Step};
use crate::test::Size;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{full, namespace, packages};

/// The tests of what the folders share.
const SUPPORT: &str = "support";
/// The programs of ours that the tests use, beside the two commands.
const EXAMPLES: &str = "build --package silentry --package silentry-negotiate --example sign_in --example openid \
     --example shared_cache --example reqwest";
/// Where a worker runs.
const WORKER: &str = "unshare --net --mount -- python3";

/// What to test.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what the tests need and this machine lacks
    #[arg(long)]
    install: bool,
    /// Only the folders whose names contain this
    #[arg(long, value_name = "FOLDER")]
    only: Option<String>,
    /// Write what was seen to the page in docs/
    #[arg(long)]
    write: bool,
    /// Folder with the built programs instead of a debug build
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
}

/// Runs the tests by themselves.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let tools = Tools::new(&workspace);
    tools.install_basic();
    packages::ensure(&workspace, &tools, Size::Interop, args.install)?;
    let logs = workspace.target.join("xtask").join("interop");
    let mut report = Report::new(logs, None)?;
    let programs = match &args.programs {
        Some(folder) => folder.clone(),
        None => full::debug_build(&workspace, &mut report),
    };
    let tests = Tests::of(&workspace, &tools, args.only.as_deref().unwrap_or_default())?;
    tests.steps(&programs, args.write, &mut report);
    report.finish()
}

/// The tests as steps of `cargo xtask test`.
pub(crate) fn steps(
    workspace: &Workspace,
    tools: &Tools,
    programs: &Path,
    report: &mut Report,
) -> Result<()> {
    Tests::of(workspace, tools, "")?.steps(programs, false, report);
    Ok(())
}

/// Returns the Debian packages that the folders name.
pub(crate) fn packages(workspace: &Workspace) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for folder in folders(workspace)? {
        let list = home(workspace).join(folder).join("packages.txt");
        let text = fs::read_to_string(&list).with_context(|| list.display().to_string())?;
        for line in text.lines() {
            packages
                .push(Package::parse(line).with_context(|| format!("{}: {line}", list.display()))?);
        }
    }
    Ok(packages)
}

/// A program that the measurements compare Silentry with.
#[derive(Deserialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    command: Vec<String>,
    environment: BTreeMap<String, String>,
}

impl Peer {
    /// Returns the command that starts it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).envs(&self.environment);
        command
    }
}

/// Installs the programs to compare with and returns them.
pub(crate) fn peers(workspace: &Workspace, step: &Step) -> Result<Vec<Peer>> {
    let tools = Tools::new(workspace);
    let tests = Tests {
        workspace,
        tools: &tools,
        folders: vec!["bench".to_owned()],
    };
    tests.prepare(step)?;
    let mut list = command("python3 -m bench.peers");
    let listed = step.read(tests.enter(list.arg(prepared(workspace))))?;
    Ok(serde_json::from_str(&listed)?)
}

/// The tests of some folders.
struct Tests<'a> {
    workspace: &'a Workspace,
    tools: &'a Tools,
    folders: Vec<String>,
}

impl<'a> Tests<'a> {
    /// Returns those of the folders whose names contain `only`.
    fn of(workspace: &'a Workspace, tools: &'a Tools, only: &str) -> Result<Self> {
        let mut folders = folders(workspace)?;
        folders.retain(|folder| folder.contains(only));
        ensure!(
            !folders.is_empty(),
            "no folder of interop/ has {only} in its name"
        );
        Ok(Self {
            workspace,
            tools,
            folders,
        })
    }

    fn steps(&self, programs: &Path, write: bool, report: &mut Report) {
        report.step("interop preparation", |step| {
            step.run(&mut self.workspace.cargo(EXAMPLES))?;
            self.build_for_other_systems(step)?;
            self.prepare(step)?;
            Ok(self.folders.join(", "))
        });
        report.step("interop tests", |step| self.run(programs, write, step));
    }

    /// Builds our programs for the systems that the folders name.
    fn build_for_other_systems(&self, step: &Step) -> Result<()> {
        for folder in &self.folders {
            let file = home(self.workspace).join(folder).join("target.txt");
            if file.exists() {
                let target = fs::read_to_string(file)?;
                foreign::build(
                    self.workspace,
                    target.trim(),
                    &prepared(self.workspace),
                    step,
                )?;
            }
        }
        Ok(())
    }

    /// Lets the folders download and build, while the machine's network is there.
    fn prepare(&self, step: &Step) -> Result<()> {
        let mut python = command("python3 -m support.prepare");
        python
            .arg(home(self.workspace))
            .arg(prepared(self.workspace))
            .args(&self.folders);
        step.run(self.enter(&mut python))
    }

    /// Runs the tests; returns how many rows of the page they have.
    fn run(&self, programs: &Path, write: bool, step: &Step) -> Result<String> {
        ensure!(
            programs.join("silentry").is_file(),
            "{} has no programs: run `--step \"release build\"` first",
            programs.display()
        );
        let folder = namespace::folder()?;
        let workers = thread::available_parallelism()?;
        let mut pytest = namespace::enter("python3 -m pytest --quiet --dist loadgroup")?;
        pytest
            .arg(format!("--tx={workers}*popen//python={WORKER}"))
            .arg("--basetemp")
            .arg(folder.path().join("pytest"))
            .arg("--programs")
            .arg(programs)
            .arg("--examples")
            .arg(self.workspace.target.join("debug").join("examples"))
            .arg("--prepared")
            .arg(prepared(self.workspace))
            .args(write.then_some("--write-page"))
            .arg(SUPPORT)
            .args(&self.folders);
        step.run(self.enter(&mut pytest))?;
        let log = step.log()?;
        let counted = log.lines().rev().find(|line| line.ends_with(" rows"));
        Ok(counted.context("pytest counted no rows")?.to_owned())
    }

    /// Points Python at its packages and at the folders.
    fn enter<'c>(&self, python: &'c mut Command) -> &'c mut Command {
        let mut path = self.tools.tests().as_os_str().to_owned();
        path.push(":");
        path.push(home(self.workspace));
        python
            .current_dir(home(self.workspace))
            .env("PYTHONPATH", path)
            .env(
                "PYTHONPYCACHEPREFIX",
                prepared(self.workspace).join("pycache"),
            )
    }
}

fn folders(workspace: &Workspace) -> Result<Vec<String>> {
    let home = home(workspace);
    let mut found = Vec::new();
    for entry in fs::read_dir(&home).with_context(|| home.display().to_string())? {
        let entry = entry?;
        if entry.path().join("packages.txt").is_file() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

fn home(workspace: &Workspace) -> PathBuf {
    workspace.root.join("interop")
}

fn prepared(workspace: &Workspace) -> PathBuf {
    workspace.target.join("interop")
}
