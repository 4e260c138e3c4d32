//! A running lab, and programs pointed at it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use crate::process::{self, Running};

/// Until when a started lab must say how to reach it.
const START_LIMIT: Duration = Duration::from_secs(20);
/// What would lead a program past the lab's proxy or to another certificate store.
const REMOVED: [&str; 5] = [
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_DIR",
];

/// `silentry-lab up`, which ends when this value does.
pub(crate) struct Lab {
    running: Running,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Lab {
    /// Starts the lab in the folder and waits until it answers.
    pub(crate) fn start<S: AsRef<OsStr>>(
        program: &Path,
        folder: &Path,
        arguments: impl IntoIterator<Item = S>,
        log: &File,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut command = Command::new(program);
        command.args(["up", "--dir"]).arg(folder).args(arguments);
        let running = Running(process::start(&mut command, log.try_clone()?.into(), log)?);
        let mut lab = Self {
            running,
            folder: folder.to_owned(),
            environment: BTreeMap::new(),
        };
        let file = folder.join("env");
        let ready = process::wait_until(START_LIMIT, || {
            lab.running.check("silentry-lab up")?;
            Ok(file.exists())
        })?;
        ensure!(ready, "silentry-lab up wrote no {}", file.display());
        lab.environment = read_environment(&file)?;
        Ok(lab)
    }

    /// Returns the folder that the lab keeps its files in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Points a program at the lab.
    pub(crate) fn enter(&self, command: &mut Command) {
        for name in REMOVED {
            command.env_remove(name);
        }
        command.envs(&self.environment);
    }
}

/// Reads the lines `export NAME=VALUE` that the lab writes for a shell.
fn read_environment(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = fs::read_to_string(file)?;
    let mut variables = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        let Some(assignment) = line.strip_prefix("export ") else {
            continue;
        };
        let Some((name, value)) = assignment.split_once('=') else {
            bail!("{} has the line {line:?}", file.display());
        };
        variables.insert(name.to_owned(), unquote(value));
    }
    Ok(variables)
}

/// Undoes the single quotes of a shell word (`'it'\''s'`).
fn unquote(word: &str) -> String {
    let inner = word
        .strip_prefix('\'')
        .and_then(|word| word.strip_suffix('\''));
    inner.unwrap_or(word).replace("'\\''", "'")
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn shell_words_are_read() {
        assert_eq!(unquote("http://127.0.0.1:4711"), "http://127.0.0.1:4711");
        assert_eq!(unquote("'a b'"), "a b");
        assert_eq!(unquote(r"'it'\''s'"), "it's");
    }
}
