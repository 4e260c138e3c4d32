//! Our programs for another system, built on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::cross;
use crate::report::Step;
use crate::workspace::Workspace;

/// The command, the examples and unit tests of `silentry-negotiate`, and the unit tests of what the command is made of.
/// The same packages both times, so that their dependencies are built once.
const PACKAGES: &str = "--package silentry-negotiate --package silentry --package silentry-cli";

/// Where the built files are.
#[derive(Serialize)]
struct Built {
    /// The folder of the command, with the folder of the examples in it.
    programs: PathBuf,
    /// The programs of unit tests, by package.
    tests: BTreeMap<String, Vec<PathBuf>>,
}

/// Builds, and lists what was built in `TARGET.json` of the folder.
///
/// In the `dev` profile: thin LTO would change nothing that the tests could show.
pub(super) fn build(workspace: &Workspace, target: &str, folder: &Path, step: &Step) -> Result<()> {
    let cargo = |verb: &str, line: &str| cross::cargo(workspace, verb, target, line);
    step.run(&mut cargo(
        "build",
        &format!("{PACKAGES} --bins --examples"),
    )?)?;
    let tests = format!("{PACKAGES} --lib --bins --no-run --message-format=json");
    let messages = step.read(&mut cargo("test", &tests)?)?;
    let mut built = Built {
        programs: cross::folder(workspace, target),
        tests: BTreeMap::new(),
    };
    for (package, program) in messages.lines().filter_map(test_program) {
        built.tests.entry(package).or_default().push(program);
    }
    ensure!(!built.tests.is_empty(), "cargo names no tests");
    fs::create_dir_all(folder)?;
    let list = folder.join(target).with_added_extension("json");
    Ok(fs::write(list, serde_json::to_vec(&built)?)?)
}

/// Reads a line of cargo's JSON messages: a unit test program, with the name of its package.
fn test_program(line: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_test = message["profile"]["test"].as_bool()?;
    let package = message["package_id"].as_str()?;
    // path+file:///.../crates/silentry-cli#0.1.0
    let package = package.rsplit('/').next()?.split('#').next()?;
    let program = message["executable"].as_str().filter(|_| is_test)?;
    Some((package.to_owned(), PathBuf::from(program)))
}
