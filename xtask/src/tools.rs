//! What the full test needs beyond Rust: Debian packages, and pinned programs under `target/tools`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;

use crate::process::command;
use crate::workspace::Workspace;
use crate::{cross, examples, interop};

/// The Debian packages, each with what needs it.
const PACKAGES: [(&str, &str); 24] = [
    ("binutils", "readelf for the release checks"),
    ("curl", "a stranger that speaks Negotiate"),
    ("dbus", "a session bus for the keyring"),
    ("g++", "libFuzzer"),
    ("gir1.2-secret-1", "MSAL Python's way to the keyring"),
    ("gnome-keyring", "the keyring that token caches are kept in"),
    ("iproute2", "the loopback interface of a network namespace"),
    ("krb5-user", "kinit, kvno and klist"),
    ("ldb-tools", "attributes that samba-tool cannot set"),
    ("libgssapi-krb5-2", "integrated sign-in itself"),
    ("libgssapi3-heimdal", "a stranger's GSSAPI library"),
    ("libsecret-tools", "a stranger that looks into the keyring"),
    ("python3-gi", "MSAL Python's way to the keyring"),
    ("python3-gssapi", "a stranger that initiates and accepts"),
    (
        "python3-msal-extensions",
        "a stranger that shares token caches",
    ),
    ("python3-pip", "the pinned programs"),
    ("samba", "Active Directory"),
    ("samba-ad-dc", "Active Directory"),
    ("samba-ad-provision", "Active Directory"),
    ("samba-dsdb-modules", "Active Directory"),
    ("samba-vfs-modules", "Active Directory"),
    ("util-linux", "unshare, for namespaces"),
    ("winbind", "Active Directory"),
    ("xmlsec1", "the judge of the lab's signatures"),
];
const APT_INSTALL: [&str; 3] = ["install", "--yes", "--no-install-recommends"];

/// The pinned programs, with what is asked of this machine.
pub(crate) struct Tools {
    folder: PathBuf,
    list: PathBuf,
}

impl Tools {
    /// Returns the tools of the workspace; they may still be missing.
    pub(crate) fn new(workspace: &Workspace) -> Self {
        Self {
            folder: workspace.target.join("tools"),
            list: workspace.root.join("xtask").join("tools.txt"),
        }
    }

    /// Installs what is missing and says so, or, without `install`, fails and names all of it.
    pub(crate) fn ensure(&self, install: bool) -> Result<()> {
        let packages = missing_packages()?;
        let programs = self.missing_programs()?;
        if packages.is_empty() && programs.is_empty() {
            return Ok(());
        }
        let mut lacks = String::new();
        if !packages.is_empty() {
            lacks += &format!("\nDebian packages:\n    {}", apt_line(&packages));
            for package in &packages {
                let (name, reason) = package;
                lacks += &format!("\n        {name}: {reason}");
            }
        }
        if !programs.is_empty() {
            lacks += &format!(
                "\nprograms ({}):\n    {}",
                programs.join(", "),
                line(&self.pip())
            );
        }
        if !install {
            bail!(
                "the full test needs what is not installed here\n{lacks}\n\n\
                 `cargo xtask test --install` installs it; `cargo xtask test --quick` does without"
            );
        }
        eprintln!("installing what the full test needs{lacks}");
        if !packages.is_empty() {
            apt_install(&packages)?;
        }
        if !programs.is_empty() {
            succeed(&mut self.pip())?;
        }
        let left = self.missing_programs()?;
        ensure!(
            left.is_empty(),
            "still missing after installing: {}",
            left.join(", ")
        );
        Ok(())
    }

    /// Makes a command find the pinned programs, and keeps what they write out of the home folder.
    pub(crate) fn enable(&self, command: &mut Command) -> Result<()> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.folder.join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(folders)?)
            .env(
                "CARGO_ZIGBUILD_ZIG_PATH",
                self.folder.join("ziglang").join("zig"),
            )
            .env("CARGO_ZIGBUILD_CACHE_DIR", self.folder.join("cache"))
            .env("ZIG_GLOBAL_CACHE_DIR", self.folder.join("cache"))
            .env("ZIG_LOCAL_CACHE_DIR", self.folder.join("cache"));
        Ok(())
    }

    fn pip(&self) -> Command {
        let mut command = command(
            "python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --upgrade \
             --no-deps --require-hashes --only-binary=:all:",
        );
        command
            .arg("--target")
            .arg(&self.folder)
            .arg("--requirement")
            .arg(&self.list);
        command
    }

    /// Returns `name==version` of the programs that are not there in their pinned version.
    fn missing_programs(&self) -> Result<Vec<String>> {
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

/// Returns the packages that are not installed, by dpkg's word; languages and their installers may also
/// have come another way.
fn missing_packages() -> Result<Vec<(&'static str, &'static str)>> {
    let mut missing = Vec::new();
    let all = PACKAGES
        .into_iter()
        .chain(cross::PACKAGES)
        .chain(examples::PACKAGES);
    for (name, reason) in all.chain(interop::packages()) {
        let installed = match name {
            "python3-pip" => answers(&mut command("python3 -m pip --version")),
            "g++" => answers(&mut command("c++ --version")),
            "default-jdk-headless" => answers(&mut command("javac -version")),
            "golang-go" => answers(&mut command("go version")),
            "npm" => answers(&mut command("npm --version")),
            _ => dpkg_knows(name)?,
        };
        if !installed {
            missing.push((name, reason));
        }
    }
    Ok(missing)
}

fn dpkg_knows(package: &str) -> Result<bool> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .output()
        .context("the full test needs a Debian or Ubuntu (no dpkg-query here)")?;
    Ok(output.status.success() && output.stdout == b"installed")
}

fn answers(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

fn apt_install(packages: &[(&str, &str)]) -> Result<()> {
    ensure!(
        geteuid().is_root(),
        "installing packages needs root: {}",
        apt_line(packages)
    );
    succeed(apt().arg("update").arg("--quiet"))?;
    succeed(
        apt()
            .args(APT_INSTALL)
            .args(packages.iter().map(|(name, _)| name)),
    )
}

/// Returns apt-get, which asks nothing and waits for another apt-get to end.
fn apt() -> Command {
    let mut apt = command("apt-get --quiet -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn apt_line(packages: &[(&str, &str)]) -> String {
    let sudo = if geteuid().is_root() { "" } else { "sudo " };
    let names: Vec<_> = packages.iter().map(|(name, _)| *name).collect();
    format!(
        "{sudo}apt-get update && {sudo}apt-get {} {}",
        APT_INSTALL.join(" "),
        names.join(" ")
    )
}

/// Runs an installer with its output in sight, on stderr.
fn succeed(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("cannot start {}", line(command)))?;
    ensure!(status.success(), "{} ended with {status}", line(command));
    Ok(())
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).as_os_str();
    let words = std::iter::once(program).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
