//! What the programs need, from the registries of their languages, pinned by version and hash.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::{Preparation, msal_net};
use crate::process::command;

/// Copies the jars of the POM's dependencies; Maven has no way of its own to do so.
const COPY_DEPENDENCIES: &str =
    "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// Installs and builds all programs.
pub(super) fn all(preparation: &Preparation) -> Result<()> {
    python_and_node(preparation)?;
    once(preparation, "go", go)?;
    once(preparation, "java", java)?;
    msal_net::program::prepare(preparation)
}

/// Installs those two.
pub(in super::super) fn python_and_node(preparation: &Preparation) -> Result<()> {
    once(preparation, "python", python)?;
    once(preparation, "node", npm)
}

/// Fills `prepared/LANGUAGE`, which begins as a copy of `interop/LANGUAGE`, unless that was done with the
/// very same files before.
pub(in crate::interop) fn once(
    preparation: &Preparation,
    language: &str,
    fill: impl FnOnce(&Preparation, &Path) -> Result<()>,
) -> Result<()> {
    let source = preparation.workspace.root.join("interop").join(language);
    let folder = preparation.prepared.join(language);
    let done = preparation.prepared.join(format!("{language}.done"));
    let mut names: Vec<_> = fs::read_dir(&source)
        .with_context(|| source.display().to_string())?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<_>>()?;
    names.sort();
    let mut inputs = Vec::new();
    for name in &names {
        inputs.extend(fs::read(source.join(name))?);
    }
    if fs::read(&done).is_ok_and(|before| before == inputs) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for name in &names {
        fs::copy(source.join(name), folder.join(name))?;
    }
    fill(preparation, &folder).with_context(|| format!("the program in {language}"))?;
    Ok(fs::write(done, inputs)?)
}

fn python(preparation: &Preparation, folder: &Path) -> Result<()> {
    let mut pip = command(
        "python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --no-deps \
         --require-hashes --only-binary=:all: --target . --requirement requirements.txt",
    );
    preparation.run(pip.current_dir(folder))
}

/// Node comes as a package too: the one for this machine's processor, which has no install script.
pub(in crate::interop) fn npm(preparation: &Preparation, folder: &Path) -> Result<()> {
    let mut npm =
        command("npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --cache cache");
    preparation.run(npm.current_dir(folder))?;
    Ok(fs::remove_dir_all(folder.join("cache"))?)
}

/// Go compares the modules with `go.sum`.
fn go(preparation: &Preparation, folder: &Path) -> Result<()> {
    let mut go = command("go build -o client .");
    go.current_dir(folder)
        .env("CGO_ENABLED", "0")
        .env("GOCACHE", folder.join("cache"))
        .env("GOMODCACHE", folder.join("modules"))
        // The modules stay deletable; the checkout around is not asked for its version.
        .env("GOFLAGS", "-modcacherw -mod=readonly -buildvcs=false")
        .env("GOTOOLCHAIN", "local");
    preparation.run(&mut go)?;
    fs::remove_dir_all(folder.join("cache"))?;
    Ok(fs::remove_dir_all(folder.join("modules"))?)
}

/// Maven compares the jars with checksums of the registry only, hence the file of our own.
fn java(preparation: &Preparation, folder: &Path) -> Result<()> {
    let mut maven = command("mvn --batch-mode --quiet --strict-checksums -DincludeScope=runtime");
    maven
        .arg(COPY_DEPENDENCIES)
        .arg(format!(
            "-DoutputDirectory={}",
            folder.join("jars").display()
        ))
        .arg(format!(
            "-Dmaven.repo.local={}",
            folder.join("repository").display()
        ));
    preparation.run(maven.current_dir(folder))?;
    fs::remove_dir_all(folder.join("repository"))?;
    let mut sha256sum = command("sha256sum --check --strict --quiet ../jars.sha256");
    preparation.run(sha256sum.current_dir(folder.join("jars")))?;
    let mut javac = command("javac -Xlint:-deprecation -cp jars/* -d . Client.java");
    preparation.run(javac.current_dir(folder))
}
