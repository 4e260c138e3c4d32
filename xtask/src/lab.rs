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
/// `silentry-lab up`, which ends when this value does.
pub(crate) struct Lab {
    running: Running,
    folder: PathBuf,
    environment: Environment,
}

/// What a program's environment must have, and what it must not have, to run against the lab.
#[derive(Default)]
struct Environment {
    set: BTreeMap<String, String>,
    removed: Vec<String>,
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
            environment: Environment::default(),
        };
        let script = folder.join("env.sh");
        let ready = process::wait_until(START_LIMIT, || {
            lab.running.check("silentry-lab up")?;
            Ok(fs::metadata(&script).is_ok_and(|found| found.len() > 0))
        })?;
        ensure!(ready, "silentry-lab up wrote no {}", script.display());
        lab.environment = Environment::read(&fs::read_to_string(&script)?)?;
        Ok(lab)
    }

    /// Returns the folder that the lab keeps its files in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Points a program at the lab.
    pub(crate) fn enter(&self, command: &mut Command) {
        for name in &self.environment.removed {
            command.env_remove(name);
        }
        command.envs(&self.environment.set);
    }
}

impl Environment {
    /// Reads what the lab writes for a POSIX shell: `unset NAME ...` and `export NAME='VALUE'`.
    fn read(script: &str) -> Result<Self> {
        let mut environment = Self::default();
        for line in script.lines() {
            if let Some(names) = line.strip_prefix("unset ") {
                environment
                    .removed
                    .extend(names.split_whitespace().map(str::to_owned));
            } else if let Some((name, value)) = line
                .strip_prefix("export ")
                .and_then(|assignment| assignment.split_once('='))
            {
                environment.set.insert(name.to_owned(), unquote(value));
            } else {
                bail!("the lab's env.sh has the line {line:?}");
            }
        }
        Ok(environment)
    }
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
    use super::Environment;

    #[test]
    fn a_shell_script_is_read() {
        let script = "unset NO_PROXY no_proxy\nexport A='b=c d'\nexport Q='it'\\''s'\n";
        let environment = Environment::read(script).unwrap();
        assert_eq!(environment.removed, ["NO_PROXY", "no_proxy"]);
        assert_eq!(environment.set["A"], "b=c d");
        assert_eq!(environment.set["Q"], "it's");
    }

    #[test]
    fn another_line_is_not_passed_over() {
        assert!(Environment::read("source other.sh").is_err());
    }
}
