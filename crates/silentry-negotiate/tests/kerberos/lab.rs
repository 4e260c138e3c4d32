//! A KDC for a test, and this crate's calls in a child process that knows only that KDC.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use silentry_lab::kdc::{Kdc, KdcConfig, Realm, Service, User};
use silentry_lab::kerberos::acceptor::{Accepted, Acceptor, Refusal};
use silentry_lab::kerberos::ccache::Ccache;
use silentry_lab::kerberos::keytab::{Keytab, KeytabEntry};
use silentry_lab::kerberos::{Etype, Key, Principal};
use silentry_negotiate::{
    ChannelBinding, Context, Credentials, Negotiator, ServicePrincipal, Step,
};
use tokio::runtime::Runtime;

pub(crate) const PASSWORD: &str = "Passw0rd!";
pub(crate) const STS: &str = "HTTP/sts.contoso.test";
/// A service whose host is in another domain than its realm, as federation services mostly are.
pub(crate) const ELSEWHERE: &str = "HTTP/sts.fabrikam.test";
/// A service of the trusted realm that nobody finds by guessing a realm from the host's domain.
pub(crate) const TRUSTED: &str = "HTTP/sts.northwind.test";

/// Alice's realm with AD FS, and a realm that it trusts.
pub(crate) fn contoso() -> Realm {
    Realm::new("CONTOSO.TEST")
        .with_user(User::new("alice", PASSWORD))
        .with_service(Service::new(STS))
        .with_service(Service::new("HTTP/old.contoso.test").rc4_only())
        .with_service(Service::new(ELSEWHERE))
}

pub(crate) struct Lab {
    kdc: Option<Kdc>,
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl Lab {
    pub(crate) fn start() -> Lab {
        Lab::of(contoso())
    }

    pub(crate) fn of(contoso: Realm) -> Lab {
        let resource = Realm::new("RESOURCE.TEST")
            .with_service(Service::new("HTTP/sts.resource.test"))
            .with_service(Service::new(TRUSTED));
        let config =
            KdcConfig::new([contoso, resource]).with_trust("CONTOSO.TEST", "RESOURCE.TEST");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let kdc = Some(runtime.block_on(Kdc::start(config)).unwrap());
        let lab = Lab {
            kdc,
            folder: tempfile::tempdir().unwrap(),
            runtime,
        };
        lab.configure(str::to_owned);
        lab
    }

    pub(crate) fn kdc(&self) -> &Kdc {
        self.kdc.as_ref().unwrap()
    }

    /// Lets the KDC's ports refuse connections from now on.
    pub(crate) fn stop(&mut self) {
        let kdc = self.kdc.take();
        self.runtime.block_on(async { drop(kdc) });
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the `krb5.conf` of the child processes.
    pub(crate) fn configure(&self, change: impl FnOnce(&str) -> String) {
        fs::write(self.path("krb5.conf"), change(&self.kdc().krb5_conf())).unwrap();
    }

    /// Writes alice's ccache: the ticket-granting ticket and tickets for these services.
    pub(crate) fn ccache(&self, spns: &[&str]) -> String {
        self.write(&self.kdc().ccache("alice", spns).unwrap())
    }

    /// Writes alice's ccache with tickets of another time, in minutes from now.
    pub(crate) fn ccache_valid(&self, from: i64, until: i64) -> String {
        let at = |minutes: i64| {
            let distance = Duration::from_secs(60 * minutes.unsigned_abs());
            let now = SystemTime::now();
            if minutes < 0 {
                now - distance
            } else {
                now + distance
            }
        };
        self.write(
            &self
                .kdc()
                .ccache_valid("alice", &[STS], at(from)..at(until))
                .unwrap(),
        )
    }

    fn write(&self, ccache: &Ccache) -> String {
        let path = self.path("ccache");
        ccache.write(&path).unwrap();
        format!("FILE:{}", path.display())
    }

    /// Writes alice's keytab for a password.
    pub(crate) fn keytab(&self, password: &str) -> PathBuf {
        let key = Key::from_password(Etype::Aes256, password, "CONTOSO.TESTalice");
        let alice = Principal::parse("alice@CONTOSO.TEST").unwrap();
        let path = self.path("alice.keytab");
        let entry = KeytabEntry::new(alice, 1, &key, SystemTime::now());
        Keytab::new([entry]).write(&path).unwrap();
        path
    }

    /// Checks a token as AD FS would.
    pub(crate) fn accept(&self, token: &[u8], binding: Option<&[u8]>) -> Result<Accepted, Refusal> {
        let spns = [STS, ELSEWHERE, TRUSTED, "HTTP/sts.resource.test"];
        let keytab = spns.iter().map(|spn| self.kdc().keytab(spn).unwrap());
        let keytab = keytab.reduce(Keytab::merged).unwrap();
        Acceptor::new(keytab).accept(token, binding, SystemTime::now())
    }

    /// Asks for a token in a child process, as the user whose login has the default ccache.
    pub(crate) fn ask(&self, spn: &str) -> Question<'_> {
        Question {
            lab: self,
            settings: vec![("SPN", spn.to_owned())],
            login: Some(format!("FILE:{}", self.path("ccache").display())),
            uid: None,
            program: None,
        }
    }
}

/// A question to a child process.
pub(crate) struct Question<'a> {
    lab: &'a Lab,
    settings: Vec<(&'static str, String)>,
    /// The ccache of the login by `KRB5CCNAME`.
    login: Option<String>,
    uid: Option<u32>,
    /// Another copy of this program.
    program: Option<PathBuf>,
}

/// What the child got.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Who is signed in, or the error's code.
    pub(crate) user: Result<String, String>,
    /// The token, or the error's code and text.
    pub(crate) token: Result<Vec<u8>, (String, String)>,
    /// What followed from the server's answer: a token, or the error's code.
    pub(crate) step: Option<Result<Vec<u8>, String>>,
    /// How long the call for the token took.
    pub(crate) took: Duration,
}

