//! Wine, with a prefix of its own and no screen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::interop::Ground;
use crate::process::{self, Answer};

/// Debian's `wine` begins by complaining that 32-bit programs cannot be run.
const PROGRAM: &str = "/usr/lib/wine/wine64";
/// The first start of a prefix copies some 700 MB.
const BOOT_LIMIT: Duration = Duration::from_secs(300);
const LIMIT: Duration = Duration::from_secs(120);

/// A Windows in a folder.
pub(super) struct Wine {
    home: PathBuf,
    prefix: PathBuf,
    /// `8.0`.
    pub(super) version: String,
}

/// How a Windows program ended and what it said.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Wine {
    /// Sets a prefix up, and adds the library that Wine lacks.
    pub(super) fn boot(ground: &Ground, random_library: &Path) -> Result<Self> {
        let mut wine = Self {
            home: ground.folder.join("home"),
            prefix: ground.folder.join("wine"),
            version: String::new(),
        };
        fs::create_dir(&wine.home)?;
        let version = wine.finish(Command::new(PROGRAM).arg("--version"))?;
        wine.version = version
            .trim()
            .strip_prefix("wine-")
            .and_then(|version| version.split_whitespace().next())
            .with_context(|| format!("no version of Wine: {version}"))?
            .to_owned();
        wine.finish(Command::new(PROGRAM).args(["wineboot", "--init"]))?;
        wine.finish(Command::new("wineserver").arg("--wait"))?;
        let system = wine.prefix.join("drive_c/windows/system32");
        let name = random_library.file_name().context("a library has a name")?;
        fs::copy(random_library, system.join(name))?;
        Ok(wine)
    }

    /// Returns the command of a Windows program.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg(program);
        command
    }

    /// Runs a Windows program to its end, however it ends.
    pub(super) fn run(&self, command: &mut Command) -> Result<Said> {
        let Answer {
            status,
            stdout,
            stderr,
        } = process::answer(self.enter(command), LIMIT)?;
        Ok(Said {
            code: status
                .code()
                .with_context(|| format!("Wine ended with {status}"))?,
            stdout: String::from_utf8(stdout).context("stdout is not UTF-8")?,
            stderr: String::from_utf8(stderr).context("stderr is not UTF-8")?,
        })
    }

    /// Returns the user's folder for settings, `%APPDATA%`.
    pub(super) fn application_data(&self) -> Result<PathBuf> {
        let users = self.prefix.join("drive_c/users");
        let found = fs::read_dir(users)?
            .flatten()
            .map(|user| user.path().join("AppData/Roaming"))
            .find(|folder| folder.is_dir());
        found.context("no user of the prefix has %APPDATA%")
    }

    fn finish(&self, command: &mut Command) -> Result<String> {
        let answer = process::answer(self.enter(command), BOOT_LIMIT)?;
        ensure!(
            answer.status.success(),
            "{command:?} ended with {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.stderr)
        );
        Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
    }

    fn enter<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("HOME", &self.home)
            .env("LC_ALL", "C.UTF-8")
            .env("WINEPREFIX", &self.prefix)
            .env("WINEDEBUG", "-all")
            // What only desktops need, and what would ask for a download.
            .env("WINEDLLOVERRIDES", "winemenubuilder.exe,mscoree,mshtml=")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Its server outlives the last program by seconds; it ends with the namespace at the latest.
        let mut wineserver = Command::new("wineserver");
        let _ = process::answer(self.enter(wineserver.arg("--kill")), LIMIT);
    }
}

impl Said {
    /// Fails unless the program ended well.
    pub(super) fn success(self) -> Result<Self> {
        ensure!(self.code == 0, "exit code {}: {}", self.code, self.stderr);
        Ok(self)
    }

    /// Fails unless it is that failure, told as one JSON object on stderr and nothing on stdout.
    pub(super) fn failure(&self, code: i32, error: &str) -> Result<Failure> {
        ensure!(
            self.stdout.is_empty(),
            "stdout of a failure: {}",
            self.stdout
        );
        let object: Value = serde_json::from_str(&self.stderr)
            .with_context(|| format!("stderr is not one JSON object: {}", self.stderr))?;
        let text = |member: &str| object[member].as_str().unwrap_or_default().to_owned();
        ensure!(
            self.code == code && text("error") == error,
            "exit code {} instead of {code} {error}: {object}",
            self.code
        );
        Ok(Failure {
            message: text("message"),
            mitigation: text("mitigation"),
        })
    }
}

/// What a failure says to people.
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) mitigation: String,
}

/// Returns how a Windows program calls a file of the host.
pub(super) fn path(file: &Path) -> String {
    format!("Z:{}", file.display().to_string().replace('/', "\\"))
}
