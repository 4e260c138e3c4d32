//! Building for systems that this machine is not.
//!
//! Debian's Rust comes with the source of its standard library, so the library can be built for any system, and
//! nothing has to be downloaded but crates.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::tools::Tools;
use crate::workspace::Workspace;

/// Windows, as GCC links it.
pub(crate) const WINDOWS: &str = "x86_64-pc-windows-gnu";
/// macOS on Apple's own processors.
pub(crate) const MACOS: &str = "aarch64-apple-darwin";

/// The Debian packages that this needs.
pub(crate) const PACKAGES: [(&str, &str); 5] = [
    ("cargo-web", "builds for other systems"),
    ("gcc-mingw-w64-x86-64", "the linker for Windows"),
    ("rust-web-clippy", "lints for other systems"),
    ("rust-web-src", "the standard library of other systems"),
    ("rustc-web", "builds for other systems"),
];

/// The parts of the standard library that programs and tests need.
const STD: &str = "-Zbuild-std=std,panic_abort,test";

/// Returns Debian's cargo at the root of the workspace, for another system: `verb` is its subcommand, `line` the
/// rest, of words without spaces in them.
pub(crate) fn cargo(
    workspace: &Workspace,
    verb: &str,
    target: &str,
    line: &str,
) -> Result<Command> {
    let mut command = Command::new("/usr/bin/cargo");
    command.arg(verb);
    on(&mut command, workspace, target, line)?;
    Ok(command)
}

/// Returns Debian's clippy. A system without a C compiler here gets zig's.
pub(crate) fn clippy(workspace: &Workspace, tools: &Tools, target: &str) -> Result<Command> {
    let line = "--workspace --all-targets --all-features";
    // zig's settings would have the Windows programs built anew, which GCC builds.
    let mut command = if target == WINDOWS {
        cargo(workspace, "clippy", target, line)?
    } else {
        let mut command = Command::new("cargo-zigbuild");
        command.arg("clippy");
        tools.enable(&mut command)?;
        on(&mut command, workspace, target, line)?;
        command
    };
    command.args(["--", "-D", "warnings"]);
    Ok(command)
}

/// Returns where what is built for a system lies.
pub(crate) fn folder(workspace: &Workspace, target: &str) -> PathBuf {
    workspace.target.join("cross").join(target).join("debug")
}

fn on(command: &mut Command, workspace: &Workspace, target: &str, line: &str) -> Result<()> {
    // Before rustup's, which has no source of the standard library; cargo finds its subcommands here too.
    let path = command
        .get_envs()
        .find_map(|(name, value)| value.filter(|_| name == "PATH"))
        .map(ToOwned::to_owned)
        .or_else(|| env::var_os("PATH"))
        .unwrap_or_default();
    let folders = std::iter::once(PathBuf::from("/usr/bin")).chain(env::split_paths(&path));
    command
        .args(["--locked", STD, "--target", target, "--target-dir"])
        .arg(workspace.target.join("cross"))
        .args(line.split_whitespace())
        .current_dir(&workspace.root)
        .env("PATH", env::join_paths(folders)?)
        .env("CARGO", "/usr/bin/cargo")
        .env("RUSTC", "/usr/bin/rustc")
        // -Zbuild-std is not stable.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("LD_LIBRARY_PATH");
    Ok(())
}
