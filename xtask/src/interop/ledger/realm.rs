//! A realm of MIT's KDC, with a log of what it was asked.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::interop::Ground;
use crate::process::{self, Running, find};

/// The realm whose users the lab knows.
const REALM: &str = "CORP.CONTOSO.TEST";
/// Whom the realm has tickets for: AD FS, and somebody else's federation server.
const SERVICES: [&str; 2] = ["HTTP/sts.contoso.test", "HTTP/sts.fabrikam.test"];
/// It protects nothing: the realm lives in its own network for some seconds.
const PASSWORD: &str = "Passw0rd-of-the-test";
const LIMIT: Duration = Duration::from_secs(30);

/// The realm, whose KDC runs until this value ends.
pub(super) struct Realm<'a> {
    ground: &'a Ground,
    _kdc: Running,
}

impl<'a> Realm<'a> {
    /// Makes the realm, starts its KDC and signs alice in.
    pub(super) fn start(ground: &'a Ground) -> Result<Self> {
        let path = |name: &str| ground.folder.join(name);
        configure(ground, "false", true)?;
        fs::write(path("kdc.conf"), kdc_configuration(&ground.folder))?;
        let tool = |program: &str| tool(ground, program);
        let create = ["create", "-s", "-r", REALM, "-P", PASSWORD];
        ground.run(tool("kdb5_util")?.args(create))?;
        let administer = |query: &str| administer(ground, query);
        administer(&format!("addprinc -pw {PASSWORD} alice"))?;
        for service in SERVICES {
            // Delegation would be allowed: that none happens is then the client's doing.
            administer(&format!("addprinc -randkey +ok_as_delegate {service}"))?;
            administer(&format!("ktadd -k {} {service}", path("keytab").display()))?;
        }
        let mut kdc = tool("krb5kdc")?;
        kdc.args(["-n", "-r", REALM]);
        let mut kdc = Running(process::start(&mut kdc, Stdio::null(), &ground.log)?);
        let answers = process::wait_until(LIMIT, || {
            kdc.check("krb5kdc")?;
            Ok(TcpStream::connect(("127.0.0.1", 88)).is_ok())
        })?;
        ensure!(answers, "krb5kdc does not answer");
        let realm = Self { ground, _kdc: kdc };
        realm.sign_in()?;
        Ok(realm)
    }

    /// Takes a service's principal away and makes another one, whose key goes to the keytab.
    pub(super) fn replace(&self, old: &str, new: &str) -> Result<()> {
        administer(self.ground, &format!("delprinc -force {old}"))?;
        administer(self.ground, &format!("addprinc -randkey {new}"))?;
        let keytab = self.keytab();
        administer(self.ground, &format!("ktadd -k {} {new}", keytab.display()))
    }

    /// A log-on of alice's: a new ticket-granting ticket, which could be forwarded, and no other.
    pub(super) fn sign_in(&self) -> Result<()> {
        let mut kinit = Command::new("kinit");
        enter(self.ground, kinit.args(["-f", "alice"]));
        let mut child = kinit
            .stdin(Stdio::piped())
            .stdout(self.ground.log.try_clone()?)
            .stderr(self.ground.log.try_clone()?)
            .spawn()
            .context("cannot start kinit")?;
        let mut input = child.stdin.take().context("kinit has no stdin")?;
        writeln!(input, "{PASSWORD}")?;
        drop(input);
        process::succeed(child, "kinit", LIMIT)
    }

    /// Makes a command one of alice's.
    pub(super) fn enter(&self, command: &mut Command) {
        enter(self.ground, command);
    }

    /// Returns the keytab of the services.
    pub(super) fn keytab(&self) -> PathBuf {
        self.ground.folder.join("keytab")
    }

    /// Returns for which services the KDC's log says that a ticket was asked, oldest first.
    pub(super) fn asked(&self) -> Result<Vec<String>> {
        let log = fs::read_to_string(self.ground.folder.join("kdc.log"))?;
        let requests = log.lines().filter(|line| line.contains(" TGS_REQ "));
        // ... ISSUE: authtime 1, etypes {...}, alice@REALM for HTTP/host@REALM
        let service = |line: &str| {
            let (_, service) = line.rsplit_once(" for ")?;
            Some(service.split([',', '@']).next()?.trim().to_owned())
        };
        Ok(requests
            .map(|line| service(line).unwrap_or_else(|| line.to_owned()))
            .collect())
    }
}

fn tool(ground: &Ground, program: &str) -> Result<Command> {
    let mut command = Command::new(find(program).with_context(|| format!("no {program}"))?);
    enter(ground, &mut command);
    Ok(command)
}

fn administer(ground: &Ground, query: &str) -> Result<()> {
    ground.run(tool(ground, "kadmin.local")?.args(["-r", REALM, "-q", query]))
}

fn enter(ground: &Ground, command: &mut Command) {
    let path = |name: &str| ground.folder.join(name);
    command
        .env("KRB5_CONFIG", path("krb5.conf"))
        .env("KRB5_KDC_PROFILE", path("kdc.conf"))
        .env("KRB5CCNAME", format!("FILE:{}", path("krb5cc").display()));
}

/// Writes the `krb5.conf` of the user: what DNS may make of a host's name, and whether hosts have a realm there.
/// Requests go over TCP, so that the capture has each once.
pub(super) fn configure(ground: &Ground, canonicalize: &str, mapped: bool) -> Result<()> {
    let mut text = format!(
        "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n \
         dns_canonicalize_hostname = {canonicalize}\n rdns = false\n udp_preference_limit = 1\n\
         [realms]\n {REALM} = {{\n  kdc = 127.0.0.1\n }}\n"
    );
    if mapped {
        text += &format!("[domain_realm]\n .contoso.test = {REALM}\n .fabrikam.test = {REALM}\n");
    }
    Ok(fs::write(ground.folder.join("krb5.conf"), text)?)
}

fn kdc_configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "[realms]\n {REALM} = {{\n  database_name = {folder}/principal\n  \
         key_stash_file = {folder}/stash\n  acl_file = {folder}/acl\n  kdc_ports = 88\n  \
         kdc_tcp_ports = 88\n  max_life = 1h\n }}\n\
         [logging]\n kdc = FILE:{folder}/kdc.log\n"
    )
}
