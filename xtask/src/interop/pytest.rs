//! The folders of `interop/`, whose tests pytest runs: each worker in network and mount namespaces of its own, all of
//! them in a process namespace.
//!
//! A folder belongs to them when it has a `packages.txt`; nothing here knows what is in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::namespace;
use crate::packages::Package;
use crate::process::command;
use crate::report::{Report, Step};
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The tests of what the folders share.
const SUPPORT: &str = "support";
/// The programs of ours that the tests use, beside the two commands.
const EXAMPLES: &str = "build --package silentry --package silentry-negotiate --example sign_in --example openid \
     --example shared_cache --example reqwest";
/// Where a worker runs.
const WORKER: &str = "unshare --net --mount -- python3";

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

/// Prepares and runs the tests of the folders whose names contain `only`, where there are any.
pub(super) fn step(
    workspace: &Workspace,
    tools: &Tools,
    programs: &Path,
    only: &str,
    write: bool,
    report: &mut Report,
) -> Result<()> {
    let mut chosen = folders(workspace)?;
    chosen.retain(|folder| folder.contains(only));
    if chosen.is_empty() {
        return Ok(());
    }
    report.step("interop preparation", |step| {
        step.run(&mut workspace.cargo(EXAMPLES))?;
        let mut python = command("python3 -m support.prepare");
        python
            .arg(home(workspace))
            .arg(prepared(workspace))
            .args(&chosen);
        step.run(enter(&mut python, workspace, tools))?;
        Ok(chosen.join(", "))
    });
    report.step("interop tests", |step| {
        run(workspace, tools, programs, &chosen, write, step)
    });
    Ok(())
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
    let mut prepare = command("python3 -m support.prepare");
    prepare
        .arg(home(workspace))
        .arg(prepared(workspace))
        .arg("bench");
    step.run(enter(&mut prepare, workspace, &tools))?;
    let mut list = command("python3 -m bench.peers");
    let listed = step.read(enter(list.arg(prepared(workspace)), workspace, &tools))?;
    Ok(serde_json::from_str(&listed)?)
}

fn run(
    workspace: &Workspace,
    tools: &Tools,
    programs: &Path,
    chosen: &[String],
    write: bool,
    step: &Step,
) -> Result<String> {
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
        .arg(workspace.target.join("debug").join("examples"))
        .arg("--prepared")
        .arg(prepared(workspace))
        .args(write.then_some("--write-page"))
        .arg(SUPPORT)
        .args(chosen);
    step.run(enter(&mut pytest, workspace, tools))?;
    let log = step.log()?;
    let counted = log.lines().rev().find(|line| line.ends_with(" rows"));
    Ok(counted.context("pytest counted no rows")?.to_owned())
}

/// Points Python at its packages and at the folders.
fn enter<'c>(python: &'c mut Command, workspace: &Workspace, tools: &Tools) -> &'c mut Command {
    let mut path = tools.tests().as_os_str().to_owned();
    path.push(":");
    path.push(home(workspace));
    python
        .current_dir(home(workspace))
        .env("PYTHONPATH", path)
        .env("PYTHONPYCACHEPREFIX", prepared(workspace).join("pycache"))
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
    ensure!(!found.is_empty(), "no folder has tests: {}", home.display());
    found.sort();
    Ok(found)
}

fn home(workspace: &Workspace) -> PathBuf {
    workspace.root.join("interop")
}

fn prepared(workspace: &Workspace) -> PathBuf {
    workspace.target.join("interop")
}
