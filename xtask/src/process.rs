//! Other programs, run to their end within a limit, with no terminal and their output in a log.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

#[cfg(unix)]
use crate::descendants::kill_tree;

/// How often a running program is looked at.
const TICK: Duration = Duration::from_millis(20);

/// Returns the command of a line whose words have no spaces in them.
pub(crate) fn command(line: &str) -> Command {
    let mut words = line.split_ascii_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

/// Returns the command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).as_os_str();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs the command to a successful end; everything it prints goes to `log`.
pub(crate) fn run(command: &mut Command, limit: Duration, log: &File) -> Result<()> {
    let child = start(command, log.try_clone()?.into(), log)?;
    check(command, finish(child, limit)?)
}

/// Runs the command to a successful end and returns what it printed on stdout; stderr goes to `log`.
pub(crate) fn read(command: &mut Command, limit: Duration, log: &File) -> Result<String> {
    let mut output = tempfile::tempfile()?;
    let child = start(command, output.try_clone()?.into(), log)?;
    check(command, finish(child, limit)?)?;
    let mut text = String::new();
    output.rewind()?;
    output
        .read_to_string(&mut text)
        .with_context(|| format!("output of {}", name(command)))?;
    Ok(text)
}

/// Waits for the successful end of a program that was started with input.
pub(crate) fn succeed(child: Child, name: &str, limit: Duration) -> Result<()> {
    let status = finish(child, limit)?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// Starts the command without a terminal, so that nothing can wait for an answer from a person.
pub(crate) fn start(command: &mut Command, stdout: Stdio, log: &File) -> Result<Child> {
    command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(log.try_clone()?)
        .spawn()
        .with_context(|| format!("cannot start {}", name(command)))
}

/// Waits until `ready` says yes.
pub(crate) fn wait_until(limit: Duration, mut ready: impl FnMut() -> Result<bool>) -> Result<bool> {
    let end = Instant::now() + limit;
    while !ready()? {
        if Instant::now() > end {
            return Ok(false);
        }
        thread::sleep(TICK);
    }
    Ok(true)
}

/// A program that runs beside the test and ends with it, however the test ends.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Fails if the program has ended by itself.
    pub(crate) fn check(&mut self, name: &str) -> Result<()> {
        match self.0.try_wait()? {
            Some(status) => bail!("{name} ended with {status}"),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill_tree(&mut self.0);
    }
}

/// Finds a program in `PATH` and where Debian keeps those of the administrator, which are not in
/// every user's `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

fn finish(mut child: Child, limit: Duration) -> Result<ExitStatus> {
    let mut status = None;
    let ended = wait_until(limit, || {
        status = child.try_wait()?;
        Ok(status.is_some())
    })?;
    match status {
        Some(status) if ended => Ok(status),
        _ => {
            kill_tree(&mut child);
            bail!("still running after {} s, ended", limit.as_secs())
        }
    }
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "{} ended with {status}", name(command));
    Ok(())
}

/// Kills the child; its descendants end as they like.
#[cfg(not(unix))]
fn kill_tree(child: &mut Child) {
    // One that has just ended by itself is as good.
    let _ = child.kill();
    let _ = child.wait();
}

/// Returns what the command is called in messages: its program and first two words, never values
/// that may be secret.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    let words = command
        .get_args()
        .take(2)
        .map(|word| word.to_string_lossy());
    std::iter::once(program.to_string_lossy())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
