//! A real Active Directory: Samba's domain controller, provisioned in seconds.
//!
//! As in most real forests the users' UPN suffix is not the name of the Kerberos realm.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::process::{self, Running, find};

/// The Kerberos realm, which is the DNS name of the domain in capitals.
const REALM: &str = "CORP.CONTOSO.TEST";
const DOMAIN_DN: &str = "DC=corp,DC=contoso,DC=test";
const UPN_SUFFIX: &str = "contoso.test";
/// The service that AD FS answers Negotiate for.
const SERVICE: &str = "HTTP/sts.contoso.test";
/// The domain controller's own service, by which LDAP clients know it.
const DIRECTORY: &str = "ldap/dc1.corp.contoso.test";
const SERVICE_ACCOUNT: &str = "adfs-svc";
/// AES128 and AES256 (MS-KILE 2.2.7). Without it Samba makes RC4 keys only.
const AES: &str = "24";
/// These passwords protect nothing: the domain lives in its own network for some seconds.
pub(crate) const PASSWORD: &str = "Passw0rd-of-the-test";
const LIMIT: Duration = Duration::from_secs(300);

/// A domain in a folder; its controller answers on the loopback address of this network.
pub(crate) struct Domain {
    folder: PathBuf,
    log: File,
}

impl Domain {
    /// Provisions a domain with the user alice and the account of AD FS.
    pub(crate) fn create(folder: &Path, log: &File) -> Result<Self> {
        fs::create_dir(folder)?;
        let domain = Self {
            folder: folder.to_owned(),
            log: log.try_clone()?,
        };
        domain.provision()?;
        domain.create_accounts()?;
        domain.export_keytab()?;
        Ok(domain)
    }

    /// Starts the domain controller and waits until it answers.
    pub(crate) fn start_controller(&self) -> Result<Running> {
        let mut samba = Command::new(find("samba").context("samba is not installed")?);
        samba
            .args(["--interactive", "--debug-stdout"])
            .arg("--configfile")
            .arg(self.config());
        samba.arg("--option=server services=ldap cldap kdc rpc");
        samba.arg("--option=ldap server require strong auth=yes");
        let child = process::start(&mut samba, self.log.try_clone()?.into(), &self.log)?;
        let mut running = Running(child);
        let answers = process::wait_until(LIMIT, || {
            running.check("samba")?;
            Ok([88, 389].map(answers_on) == [true; 2])
        })?;
        ensure!(answers, "the domain controller does not answer");
        Ok(running)
    }

    /// Returns the keytab of AD FS's service account.
    pub(crate) fn keytab(&self) -> PathBuf {
        self.folder.join("adfs.keytab")
    }

    /// Signs a user in, as a log-on to a domain member does: a ticket-granting ticket in a cache.
    pub(crate) fn sign_in(&self, account: &str) -> Result<()> {
        let mut kinit = Command::new("kinit");
        kinit.arg(format!("{account}@{REALM}"));
        self.enter(&mut kinit);
        let mut child = kinit
            .stdin(Stdio::piped())
            .stdout(self.log.try_clone()?)
            .stderr(self.log.try_clone()?)
            .spawn()
            .context("cannot start kinit")?;
        let mut input = child.stdin.take().context("kinit has no stdin")?;
        writeln!(input, "{PASSWORD}")?;
        drop(input);
        process::succeed(child, "kinit", LIMIT)
    }

    /// Returns the tickets of the signed-in user, as klist lists them with their encryption types.
    pub(crate) fn tickets(&self) -> Result<String> {
        let mut klist = Command::new("klist");
        self.enter(klist.arg("-e"));
        process::read(&mut klist, LIMIT, &self.log)
    }

    /// Makes a command a program of the signed-in user.
    pub(crate) fn enter(&self, command: &mut Command) {
        command
            .env("KRB5_CONFIG", self.folder.join("krb5.conf"))
            .env(
                "KRB5CCNAME",
                format!("FILE:{}", self.folder.join("krb5cc").display()),
            );
    }

