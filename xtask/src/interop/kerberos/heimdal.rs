//! Heimdal's servers. Their packages cannot be installed beside those of MIT, so they are unpacked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::mit::wait_for_kdc;
use crate::interop::{Ground, Preparation};
use crate::process::{self, Running};

const LIMIT: Duration = Duration::from_secs(60);

/// The packages of the KDC and its libraries; those of the client's library are installed.
pub(super) const KDC_PACKAGES: [&str; 7] = [
    "heimdal-clients",
    "heimdal-kdc",
    "libhdb9-heimdal",
    "libkadm5clnt7-heimdal",
    "libkadm5srv8-heimdal",
    "libkdc2-heimdal",
    "libsl0-heimdal",
];
/// The package of the daemon that keeps tickets.
pub(super) const KCM_PACKAGES: [&str; 1] = ["heimdal-kcm"];

/// Downloads packages, which apt verifies, and unpacks them.
pub(super) fn unpack(preparation: &Preparation, packages: &[&str]) -> Result<()> {
    let folder = preparation.prepared.join("heimdal");
    if folder.join("complete").exists() {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    let mut download = process::command("apt-get --quiet download");
    preparation.run(download.args(packages).current_dir(&folder))?;
    for entry in fs::read_dir(&folder)? {
        let package = entry?.path();
        if package.extension().is_some_and(|kind| kind == "deb") {
            let mut unpack = Command::new("dpkg");
            preparation.run(unpack.arg("-x").arg(package).arg(&folder))?;
        }
    }
    fs::write(folder.join("complete"), "")?;
    Ok(())
}

/// Returns a program of the unpacked packages.
pub(super) fn program(ground: &Ground, path: &str) -> Result<Command> {
    let root = ground.prepared.join("heimdal");
    let mut command = Command::new(root.join(path));
    let libraries = root.join("usr/lib");
    if libraries.is_dir() {
        // One folder, which has the name of the machine's architecture, and one of servers.
        let folders = fs::read_dir(libraries)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        command.env("LD_LIBRARY_PATH", std::env::join_paths(folders)?);
    }
    Ok(command)
}

/// A realm of Heimdal's KDC on 127.0.0.1.
pub(super) struct Realm<'a> {
    ground: &'a Ground,
    name: &'static str,
    folder: PathBuf,
    log: &'a File,
}

impl<'a> Realm<'a> {
    /// Makes the database of a realm without users, in the folder.
    pub(super) fn create(ground: &'a Ground, folder: &Path, name: &'static str) -> Result<Self> {
        let realm = Self {
            ground,
            name,
            folder: folder.to_owned(),
            log: &ground.log,
        };
        let place = folder.display();
        fs::write(
            folder.join("kdc.conf"),
            format!(
                "[libdefaults]\n default_realm = {name}\n\
                 [kdc]\n database = {{\n  dbname = {place}/heimdal\n  realm = {name}\n  \
                 mkey_file = {place}/mkey\n  acl_file = {place}/acl\n  log_file = {place}/hdb.log\n }}\n\
                 [logging]\n kdc = FILE:{place}/kdc.log\n"
            ),
        )?;
        realm.administer(&[
            "init",
            "--realm-max-ticket-life=unlimited",
            "--realm-max-renewable-life=unlimited",
            name,
        ])?;
        Ok(realm)
    }

    /// Adds a user with a password.
    pub(super) fn add_user(&self, name: &str, password: &str) -> Result<()> {
        let password = format!("--password={password}");
        self.administer(&["add", "--use-defaults", &password, name])
    }

    /// Adds a principal with a random key and returns a keytab with it.
    pub(super) fn add_service(&self, principal: &str) -> Result<PathBuf> {
        let file = self.folder.join("service.keytab");
        self.administer(&["add", "--use-defaults", "--random-key", principal])?;
        let option = format!("--keytab={}", file.display());
        self.administer(&["ext_keytab", &option, principal])?;
        Ok(file)
    }

    /// Starts the KDC and waits until it answers.
    pub(super) fn start(&self) -> Result<Running> {
        let mut kdc = program(self.ground, "usr/lib/heimdal-servers/kdc")?;
        kdc.arg(self.config_option()).arg("--addresses=127.0.0.1");
        let child = process::start(&mut kdc, self.log.try_clone()?.into(), self.log)?;
        wait_for_kdc(Running(child), "127.0.0.1")
    }

    fn administer(&self, command: &[&str]) -> Result<()> {
        let mut kadmin = program(self.ground, "usr/bin/kadmin.heimdal")?;
        kadmin
            .arg("--local")
            .arg(format!("--realm={}", self.name))
            .arg(self.config_option())
            .args(command);
        process::run(&mut kadmin, LIMIT, self.log)
    }

    fn config_option(&self) -> String {
        format!("--config-file={}", self.folder.join("kdc.conf").display())
    }
}
