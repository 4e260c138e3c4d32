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

/// A Debian package that something needs.
pub(crate) struct Package {
    name: String,
    reason: String,
    /// A command that answers where the package came another way.
    shown_by: Option<String>,
}

/// The pinned programs and the packages of the tests in Python, with what is asked of this machine.
pub(crate) struct Tools {
    programs: Pinned,
    tests: Pinned,
}

/// Packages of PyPI, pinned by a list with hashes.
struct Pinned {
    folder: PathBuf,
    list: PathBuf,
}

impl Package {
    /// Reads a line `NAME: REASON` or `NAME (COMMAND): REASON`; the command answers where the package came another way.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (package, reason) = line.split_once(": ")?;
        let (name, shown_by) = match package.split_once(" (") {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')')?.to_owned())),
            None => (package, None),
        };
        Some(Self {
            name: name.to_owned(),
            reason: reason.to_owned(),
            shown_by,
        })
    }

    fn is_installed(&self) -> Result<bool> {
        match &self.shown_by {
            Some(line) if answers(&mut command(line)) => Ok(true),
            _ => dpkg_knows(&self.name),
        }
    }
}

impl From<(&str, &str)> for Package {
    fn from((name, reason): (&str, &str)) -> Self {
        let shown_by = match name {
            "python3-pip" => Some("python3 -m pip --version"),
            "g++" => Some("c++ --version"),
            "golang-go" => Some("go version"),
            _ => None,
        };
        Self {
            name: name.to_owned(),
            reason: reason.to_owned(),
            shown_by: shown_by.map(str::to_owned),
        }
    }
}

impl Tools {
    /// Returns the tools of the workspace; they may still be missing.
    pub(crate) fn new(workspace: &Workspace) -> Self {
        Self {
            programs: Pinned {
                folder: workspace.target.join("tools"),
                list: workspace.root.join("xtask").join("tools.txt"),
            },
            tests: Pinned {
                folder: workspace.target.join("interop").join("pytest"),
                list: workspace.root.join("interop").join("requirements.txt"),
            },
        }
    }

    /// Returns the folder with what the tests in Python import.
    pub(crate) fn tests(&self) -> &Path {
        &self.tests.folder
    }

    /// Installs what is missing and says so, or, without `install`, fails and names all of it.
    pub(crate) fn ensure(&self, workspace: &Workspace, install: bool) -> Result<()> {
        let packages = missing_packages(workspace)?;
        let mut lacks = String::new();
        if !packages.is_empty() {
            lacks += &format!("\nDebian packages:\n    {}", apt_line(&packages));
            for Package { name, reason, .. } in &packages {
                lacks += &format!("\n        {name}: {reason}");
            }
        }
        let pinned = [&self.programs, &self.tests];
        for pinned in pinned {
            let missing = pinned.missing()?;
            if !missing.is_empty() {
                lacks += &format!(
                    "\nfrom PyPI ({}):\n    {}",
                    missing.join(", "),
                    line(&pinned.pip())
                );
            }
        }
        if lacks.is_empty() {
            return Ok(());
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
        pinned.into_iter().try_for_each(Pinned::install)
    }

    /// Makes a command find the pinned programs, and keeps what they write out of the home folder.
    pub(crate) fn enable(&self, command: &mut Command) -> Result<()> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folder = &self.programs.folder;
        let folders = [folder.join("bin")]
            .into_iter()
            .chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(folders)?)
            .env(
                "CARGO_ZIGBUILD_ZIG_PATH",
                folder.join("ziglang").join("zig"),
            )
            .env("CARGO_ZIGBUILD_CACHE_DIR", folder.join("cache"))
            .env("ZIG_GLOBAL_CACHE_DIR", folder.join("cache"))
            .env("ZIG_LOCAL_CACHE_DIR", folder.join("cache"));
        Ok(())
    }
}

impl Pinned {
    fn install(&self) -> Result<()> {
        if !self.missing()?.is_empty() {
            succeed(&mut self.pip())?;
        }
        let left = self.missing()?;
        ensure!(
            left.is_empty(),
            "still missing after installing: {}",
            left.join(", ")
        );
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

    /// Returns `name==version` of the packages that are not there in their pinned version.
    fn missing(&self) -> Result<Vec<String>> {
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

/// Returns the packages that are not installed, by dpkg's word; some may also have come another way.
fn missing_packages(workspace: &Workspace) -> Result<Vec<Package>> {
    let named = PACKAGES
        .into_iter()
        .chain(cross::PACKAGES)
        .chain(examples::PACKAGES)
        .chain(interop::packages());
    let mut missing = Vec::<Package>::new();
    for package in named
        .map(Package::from)
        .chain(interop::packages_of_folders(workspace)?)
    {
        let is_known = missing.iter().any(|known| known.name == package.name);
        if !is_known && !package.is_installed()? {
            missing.push(package);
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

fn apt_install(packages: &[Package]) -> Result<()> {
    ensure!(
        geteuid().is_root(),
        "installing packages needs root: {}",
        apt_line(packages)
    );
    succeed(apt().arg("update").arg("--quiet"))?;
    succeed(
        apt()
            .args(APT_INSTALL)
            .args(packages.iter().map(|package| &package.name)),
    )
}

/// Returns apt-get, which asks nothing and waits for another apt-get to end.
fn apt() -> Command {
    let mut apt = command("apt-get --quiet -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0");
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

fn apt_line(packages: &[Package]) -> String {
    let sudo = if geteuid().is_root() { "" } else { "sudo " };
    let names: Vec<_> = packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
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
