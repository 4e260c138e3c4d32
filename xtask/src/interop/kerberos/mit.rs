//! A realm of MIT Kerberos's KDC, in a folder and on an address of its own.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::conf::Krb5Conf;
use crate::interop::Ground;
use crate::process::{self, Running, find};

const LIMIT: Duration = Duration::from_secs(60);

/// What a realm is to be like.
pub(super) struct RealmSettings {
    name: String,
    address: &'static str,
    lines: Vec<String>,
    domains: Vec<(String, String)>,
}

impl RealmSettings {
    /// Returns those of a realm whose KDC answers on 127.0.0.1.
    pub(super) fn of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: "127.0.0.1",
            lines: Vec::new(),
            domains: Vec::new(),
        }
    }

    /// Lets the KDC answer on another address.
    pub(super) fn at(mut self, address: &'static str) -> Self {
        self.address = address;
        self
    }

    /// Adds a line to the realm's part of `kdc.conf`.
    pub(super) fn with(mut self, line: String) -> Self {
        self.lines.push(line);
        self
    }

    /// Lets the KDC refer clients to another realm for the hosts of a domain, as a domain controller
    /// does for the service principals of its forest.
    pub(super) fn refer(mut self, domain: &str, realm: &str) -> Self {
        self.domains.push((domain.to_owned(), realm.to_owned()));
        self
    }
}

/// A realm with its database.
pub(super) struct Realm {
    settings: RealmSettings,
    folder: PathBuf,
    /// The configuration of the KDC's own library.
    conf: Krb5Conf,
    log: File,
}

impl Realm {
    /// Makes the database of a realm without users, in the folder.
    pub(super) fn create(ground: &Ground, folder: &Path, settings: RealmSettings) -> Result<Self> {
        let folder = folder.join(&settings.name);
        fs::create_dir(&folder)?;
        let mut conf = Krb5Conf::new(&folder).with_realm(&settings.name, settings.address);
        for (domain, realm) in &settings.domains {
            conf = conf.with_domain(domain, realm);
        }
        conf.write()?;
        let realm = Self {
            settings,
            folder,
            conf,
            log: ground.log.try_clone()?,
        };
        fs::write(realm.folder.join("kdc.conf"), realm.kdc_conf())?;
        let mut create = realm.tool("kdb5_util")?;
        create.args(["create", "-s", "-P", super::PASSWORD]);
        process::run(&mut create, LIMIT, &realm.log)?;
        Ok(realm)
    }

    /// Returns the address of the KDC.
    pub(super) fn address(&self) -> &'static str {
        self.settings.address
    }

    /// Adds a user with a password.
    pub(super) fn add_user(&self, name: &str, password: &str) -> Result<()> {
        self.administer(&["addprinc", "-pw", password, name])
    }

    /// Runs a command of the administrator's.
    pub(super) fn administer(&self, command: &[&str]) -> Result<()> {
        let mut kadmin = self.tool("kadmin.local")?;
        process::run(kadmin.args(command), LIMIT, &self.log)
    }

    /// Adds a service with a random key and returns a keytab with it.
    pub(super) fn add_service(&self, principal: &str) -> Result<PathBuf> {
        self.administer(&["addprinc", "-randkey", principal])?;
        self.keytab(principal)
    }

    /// Returns a keytab with the keys of a principal, which stay as they are.
    pub(super) fn keytab(&self, principal: &str) -> Result<PathBuf> {
        let name = format!("{}.keytab", principal.replace('/', "_"));
        let file = self.folder.join(name);
        self.administer(&[
            "ktadd",
            "-norandkey",
            "-k",
            &file.to_string_lossy(),
            principal,
        ])?;
        Ok(file)
    }

    /// Starts the KDC and waits until it answers.
    pub(super) fn start(&self) -> Result<Running> {
        let mut kdc = self.tool("krb5kdc")?;
        kdc.arg("-n");
        let child = process::start(&mut kdc, self.log.try_clone()?.into(), &self.log)?;
        wait_for_kdc(Running(child), self.settings.address)
    }

    /// Returns what the KDC wrote into its log.
    pub(super) fn log(&self) -> Result<String> {
        let path = self.folder.join("kdc.log");
        fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    fn tool(&self, name: &str) -> Result<Command> {
        let program = find(name).with_context(|| format!("{name} is not installed"))?;
        let mut command = Command::new(program);
        command
            .args(["-r", &self.settings.name])
            .env("KRB5_CONFIG", self.conf.path())
            .env("KRB5_KDC_PROFILE", self.folder.join("kdc.conf"));
        Ok(command)
    }

    fn kdc_conf(&self) -> String {
        let (realm, address) = (&self.settings.name, self.settings.address);
        let folder = self.folder.display();
        let lines: String = self
            .settings
            .lines
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect();
        format!(
            "[kdcdefaults]\n kdc_listen = {address}:88\n kdc_tcp_listen = {address}:88\n\
             [realms]\n {realm} = {{\n  database_name = {folder}/principal\n  \
             key_stash_file = {folder}/stash\n  acl_file = {folder}/acl\n  max_life = 10h\n  \
             supported_enctypes = aes256-cts:normal aes128-cts:normal\n{lines} }}\n\
             [logging]\n kdc = FILE:{folder}/kdc.log\n admin_server = FILE:{folder}/kadmin.log\n"
        )
    }
}

/// Waits until a KDC that was started answers on its address.
pub(super) fn wait_for_kdc(mut kdc: Running, address: &str) -> Result<Running> {
    let answers = process::wait_until(LIMIT, || {
        kdc.check("the KDC")?;
        Ok(TcpStream::connect((address, 88)).is_ok())
    })?;
    ensure!(answers, "the KDC does not answer");
    Ok(kdc)
}
