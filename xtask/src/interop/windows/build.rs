//! The Windows programs, built on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cross::{self, WINDOWS};
use crate::interop::Preparation;

const LIST: &str = "built.json";
/// Federation metadata of real AD FS servers, and broken ones.
const DOCUMENTS: &str = "azure-activedirectory-library-for-python/tests/mex";

/// Where the built files are.
#[derive(Deserialize, Serialize)]
pub(super) struct Built {
    /// The `silentry` command.
    pub(super) silentry: PathBuf,
    /// The folder of the examples of `silentry-negotiate`.
    pub(super) examples: PathBuf,
    /// Programs of unit tests, each with its package.
    pub(super) tests: Vec<(String, PathBuf)>,
    /// What Rust's standard library asks random numbers of, and Wine lacks.
    pub(super) random_library: PathBuf,
    /// Documents of other projects to read.
    pub(super) documents: Vec<PathBuf>,
}

/// Builds what runs under Wine: the command, the examples and unit tests of `silentry-negotiate`, and the unit tests
/// of what the command is made of.
///
/// In the `dev` profile: thin LTO would change nothing that Wine could show.
pub(super) fn build(preparation: &Preparation) -> Result<()> {
    let workspace = preparation.workspace;
    let cargo = |verb: &str, line: &str| cross::cargo(workspace, verb, WINDOWS, line);
    // The same packages both times, so that their dependencies are built once.
    let packages = "--package silentry-negotiate --package silentry --package silentry-cli";
    preparation.run(&mut cargo(
        "build",
        &format!("{packages} --bins --examples"),
    )?)?;
    let tests = format!("{packages} --lib --bins --no-run --message-format=json");
    let messages = preparation.read(&mut cargo("test", &tests)?)?;

    let folder = cross::folder(workspace, WINDOWS);
    let random_library = preparation.prepared.join("bcryptprimitives.dll");
    preparation.run(
        Command::new("x86_64-w64-mingw32-gcc")
            .args(["-Wall", "-Wextra", "-Werror", "-O2", "-s", "-shared", "-o"])
            .arg(&random_library)
            .arg(workspace.root.join("interop/wine/bcryptprimitives.c"))
            .arg("-ladvapi32"),
    )?;
    let mut tests: Vec<_> = messages.lines().filter_map(test_program).collect();
    tests.sort();
    ensure!(tests.len() >= 3, "cargo names {} tests", tests.len());
    let built = Built {
        silentry: folder.join("silentry.exe"),
        examples: folder.join("examples"),
        tests,
        random_library,
        documents: documents()?,
    };
    let list = preparation.prepared.join(LIST);
    Ok(fs::write(list, serde_json::to_vec(&built)?)?)
}

/// Returns what was built before.
pub(super) fn built(prepared: &Path) -> Result<Built> {
    Ok(serde_json::from_slice(&fs::read(prepared.join(LIST))?)?)
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

/// Returns metadata from the collection of documents that `SILENTRY_TESTDATA` names, if it names one.
fn documents() -> Result<Vec<PathBuf>> {
    let Some(collection) = std::env::var_os("SILENTRY_TESTDATA").filter(|name| name != "none")
    else {
        return Ok(Vec::new());
    };
    let folder = Path::new(&collection).join(DOCUMENTS);
    let documents: Vec<_> = fs::read_dir(&folder)
        .with_context(|| folder.display().to_string())?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    Ok(documents)
}
