//! A part of the test in namespaces of its own: the network one gives it the standard ports and the
//! real names without touching the machine's, the process one ends everything with it, even when it is
//! killed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::geteuid;

use crate::process;

const LIMIT: Duration = Duration::from_secs(60);

/// Returns this program, started again in namespaces of its own.
pub(crate) fn again<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Result<Command> {
    let mut unshare = enter("")?;
    unshare.arg(std::env::current_exe()?).args(arguments);
    Ok(unshare)
}

/// Returns the command of a line, in namespaces of its own.
pub(crate) fn enter(line: &str) -> Result<Command> {
    ensure!(geteuid().is_root(), "namespaces need root: run as root");
    let unshare = "unshare --net --mount --pid --fork --kill-child --mount-proc --";
    Ok(process::command(&format!("{unshare} {line}")))
}

/// Makes a folder for everything that a part writes, with a short path: sockets have room for 108
/// bytes.
pub(crate) fn folder() -> Result<tempfile::TempDir> {
    Ok(tempfile::Builder::new().prefix("silentry-").tempdir()?)
}

/// Gives a new network namespace its loopback interface.
pub(crate) fn raise_loopback(log: &File) -> Result<()> {
    let mut ip = process::command("ip link set lo up");
    process::run(&mut ip, LIMIT, log)
}

/// Makes the names mean 127.0.0.1, each its own canonical name, in this mount namespace only; `folder` keeps
/// the file.
pub(crate) fn name_loopback(names: &str, folder: &Path, log: &File) -> Result<()> {
    let hosts = folder.join("hosts");
    let names = ["localhost"].into_iter().chain(names.split_whitespace());
    let lines: String = names.map(|name| format!("127.0.0.1 {name}\n")).collect();
    fs::write(&hosts, lines)?;
    let mut mount = process::command("mount --bind");
    mount.arg(&hosts).arg("/etc/hosts");
    process::run(&mut mount, LIMIT, log)
}
