//! Labs whose AD FS belongs to a realm of MIT's, with or without a man in the middle, and what is seen of a sign-in.

use std::ffi::OsString;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::binding::{self, Identity};
use super::capture::{Capture, Traffic};
use super::realm::Realm;
use super::{LAB, STS};
use crate::interop::Ground;
use crate::lab::{self, Lab};
use crate::process::{self, Running};

const USER: &str = "alice@contoso.test";
/// Where the man in the middle listens, and where the real AD FS is then.
const BETWEEN_PORT: u16 = 8443;
const BEHIND_PORT: u16 = 9443;
const LIMIT: Duration = Duration::from_secs(30);

/// A realm, and labs whose AD FS belongs to it.
pub(super) struct Site<'a> {
    pub(super) ground: &'a Ground,
    pub(super) realm: Realm<'a>,
}

/// Who is between the user and AD FS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    Nobody,
    Relay,
    /// Where AD FS demands no channel binding and the user sends none.
    RelayUnbound,
}

/// What was seen of one sign-in.
pub(super) struct Seen {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
    /// For which services the KDC's log has a request.
    pub(super) tickets: Vec<String>,
    pub(super) traffic: Traffic,
    /// The exchanges of AD FS's lab.
    pub(super) journal: Vec<Value>,
    /// The certificate that the user saw of AD FS.
    pub(super) shown: PathBuf,
}

impl Site<'_> {
    /// Signs in to a lab in this scenario, from a ticket-granting ticket alone.
    pub(super) fn meet(&self, scenario: &str, between: Between) -> Result<Seen> {
        let name = format!("{scenario}-{between:?}");
        let folder = self.ground.folder.join(&name);
        let mut arguments = strings(["--scenario", scenario, "--listen", LAB]);
        let relay = match between {
            Between::Nobody => None,
            Between::Relay | Between::RelayUnbound => {
                arguments.extend(strings([
                    "--map",
                    &format!("{STS}=127.0.0.1:{BETWEEN_PORT}"),
                ]));
                Some(self.relay(between)?)
            }
        };
        let lab = self.lab(&folder, arguments)?;
        let (journal, shown, bundle) = match &relay {
            None => {
                let shown = binding::shown(self.ground, LAB, STS)?;
                (folder.join("journal"), shown, folder.join("ca.pem"))
            }
            Some(relay) => {
                let bundle = folder.join("both.pem");
                let own = fs::read_to_string(folder.join("ca.pem"))?;
                fs::write(
                    &bundle,
                    own + &fs::read_to_string(&relay.identity.authority)?,
                )?;
                (relay.journal.clone(), relay.identity.pem.clone(), bundle)
            }
        };

        self.realm.sign_in()?;
        let mark = self.realm.asked()?.len();
        let capture = Capture::start(self.ground, &name)?;
        let mut silentry = Command::new("timeout");
        silentry.arg("60").arg(self.ground.silentry().get_program());
        silentry.args(["token", "--mode", "iwa", "-o", "json", "--username", USER]);
        lab.enter(&mut silentry);
        self.realm.enter(&mut silentry);
        // As where the real names lead to the real servers.
        silentry.env_remove("HTTPS_PROXY").env_remove("https_proxy");
        silentry.env("SILENTRY_CA_BUNDLE", &bundle);
        if between == Between::RelayUnbound {
            silentry.env("SILENTRY_NO_CHANNEL_BINDING", "1");
        }
        let output = silentry.stdin(Stdio::null()).output()?;
        let traffic = capture.finish()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Seen {
            exit: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            tickets: self.realm.asked()?.split_off(mark),
            traffic,
            journal: lab::journal(&journal)?,
            shown,
        })
    }

    /// Starts a lab whose AD FS has the keys of the realm.
    fn lab(&self, folder: &Path, mut arguments: Vec<OsString>) -> Result<Lab> {
        fs::create_dir_all(folder)?;
        let keytab = self.realm.keytab();
        arguments.extend(["--keytab".into(), keytab.into_os_string()]);
        arguments.extend(["--journal".into(), folder.join("journal").into_os_string()]);
        let program = self.ground.programs.join("silentry-lab");
        Lab::start(&program, folder, arguments, &self.ground.log)
    }

    /// Starts an AD FS, and somebody in front of it.
    fn relay(&self, between: Between) -> Result<Relay> {
        let folder = self.ground.folder.join(format!("behind-{between:?}"));
        let scenario = match between {
            Between::RelayUnbound => "default",
            _ => "channel-binding-required",
        };
        let proxy = format!("127.0.0.1:{BEHIND_PORT}");
        let arguments = ["--scenario", scenario, "--proxy", &proxy];
        let behind = self.lab(&folder, strings(arguments))?;
        let identity = Identity::make(self.ground, STS)?;
        let mut python = Command::new("python3");
        python.arg(self.ground.prepared.join("relay.py"));
        python.arg(BETWEEN_PORT.to_string()).arg(&identity.pem);
        python
            .args([&BEHIND_PORT.to_string(), STS])
            .arg(folder.join("ca.pem"));
        let mut running = Running(process::start(
            &mut python,
            Stdio::null(),
            &self.ground.log,
        )?);
        let answers = process::wait_until(LIMIT, || {
            running.check("relay.py")?;
            Ok(TcpStream::connect(("127.0.0.1", BETWEEN_PORT)).is_ok())
        })?;
        ensure!(answers, "relay.py does not answer");
        Ok(Relay {
            identity,
            journal: folder.join("journal"),
            _running: running,
            _behind: behind,
        })
    }
}

/// A man in the middle, with the AD FS behind him.
struct Relay {
    identity: Identity,
    journal: PathBuf,
    _running: Running,
    _behind: Lab,
}

impl Seen {
    /// Checks that the sign-in gave a token.
    pub(super) fn succeeds(&self) -> Result<()> {
        let told: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        ensure!(
            self.exit == Some(0) && told["access_token"].is_string(),
            "no token: {}",
            self.stderr
        );
        Ok(())
    }

    /// Checks that the sign-in failed like this, and gave nothing.
    pub(super) fn fails(&self, code: &str, exit: i32) -> Result<()> {
        let error = self.stderr.lines().rev();
        let error: Option<Value> = error
            .into_iter()
            .find_map(|line| serde_json::from_str(line).ok());
        let error = error.with_context(|| format!("no error: {}", self.stderr))?;
        ensure!(error["error"] == code && self.exit == Some(exit), "{error}");
        ensure!(self.stdout.is_empty(), "something was printed");
        Ok(())
    }

    /// Returns what AD FS found in the first ticket that it was shown; the sign-in may have failed.
    pub(super) fn ticket(&self) -> Result<&Value> {
        let mut tickets = self.journal.iter().filter_map(|line| line.get("ticket"));
        tickets
            .next()
            .with_context(|| format!("no ticket: {}", self.stderr))
    }

    pub(super) fn flags(&self) -> Result<Vec<&str>> {
        let flags = self.ticket()?["flags"].as_array().context("no flags")?;
        Ok(flags.iter().filter_map(Value::as_str).collect())
    }

    pub(super) fn stages(&self) -> Vec<&str> {
        self.journal
            .iter()
            .filter_map(|line| line["stage"].as_str())
            .collect()
    }
}

fn strings<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.map(OsString::from).to_vec()
}