impl Question<'_> {
    /// Names the ccache, instead of leaving it to `KRB5CCNAME`.
    pub(crate) fn with_ccache(self, name: &str) -> Self {
        self.with("CCACHE", name)
    }

    /// Names the ccache of the login in the environment.
    pub(crate) fn with_login_ccache(mut self, name: &str) -> Self {
        self.login = Some(name.to_owned());
        self
    }

    /// Leaves the ccache of the login to krb5.conf.
    pub(crate) fn without_login_ccache(mut self) -> Self {
        self.login = None;
        self
    }

    /// Asks as another user, which root alone can.
    pub(crate) fn run_by(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    pub(crate) fn with_program(mut self, copy: &std::path::Path) -> Self {
        self.program = Some(copy.to_owned());
        self
    }

    pub(crate) fn with_keytab(self, path: &std::path::Path) -> Self {
        self.with("KEYTAB", path.to_str().unwrap())
    }

    pub(crate) fn with_library(self, library: &str) -> Self {
        self.with("LIBRARY", library)
    }

    pub(crate) fn with_binding(self, leaf: &std::path::Path) -> Self {
        self.with("LEAF", leaf.to_str().unwrap())
    }

    pub(crate) fn with_timeout(self, timeout: Duration) -> Self {
        self.with("MILLISECONDS", &timeout.as_millis().to_string())
    }

    /// Passes the server's answer on to the context.
    pub(crate) fn with_answer(self, token: &[u8]) -> Self {
        self.with("ANSWER", &STANDARD.encode(token))
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    pub(crate) fn run(self) -> Answer {
        let this = || std::env::current_exe().unwrap();
        let mut command = Command::new(self.program.unwrap_or_else(this));
        command.args(["--exact", "lab::child", "--ignored", "--nocapture"]);
        // A ccache without a ticket can make a library ask for a password on the terminal.
        command.env_clear().stdin(Stdio::null());
        command.env("HOME", self.lab.folder.path());
        command.env("KRB5_CONFIG", self.lab.path("krb5.conf"));
        command.envs(self.login.map(|name| ("KRB5CCNAME", name)));
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        command.envs(self.settings);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        // A thread left behind in the library must not spoil the end of the process either.
        assert!(
            output.status.success(),
            "{}: {said}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        let value = |name: &str| {
            let line = said
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            line.map(str::to_owned)
        };
        let must = |name| value(name).unwrap_or_else(|| panic!("no {name} in {said}"));
        Answer {
            user: value("user").ok_or_else(|| must("user-error")),
            token: value("token")
                .map(|token| STANDARD.decode(token).unwrap())
                .ok_or_else(|| (must("code"), must("text"))),
            step: (value("step").map(|token| Ok(STANDARD.decode(token).unwrap())))
                .or_else(|| value("step-error").map(Err)),
            took: Duration::from_millis(must("took").parse().unwrap()),
        }
    }

    /// Returns the code and the text of the error that must come.
    pub(crate) fn error(self) -> (String, String) {
        self.run()
            .token
            .expect_err("a token, where none should be had")
    }
}

#[test]
#[ignore = "run by the other tests in a process of its own"]
fn child() {
    let setting = |name| std::env::var(name).ok();
    let mut negotiator = Negotiator::new();
    if let Some(name) = setting("CCACHE") {
        negotiator = negotiator.with_credentials(Credentials::ccache(name));
    }
    if let Some(path) = setting("KEYTAB") {
        negotiator = negotiator.with_credentials(Credentials::keytab(path));
    }
    if let Some(path) = setting("LIBRARY") {
        negotiator = negotiator.with_library(path);
    }
    if let Some(milliseconds) = setting("MILLISECONDS") {
        let timeout = Duration::from_millis(milliseconds.parse().unwrap());
        negotiator = negotiator.with_timeout(timeout);
    }
    negotiator = negotiator.with_ntlm_allowed(setting("NTLM_ALLOWED").is_some());
    let binding = setting("LEAF").map(|path| {
        let leaf = fs::read(path).unwrap();
        ChannelBinding::tls_server_end_point(&leaf).unwrap()
    });
    let principal: ServicePrincipal = setting("SPN").unwrap().parse().unwrap();

    println!();
    match negotiator.signed_in_user() {
        Ok(user) => println!("user={} of {}", user.principal(), user.realm()),
        Err(error) => println!("user-error={}", error.code()),
    }
    let begun = Instant::now();
    let initiated = negotiator.initiate(&principal, binding.as_ref());
    let took = begun.elapsed();
    match initiated {
        Ok((context, token)) => {
            println!("token={}", STANDARD.encode(token.as_bytes()));
            if let Some(answer) = setting("ANSWER") {
                pass_on(context, &STANDARD.decode(answer).unwrap());
            }
        }
        Err(error) => println!("code={}\ntext={error}", error.code()),
    }
    println!("took={}", took.as_millis());
}

fn pass_on(mut context: Context, answer: &[u8]) {
    match context.step(answer) {
        Ok(Step::Send(token)) => println!("step={}", STANDARD.encode(token.as_bytes())),
        Ok(Step::Done) => println!("step="),
        Err(error) => println!("step-error={}", error.code()),
    }
}