    fn provision(&self) -> Result<()> {
        // An empty configuration, or the one of the system would be taken as the beginning.
        let empty = self.folder.join("empty.conf");
        fs::write(&empty, "")?;
        fs::create_dir(self.folder.join("run"))?;
        let option = |name: &str, value: String| format!("--option={name}={value}");
        let inside = |name: &str| self.folder.join(name).display().to_string();
        let mut samba_tool = process::command(
            "samba-tool domain provision --domain=CONTOSO --server-role=dc --host-name=dc1 \
             --host-ip=127.0.0.1 --dns-backend=SAMBA_INTERNAL --configfile",
        );
        samba_tool
            .arg(&empty)
            .arg(format!("--realm={REALM}"))
            .arg(format!("--adminpass={PASSWORD}"))
            .arg(format!("--targetdir={}", self.folder.display()))
            .arg(option("interfaces", "lo".into()))
            .arg(option("bind interfaces only", "yes".into()))
            .arg(option("pid directory", inside("run")))
            .arg(option("ncalrpc dir", inside("ncalrpc")))
            .arg(option("log file", inside("samba.log")));
        process::run(&mut samba_tool, LIMIT, &self.log)?;
        fs::write(
            self.folder.join("krb5.conf"),
            format!(
                "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n \
                 dns_lookup_realm = false\n rdns = false\n dns_canonicalize_hostname = false\n\
                 [realms]\n {REALM} = {{\n  kdc = 127.0.0.1\n }}\n\
                 [domain_realm]\n .{UPN_SUFFIX} = {REALM}\n"
            ),
        )?;
        Ok(())
    }

    fn create_accounts(&self) -> Result<()> {
        self.modify(&format!(
            "dn: CN=Partitions,CN=Configuration,{DOMAIN_DN}\nchangetype: modify\n\
             add: uPNSuffixes\nuPNSuffixes: {UPN_SUFFIX}\n"
        ))?;
        self.samba_tool(&format!("user create alice {PASSWORD}"))?;
        self.samba_tool(&format!("user rename alice --upn=alice@{UPN_SUFFIX}"))?;
        self.samba_tool(&format!("user create {SERVICE_ACCOUNT} {PASSWORD}"))?;
        self.samba_tool(&format!("spn add {SERVICE} {SERVICE_ACCOUNT}"))?;
        // A controller that has its DNS registers this by itself.
        self.samba_tool(&format!("spn add {DIRECTORY} DC1$"))?;
        self.modify(&format!(
            "dn: CN={SERVICE_ACCOUNT},CN=Users,{DOMAIN_DN}\nchangetype: modify\n\
             replace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: {AES}\n"
        ))?;
        // The keys are made when the password is set.
        self.samba_tool(&format!(
            "user setpassword {SERVICE_ACCOUNT} --newpassword={PASSWORD}"
        ))
    }

    fn export_keytab(&self) -> Result<()> {
        let keytab = self.keytab();
        let mut samba_tool = process::command("samba-tool domain exportkeytab");
        samba_tool
            .arg(&keytab)
            .arg(format!("--principal={SERVICE}"))
            .arg("--configfile")
            .arg(self.config());
        process::run(&mut samba_tool, LIMIT, &self.log)?;
        let list = Command::new("klist").arg("-ke").arg(&keytab).output()?;
        let keys = String::from_utf8_lossy(&list.stdout);
        ensure!(
            keys.contains("aes256-cts"),
            "no AES key in the exported keytab: {keys}"
        );
        Ok(())
    }

    fn samba_tool(&self, line: &str) -> Result<()> {
        let mut samba_tool = process::command(&format!("samba-tool {line}"));
        samba_tool
            .arg("-H")
            .arg(self.database())
            .arg("--configfile")
            .arg(self.config());
        process::run(&mut samba_tool, LIMIT, &self.log)
    }

    /// Changes the directory by LDIF (RFC 2849).
    fn modify(&self, change: &str) -> Result<()> {
        let file = self.folder.join("change.ldif");
        fs::write(&file, change)?;
        let mut ldbmodify = Command::new("ldbmodify");
        ldbmodify.arg("-H").arg(self.database()).arg(file);
        process::run(&mut ldbmodify, LIMIT, &self.log)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("etc").join("smb.conf")
    }

    fn database(&self) -> PathBuf {
        self.folder.join("private").join("sam.ldb")
    }
}

fn answers_on(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
