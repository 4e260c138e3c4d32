//! The command as it ships: small, runnable on old systems, and linked to the C library alone.

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::report::Step;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The largest binary that ships, in bytes.
pub(crate) const SIZE_LIMIT: u64 = 8_000_000;
/// What is built: the command by itself, so that nothing which the lab asks of a shared dependency gets into it, and then
/// the rest together, so that its dependencies are built once.
pub(crate) const PROGRAMS: [&str; 2] = [
    "--package silentry-cli --bins",
    "--package silentry-lab --package silentry --bins --example silent_hit",
];
/// The oldest C library it must run with: RHEL 8, Debian 10.
const GLIBC: Version = Version(2, 28);
/// What it may be linked to; GSSAPI is loaded when it is needed and must not be here.
const LIBRARIES: [&str; 7] = [
    "ld-linux-",
    "libc.so",
    "libdl.so",
    "libgcc_s.so",
    "libm.so",
    "libpthread.so",
    "librt.so",
];

/// Returns where the built programs are.
pub(crate) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join(target()).join("release")
}

/// Builds the command, the lab and what is measured besides, for the old C library.
pub(crate) fn build(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    for what in PROGRAMS {
        let build = format!("zigbuild --release {what}");
        let mut command = workspace.cargo(&format!("{build} --target {}.{GLIBC}", target()));
        tools.enable(&mut command)?;
        step.run(&mut command)?;
    }
    Ok(format!("for glibc {GLIBC}"))
}

/// Checks the built command.
pub(crate) fn check(binary: &Path, step: &Step) -> Result<String> {
    let size = fs::metadata(binary)
        .with_context(|| binary.display().to_string())?
        .len();
    ensure!(
        size <= SIZE_LIMIT,
        "{size} bytes, the limit is {SIZE_LIMIT}"
    );

    let dynamic = step.read(
        Command::new("readelf")
            .args(["--dynamic", "--wide"])
            .arg(binary),
    )?;
    let foreign: Vec<_> = needed(&dynamic)
        .filter(|library| !LIBRARIES.iter().any(|allowed| library.starts_with(allowed)))
        .collect();
    ensure!(foreign.is_empty(), "linked to {}", foreign.join(", "));

    let versions = step.read(
        Command::new("readelf")
            .args(["--version-info", "--wide"])
            .arg(binary),
    )?;
    let newest = newest_glibc(&versions).context("no glibc version is asked for")?;
    ensure!(
        newest <= GLIBC,
        "needs glibc {newest}, the limit is {GLIBC}"
    );

    step.run(Command::new(binary).arg("--version"))?;
    Ok(format!("{:.1} MB, glibc {newest}", size as f64 / 1e6))
}

fn target() -> String {
    format!("{ARCH}-unknown-linux-gnu")
}

/// A version of the C library; its symbols have a third number only in the distant past.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

fn needed(dynamic: &str) -> impl Iterator<Item = &str> {
    dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split_once('[')?.1.split(']').next())
}

fn newest_glibc(versions: &str) -> Option<Version> {
    versions
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("GLIBC_"))
        .filter_map(|version| {
            let mut numbers = version.split('.').map(str::parse);
            Some(Version(numbers.next()?.ok()?, numbers.next()?.ok()?))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::{Version, needed, newest_glibc};

    #[test]
    fn reads_what_readelf_prints() {
        let dynamic = "
 0x0000000000000001 (NEEDED)             Shared library: [libgcc_s.so.1]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]
 0x000000000000000c (INIT)               0x34000";
        assert_eq!(
            Vec::from_iter(needed(dynamic)),
            ["libgcc_s.so.1", "libc.so.6"]
        );
        let versions = "
  0x0010:   Name: GLIBC_2.9  Flags: none  Version: 12
  0x0020:   Name: GLIBC_2.2.5  Flags: none  Version: 9
  0x0030:   Name: GLIBC_2.28  Flags: none  Version: 8
  0x0040:   Name: GCC_3.0  Flags: none  Version: 7";
        assert!(newest_glibc(versions) == Some(Version(2, 28)));
    }
}
