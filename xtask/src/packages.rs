//! What the larger sizes of the test need and this machine lacks: Debian packages, and the pinned programs.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;

use crate::process::{command, line};
use crate::test::Size;
use crate::tools::{Pinned, Tools};
use crate::workspace::Workspace;
use crate::{cross, examples, interop};

/// The Debian packages, each with what needs it.
const PACKAGES: [(&str, &str); 25] = [
    ("binutils", "readelf for the release checks"),
    ("curl", "a third-party program that speaks Negotiate"),
    ("dbus", "a session bus for the keyring"),
    ("g++", "libFuzzer"),
    ("gir1.2-secret-1", "MSAL Python's way to the keyring"),
    ("gnome-keyring", "the keyring that token caches are kept in"),
    ("golang-go", "actionlint"),
    ("iproute2", "the loopback interface of a network namespace"),
    ("krb5-user", "kinit, kvno and klist"),
    ("ldb-tools", "attributes that samba-tool cannot set"),
    ("libgssapi-krb5-2", "integrated sign-in itself"),
    ("libgssapi3-heimdal", "another GSSAPI library"),
    (
        "libsecret-tools",
        "a third-party program that looks into the keyring",
    ),
    ("python3-gi", "MSAL Python's way to the keyring"),
    (
        "python3-gssapi",
        "a third-party library that initiates and accepts",
    ),
    (
        "python3-msal-extensions",
        "a third-party library that shares token caches",
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

/// Installs what is missing and says so, or, without `install`, fails and names all of it.
pub(crate) fn ensure(
    workspace: &Workspace,
    tools: &Tools,
    size: Size,
    install: bool,
) -> Result<()> {
    let packages = missing_packages(workspace, size)?;
    let mut lacks = String::new();
    if !packages.is_empty() {
        lacks += &format!("\nDebian packages:\n    {}", apt_line(&packages));
        for Package { name, reason, .. } in &packages {
            lacks += &format!("\n        {name}: {reason}");
        }
    }
    let pinned = tools.required();
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
            "this size of the test needs what is not installed here\n{lacks}\n\n\
             `--install` installs it; `cargo xtask test` alone does without"
        );
    }
    eprintln!("installing what the test needs{lacks}");
    if !packages.is_empty() {
        apt_install(&packages)?;
    }
    pinned.into_iter().try_for_each(Pinned::install)
}

/// Returns the packages that are not installed, by dpkg's word; some may also have come another way.
fn missing_packages(workspace: &Workspace, size: Size) -> Result<Vec<Package>> {
    let of_examples = examples::PACKAGES.into_iter();
    let named = PACKAGES
        .into_iter()
        .chain(cross::PACKAGES)
        .chain(of_examples.filter(|_| size == Size::All));
    let mut missing = Vec::<Package>::new();
    for package in named
        .map(Package::from)
        .chain(interop::packages(workspace)?)
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
        .context("this size of the test needs a Debian or Ubuntu (no dpkg-query here)")?;
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
