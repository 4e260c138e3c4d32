use std::fs;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use silentry_lab::kdc::{Kdc, KdcConfig, KdcError, Outcome, Realm, Service, User};

pub(crate) const STS: &str = "HTTP/sts.contoso.test";
pub(crate) const PASSWORD: &str = "Passw0rd!";

/// No command here takes a second unless something is wrong.
const DEADLINE: &str = "30";

pub(crate) struct Lab {
    pub(crate) kdc: Kdc,
    folder: tempfile::TempDir,
    _runtime: tokio::runtime::Runtime,
}

struct Said {
    success: bool,
    text: String,
}

impl Lab {
    pub(crate) fn start() -> Self {
        Self::of(contoso())
    }

    pub(crate) fn of(contoso: Realm) -> Self {
        let fabrikam = Realm::new("FABRIKAM.TEST")
            .with_user(User::new("bob", PASSWORD).with_alias("bob@fabrikam.com"))
            .with_service(Service::new("HTTP/sts.fabrikam.test"));
        let config =
            KdcConfig::new([contoso, fabrikam]).with_trust("CONTOSO.TEST", "FABRIKAM.TEST");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let kdc = runtime.block_on(Kdc::start(config)).unwrap();
        let lab = Self {
            kdc,
            folder: tempfile::tempdir().unwrap(),
            _runtime: runtime,
        };
        lab.configure("");
        lab
    }

    /// Writes the KDC's `krb5.conf` with more lines in `[libdefaults]`.
    pub(crate) fn configure(&self, settings: &str) {
        let libdefaults = format!("[libdefaults]\n{settings}\n");
        let text = self
            .kdc
            .krb5_conf()
            .replacen("[libdefaults]\n", &libdefaults, 1);
        fs::write(self.path("krb5.conf"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, program: &str, package: &str) -> Command {
        let path = std::env::var_os("PATH").unwrap();
        let there = std::env::split_paths(&path).any(|folder| folder.join(program).exists());
        assert!(
            there,
            "no `{program}` here: install the Debian package {package}"
        );
        let mut command = Command::new("timeout");
        command.arg(DEADLINE).arg(program).env_clear();
        command
            .env("PATH", &path)
            .env("LC_ALL", "C")
            .env("HOME", self.folder.path());
        command.env("KRB5_CONFIG", self.path("krb5.conf"));
        command.env(
            "KRB5CCNAME",
            format!("FILE:{}", self.path("ccache").display()),
        );
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, line: &str, input: &str) -> Said {
        let mut words = line.split(' ');
        let mut command = self.command(words.next().unwrap(), "krb5-user");
        let mut child = command.args(words).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        Said {
            success: output.status.success(),
            text,
        }
    }

    pub(crate) fn succeed(&self, line: &str, input: &str) -> String {
        let said = self.run(line, input);
        assert!(said.success, "{line}: {}\n{:?}", said.text, self.kdc.log());
        said.text
    }

    pub(crate) fn fail(&self, line: &str, input: &str) -> String {
        let said = self.run(line, input);
        assert!(!said.success, "{line} succeeds: {}", said.text);
        said.text
    }

    pub(crate) fn kinit(&self) {
        self.succeed("kinit alice", &format!("{PASSWORD}\n"));
    }

    pub(crate) fn refused(&self, error: KdcError) -> bool {
        self.kdc
            .log()
            .iter()
            .any(|asked| asked.outcome == Outcome::Refused(error))
    }
}

pub(crate) fn contoso() -> Realm {
    Realm::new("CONTOSO.TEST")
        .with_user(User::new("alice", PASSWORD).with_alias("alice@contoso.com"))
        .with_service(Service::new(STS))
        .with_service(Service::new("HTTP/localhost"))
        .with_service(Service::new("HTTP/old.contoso.test").rc4_only())
}

pub(crate) fn contains(text: &str, part: &str) {
    assert!(text.contains(part), "no `{part}` in: {text}");
}
