//! A name server that says of the federation server, or of a proxy, that it is an alias of an internal host: for which
//! principal the ticket is then asked.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::realm::{self, Realm};
use super::{LAB, STS};
use crate::interop::Ground;
use crate::lab::{self, Lab};
use crate::process::{self, Running};

/// What MIT Kerberos makes of a host's name (krb5.conf(5), `dns_canonicalize_hostname`).
pub(super) const SETTINGS: [&str; 3] = ["true", "fallback", "false"];
/// The same of Heimdal's, whose rules can ask for DNS by themselves.
pub(super) const HEIMDALS: [&str; 3] = [
    "true",
    "true\n name_canon_rules = nss:",
    "true\n name_canon_rules = as-is:\n name_canon_rules = nss:",
];
/// Which of the answers have the internal host in them: a check of one does not hold for the next.
const LIES: [&str; 3] = ["every", "odd", "even"];
/// The internal host, whose service has a principal; the alias has none.
const INTERNAL: &str = "intranet.contoso.test";
const LIMIT: Duration = Duration::from_secs(20);
/// Where a proxy that demands a ticket listens.
const PROXY_PORT: u16 = 3128;

/// The realm without a principal of the federation server, and a lab that has the key of the internal host.
pub(super) struct Names<'a> {
    ground: &'a Ground,
    realm: &'a Realm<'a>,
    lab: Lab,
    proxy: Proxy,
}

impl<'a> Names<'a> {
    pub(super) fn start(ground: &'a Ground, realm: &'a Realm<'a>) -> Result<Self> {
        realm.replace(&format!("HTTP/{STS}"), &format!("HTTP/{INTERNAL}"))?;
        over(ground, "/etc/hosts", "127.0.0.1 localhost\n")?;
        let resolver = "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n";
        over(ground, "/etc/resolv.conf", resolver)?;
        let folder = ground.folder.join("names");
        fs::create_dir_all(&folder)?;
        let mut arguments = vec!["--listen".into(), LAB.into(), "--keytab".into()];
        arguments.push(realm.keytab().into_os_string());
        arguments.extend(["--journal".into(), folder.join("journal").into_os_string()]);
        let program = ground.programs.join("silentry-lab");
        let lab = Lab::start(&program, &folder, arguments, &ground.log)?;
        Ok(Self {
            ground,
            realm,
            lab,
            proxy: Proxy::start()?,
        })
    }

    /// The library itself, given a host-based name, asks for the internal host: the lie works.
    pub(super) fn library_is_led_astray(&self, setting: &str) -> Result<()> {
        let _dns = self.dns("every")?;
        let mark = self.begin(setting, true)?;
        let mut kvno = process::command("kvno -S HTTP");
        kvno.arg(STS);
        self.realm.enter(&mut kvno);
        // It ends with the right code or, where the library asks for the name as it is, with that of an unknown name.
        let _ = process::answer(&mut kvno, LIMIT)?;
        let asked = self.realm.asked()?.split_off(mark);
        let internal = asked.iter().any(|service| service.contains(INTERNAL));
        ensure!(internal == (setting != "false"), "{setting}: {asked:?}");
        Ok(())
    }

    /// A sign-in asks for the federation server by its own name alone, whatever DNS says.
    pub(super) fn sign_in(&self, setting: &str, library: Option<&str>) -> Result<()> {
        for lies in LIES {
            let _dns = self.dns(lies)?;
            for mapped in [true, false] {
                let mark = self.begin(setting, mapped)?;
                let mut silentry = self.silentry();
                if let Some(library) = library {
                    silentry.args(["--gssapi-library", library]);
                }
                self.refused(&mut silentry, "kerberos_unknown_service_principal", mark)
                    .with_context(|| format!("answers: {lies}, domain_realm: {mapped}"))?;
            }
        }
        let journal = self.lab.folder().join("journal");
        let shown = lab::journal(&journal)?;
        let tickets = shown.iter().filter(|line| line.get("ticket").is_some());
        ensure!(tickets.count() == 0, "AD FS was shown a ticket");
        Ok(())
    }

    /// Nor does a proxy get another's ticket, which it would get in the open.
    pub(super) fn proxy(&self, setting: &str) -> Result<()> {
        for lies in LIES {
            let _dns = self.dns(lies)?;
            let mark = self.begin(setting, true)?;
            let mut silentry = self.silentry();
            silentry.env("HTTPS_PROXY", format!("http://{STS}:{PROXY_PORT}"));
            self.refused(&mut silentry, "proxy_ticket_unavailable", mark)
                .with_context(|| format!("answers: {lies}"))?;
        }
        let credentials = self.proxy.credentials();
        ensure!(
            credentials.is_empty(),
            "the proxy got {} tickets",
            credentials.len()
        );
        Ok(())
    }

