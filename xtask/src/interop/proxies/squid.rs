//! squid with a configuration, keys and logs of its own.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::interop::Ground;
use crate::lab::Lab;
use crate::process::{self, Running};

const ADDRESS: &str = "127.0.0.1:3128";
const LIMIT: Duration = Duration::from_secs(20);

/// How long after the last tunnel that was waited for another one would have been logged.
const MOMENT: Duration = Duration::from_millis(200);

const REALM: &str = "CORP.CONTOSO.TEST";

/// What alice tells squid where it wants Basic, and how squid keeps it (`openssl passwd -apr1`).
pub(super) const PASSWORD: &str = "Passw0rd";
const PASSWORDS: &str = "alice:$apr1$silentry$sJ/clKa5MGUUgQ37pD/Ol1\n";

/// The account that Debian's squid runs as.
const ACCOUNT: &str = "proxy:proxy";

/// Whose tickets squid opens.
pub(super) struct Service {
    pub(super) spn: &'static str,
    pub(super) keytab: PathBuf,
}

/// What squid asks for.
#[derive(Clone, Copy)]
pub(super) enum Wants {
    Nothing,
    Negotiate,
    NegotiateOrBasic,
    Basic,
    Ntlm,
}

/// A running squid, which ends with this value.
pub(super) struct Squid {
    _running: Running,
    access_log: PathBuf,
}

impl Squid {
    pub(super) fn start(
        ground: &Ground,
        lab: &Lab,
        service: &Service,
        wants: Wants,
    ) -> Result<Self> {
        let folder = Folder::create(ground)?;
        fs::copy(lab.folder().join("krb5.conf"), folder.file("krb5.conf"))?;
        fs::copy(&service.keytab, folder.file("squid.keytab"))?;
        fs::write(folder.file("passwords"), PASSWORDS)?;
        let config = folder.file("squid.conf");
        fs::write(&config, folder.config(service.spn, wants))?;
        folder.give_away(ground)?;

        let program = process::find("squid").context("squid is not installed")?;
        let mut squid = Command::new(program);
        squid.args(["-N", "-f"]).arg(&config);
        squid.env("KRB5_CONFIG", folder.file("krb5.conf"));
        let child = process::start(&mut squid, ground.log.try_clone()?.into(), &ground.log)?;
        let mut running = Running(child);
        let answers = process::wait_until(LIMIT, || {
            running.check("squid")?;
            Ok(TcpStream::connect(ADDRESS).is_ok())
        })?;
        ensure!(answers, "squid does not answer on {ADDRESS}");
        Ok(Self {
            _running: running,
            access_log: folder.file("access.log"),
        })
    }

    /// Checks what squid was asked for, in any order of the tunnels' ends, and how it answered.
    pub(super) fn served(&self, expected: &[&str]) -> Result<()> {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        // A tunnel is logged when it ends.
        let log = || fs::read_to_string(&self.access_log).unwrap_or_default();
        process::wait_until(LIMIT, || Ok(log().lines().count() >= expected.len()))?;
        thread::sleep(MOMENT);
        let log = log();
        let mut seen: Vec<_> = log.lines().collect();
        seen.sort_unstable();
        ensure!(seen == expected, "squid served {seen:?}, not {expected:?}");
        Ok(())
    }
}

/// Returns squid's version.
pub(super) fn version(ground: &Ground) -> Result<String> {
    let program = process::find("squid").context("squid is not installed")?;
    let text = ground.read(Command::new(program).arg("-v"))?;
    let version = text.split_once("Version ").map(|(_, rest)| rest);
    let version = version.and_then(|rest| rest.split_whitespace().next());
    Ok(version.context("squid tells no version")?.to_owned())
}

/// Where squid's account can read and write.
struct Folder(PathBuf);

impl Folder {
    fn create(ground: &Ground) -> Result<Self> {
        let folder = ground.folder.join("squid");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Lets squid's account have it, and come to it.
    fn give_away(&self, ground: &Ground) -> Result<()> {
        ground.run(Command::new("chown").args(["-R", ACCOUNT]).arg(&self.0))?;
        ground.run(Command::new("chmod").arg("o+x").arg(&ground.folder))
    }

    fn config(&self, spn: &str, wants: Wants) -> String {
        let folder = self.0.display();
        let negotiate = format!(
            "auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth \
             -k {folder}/squid.keytab -s {spn}@{REALM}\n\
             auth_param negotiate children 1\n"
        );
        let basic = format!(
            "auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/passwords\n\
             auth_param basic children 1\nauth_param basic realm proxy\n"
        );
        let ntlm = "auth_param ntlm program /usr/lib/squid/ntlm_fake_auth\n\
                    auth_param ntlm children 1\n"
            .to_owned();
        let scheme = match wants {
            Wants::Nothing => String::new(),
            Wants::Negotiate => negotiate,
            Wants::NegotiateOrBasic => negotiate + &basic,
            Wants::Basic => basic,
            Wants::Ntlm => ntlm,
        };
        let access = match wants {
            Wants::Nothing => "http_access allow all\n",
            _ => "acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n",
        };
        format!(
            "{scheme}{access}http_port {ADDRESS}\nvisible_hostname proxy.contoso.test\n\
             acl tunnels method CONNECT\nlogformat short %>Hs %rm %ru %un\naccess_log stdio:{folder}/access.log logformat=short tunnels\n\
             cache_log {folder}/cache.log\ncache deny all\npid_filename none\npinger_enable off\n\
             coredump_dir {folder}\ndns_nameservers 127.0.0.1\nshutdown_lifetime 0 seconds\n"
        )
    }
}
