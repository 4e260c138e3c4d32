//! The sign-in of a real domain user, end to end: Samba's Active Directory issues the ticket, MIT
//! Kerberos keeps it, the released command turns it into an access token.
//!
//! All of it runs in namespaces of its own.

pub(crate) mod samba;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use self::samba::Domain;
use crate::lab::Lab;
use crate::namespace;
use crate::process;
use crate::report::Step;

const USER: &str = "alice@contoso.test";
/// What the lab plays, for a hosts file.
const NAMES: &str =
    "login.microsoftonline.com sts.contoso.test graph.microsoft.com api.contoso.test";
const API: &str = "https://api.contoso.test/whoami";
const LIMIT: Duration = Duration::from_secs(60);

/// What the part inside the namespaces is told.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folder with the built programs
    #[arg(long)]
    programs: PathBuf,
    /// Empty folder for everything that the test writes
    #[arg(long)]
    folder: PathBuf,
}

/// Starts the test in its namespaces and waits for its end.
pub(crate) fn run_in_namespaces(programs: &Path, step: &Step) -> Result<String> {
    let folder = namespace::folder()?;
    let mut unshare = namespace::again(["domain", "--programs"])?;
    unshare.arg(programs).arg("--folder").arg(folder.path());
    step.run(&mut unshare)?;
    Ok(step
        .log()?
        .lines()
        .filter_map(|line| line.strip_prefix("held: "))
        .collect::<Vec<_>>()
        .join("; "))
}

/// The test itself, inside the namespaces.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let log = File::create(args.folder.join("log"))?;
    let result = sign_in_both_ways(args, &log);
    print!(
        "{}",
        fs::read_to_string(args.folder.join("log")).unwrap_or_default()
    );
    for held in result? {
        println!("held: {held}");
    }
    Ok(ExitCode::SUCCESS)
}

fn sign_in_both_ways(args: &Args, log: &File) -> Result<[&'static str; 2]> {
    namespace::raise_loopback(log)?;
    let domain = Domain::create(&args.folder.join("samba"), log)?;
    let _controller = domain.start_controller()?;
    let test = Test { args, domain, log };
    let through_proxy = test.sign_in(Way::Proxy);
    let direct = test.sign_in(Way::Direct);
    match (through_proxy, direct) {
        (Ok(()), Ok(())) => Ok(["through the proxy", "with no proxy"]),
        (Err(proxy), Ok(())) => Err(proxy.context("through the proxy")),
        (Ok(()), Err(direct)) => Err(direct.context("with no proxy")),
        (Err(proxy), Err(direct)) => {
            bail!("through the proxy: {proxy:#}; with no proxy: {direct:#}")
        }
    }
}

/// How the programs reach the lab.
#[derive(Clone, Copy)]
enum Way {
    /// As on a network where everything outside is behind a proxy.
    Proxy,
    /// The real names lead to the lab's port 443 and nothing says that there is a lab.
    Direct,
}

struct Test<'a> {
    args: &'a Args,
    domain: Domain,
    log: &'a File,
}

impl Test<'_> {
    fn sign_in(&self, way: Way) -> Result<()> {
        self.domain.sign_in("alice")?;
        let keytab = self.domain.keytab();
        let mut arguments = vec!["--keytab".into(), keytab.into_os_string()];
        let folder = match way {
            Way::Proxy => self.args.folder.join("proxy"),
            Way::Direct => {
                namespace::name_loopback(NAMES, &self.args.folder, self.log)?;
                arguments.extend(["--listen".into(), "127.0.0.1:443".into()]);
                self.args.folder.join("direct")
            }
        };
        let lab = Lab::start(
            &self.args.programs.join("silentry-lab"),
            &folder,
            arguments,
            self.log,
        )?;

        let mut silentry = Command::new(self.args.programs.join("silentry"));
        silentry.args([
            "token",
            "--mode",
            "iwa",
            "--output",
            "json",
            "--username",
            USER,
        ]);
        self.enter(&lab, way, &mut silentry);
        let answer = process::read(&mut silentry, LIMIT, self.log).context("silentry token")?;
        let answer: Value =
            serde_json::from_str(&answer).context("silentry token printed no JSON")?;
        let token = answer["access_token"]
            .as_str()
            .context("no access_token in the answer")?;
        let tickets = self.domain.tickets()?;
        ensure!(
            tickets.contains("HTTP/sts.contoso.test"),
            "no service ticket of AD FS: {tickets}"
        );
        self.call_api(&lab, way, token)
    }

    /// Asks the protected API, which checks the token, by curl and the way that the user came.
    fn call_api(&self, lab: &Lab, way: Way, token: &str) -> Result<()> {
        // A command line can be read by everybody on the machine, a header file cannot.
        let header = lab.folder().join("header");
        fs::write(&header, format!("Authorization: Bearer {token}\n"))?;
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--header"]);
        curl.arg(format!("@{}", header.display())).arg(API);
        self.enter(lab, way, &mut curl);
        let answer = process::read(&mut curl, LIMIT, self.log).context("calling the API")?;
        let answer: Value = serde_json::from_str(&answer).context("the API answers in JSON")?;
        ensure!(
            answer["user"] == USER,
            "the API takes the user for {}",
            answer["user"]
        );
        Ok(())
    }

    fn enter(&self, lab: &Lab, way: Way, command: &mut Command) {
        lab.enter(command);
        self.domain.enter(command);
        if let Way::Direct = way {
            command.env_remove("HTTPS_PROXY").env_remove("https_proxy");
        }
    }
}