    fn dns(&self, lies: &str) -> Result<Running> {
        let mut python = Command::new("python3");
        python.arg(self.ground.prepared.join("dns.py"));
        python.args([STS, INTERNAL, lies]);
        let mut dns = Running(process::start(
            &mut python,
            Stdio::null(),
            &self.ground.log,
        )?);
        let answers = process::wait_until(LIMIT, || {
            dns.check("dns.py")?;
            // Nobody else can have the port once it listens.
            Ok(UdpSocket::bind("127.0.0.1:53").is_err())
        })?;
        ensure!(answers, "dns.py does not listen");
        Ok(dns)
    }

    /// Signs alice in with this setting; returns how many tickets were asked for so far.
    fn begin(&self, setting: &str, mapped: bool) -> Result<usize> {
        realm::configure(self.ground, setting, mapped)?;
        self.realm.sign_in()?;
        Ok(self.realm.asked()?.len())
    }

    fn silentry(&self) -> Command {
        let mut silentry = Command::new("timeout");
        silentry.arg("60").arg(self.ground.silentry().get_program());
        silentry.args(["token", "--mode", "iwa", "-o", "json", "--cache", "none"]);
        silentry.args(["--username", "alice@contoso.test"]);
        self.lab.enter(&mut silentry);
        self.realm.enter(&mut silentry);
        silentry.env_remove("HTTPS_PROXY").env_remove("https_proxy");
        silentry.env("SILENTRY_CA_BUNDLE", self.lab.folder().join("ca.pem"));
        silentry
    }

    /// Checks that the sign-in fails so, that the KDC's log has the alias alone, and the user's ccache no ticket.
    fn refused(&self, silentry: &mut Command, code: &str, mark: usize) -> Result<()> {
        let answer = process::answer(silentry, LIMIT)?;
        let said = String::from_utf8_lossy(&answer.stderr);
        let error = said.lines().rev();
        let error: Option<Value> = error
            .into_iter()
            .find_map(|line| serde_json::from_str(line).ok());
        let error = error.with_context(|| format!("no error: {said}"))?;
        let asked = self.realm.asked()?.split_off(mark);
        ensure!(error["error"] == code, "{error}; tickets: {asked:?}");
        let own = format!("HTTP/{STS}");
        // Realms may be looked for, one being named as the host's domain.
        let expected = |service: &String| *service == own || service.starts_with("krbtgt/");
        ensure!(
            asked.contains(&own) && asked.iter().all(expected),
            "tickets asked for: {asked:?}"
        );
        let mut klist = Command::new("klist");
        self.realm.enter(&mut klist);
        let tickets = self.ground.read(&mut klist)?;
        ensure!(!tickets.contains("HTTP/"), "in the ccache: {tickets}");
        Ok(())
    }
}

/// Returns who says what of names.
pub(super) fn who() -> String {
    format!("a name server for which {STS} is an alias of {INTERNAL}")
}

/// Puts a file of ours in the place of the machine's, in this mount namespace only.
fn over(ground: &Ground, place: &str, text: &str) -> Result<()> {
    let name = Path::new(place).file_name().context("no file name")?;
    let file = ground.folder.join("names-").with_extension(name);
    fs::write(&file, text)?;
    let mut mount = process::command("mount --bind");
    ground.run(mount.arg(file).arg(place))
}

/// A proxy that demands a ticket and remembers what it gets.
struct Proxy {
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", PROXY_PORT))?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&seen);
        // It ends with the part's process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mut lines = BufReader::new(&client).lines().map_while(Result::ok);
                let head: Vec<String> =
                    lines.by_ref().take_while(|line| !line.is_empty()).collect();
                let credentials = head
                    .into_iter()
                    .filter(|line| line.to_ascii_lowercase().starts_with("proxy-authorization"));
                if let Ok(mut notes) = notes.lock() {
                    notes.extend(credentials);
                }
                let demand = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\
                    Content-Length: 0\r\nConnection: close\r\n\r\n";
                // Who does not wait for the answer shows nothing either.
                let _ = (&client).write_all(demand.as_bytes());
            }
        });
        Ok(Self { seen })
    }

    fn credentials(&self) -> Vec<String> {
        self.seen
            .lock()
            .map(|seen| seen.clone())
            .unwrap_or_default()
    }
}
