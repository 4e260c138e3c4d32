//! The command inside a lab, with a home and a token cache of its own.

mod waiting;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use silentry_lab::{Lab, LabBuilder, Person};
use tempfile::TempDir;
use tokio::runtime::Runtime;

#[allow(unused_imports, reason = "each test file uses a part")]
pub(crate) use waiting::Waiting;

/// A lab, and a user's folder.
pub(crate) struct Place {
    pub(crate) lab: Lab,
    pub(crate) folder: TempDir,
    runtime: Runtime,
}

/// Federation metadata with one endpoint, for tickets.
#[allow(dead_code, reason = "each test file uses a part")]
pub(crate) fn metadata(address: &str) -> String {
    format!(
        "<wsdl:definitions xmlns:wsdl='http://schemas.xmlsoap.org/wsdl/' xmlns:soap12='http://schemas.xmlsoap.org/wsdl/soap12/' \
         xmlns:wsp='http://schemas.xmlsoap.org/ws/2004/09/policy' xmlns:http='http://schemas.microsoft.com/ws/06/2004/policy/http' \
         xmlns:wsu='http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd' \
         xmlns:wsa='http://www.w3.org/2005/08/addressing' xmlns:tns='urn:t' targetNamespace='urn:t'>\
         <wsp:Policy wsu:Id='p'><http:NegotiateAuthentication/></wsp:Policy>\
         <wsdl:binding name='b'><wsp:PolicyReference URI='#p'/>\
         <soap12:binding transport='http://schemas.xmlsoap.org/soap/http'/>\
         <wsdl:operation><soap12:operation soapAction='http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/Issue'/></wsdl:operation>\
         </wsdl:binding><wsdl:service><wsdl:port binding='tns:b'><wsa:EndpointReference>\
         <wsa:Address>{address}</wsa:Address>\
         </wsa:EndpointReference></wsdl:port></wsdl:service></wsdl:definitions>"
    )
}

/// What a run of the command came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[allow(dead_code, reason = "each test file uses a part")]
impl Place {
    pub(crate) fn new() -> Self {
        Self::of("default")
    }

    pub(crate) fn of(scenario: &str) -> Self {
        Self::with(Lab::builder().scenario(scenario))
    }

    pub(crate) fn with(lab: LabBuilder) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let lab = runtime.block_on(lab.start()).unwrap();
        Self {
            lab,
            folder: tempfile::tempdir().unwrap(),
            runtime,
        }
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("tokens.json")
    }

    /// The command, about to be run, with nothing of this machine's user in it.
    pub(crate) fn silentry<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command: Command = self.lab.command(assert_cmd::cargo::cargo_bin("silentry"));
        command
            .args(arguments)
            .env("HOME", self.folder.path())
            .env("SILENTRY_CACHE", self.cache())
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null());
        for name in [
            "XDG_CONFIG_HOME",
            "XDG_RUNTIME_DIR",
            "DBUS_SESSION_BUS_ADDRESS",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "BROWSER",
            "WSL_DISTRO_NAME",
            "LC_ALL",
            "LC_MESSAGES",
        ] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Said {
        self.silentry(arguments).output().unwrap().into()
    }

    /// Runs it without a ticket.
    pub(crate) fn run_without_ticket<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Said {
        let mut command = self.silentry(arguments);
        command.env("KRB5CCNAME", "FILE:/nonexistent/ccache");
        command.output().unwrap().into()
    }

    /// Runs it with the ticket of another user.
    pub(crate) fn run_as<A: AsRef<OsStr>>(&self, user: &str, arguments: &[A]) -> Said {
        let ccache = self.lab.ccache(user).unwrap();
        let mut command = self.silentry(arguments);
        command.env("KRB5CCNAME", format!("FILE:{}", ccache.display()));
        command.output().unwrap().into()
    }

    /// Runs it with this on its stdin.
    pub(crate) fn run_with<A: AsRef<OsStr>>(&self, arguments: &[A], stdin: &[u8]) -> Said {
        let file = self.folder.path().join("stdin");
        std::fs::write(&file, stdin).unwrap();
        let mut command = self.silentry(arguments);
        command.stdin(std::fs::File::open(&file).unwrap());
        command.output().unwrap().into()
    }

    /// Somebody goes to the page and signs in there; returns the problem that the page has.
    pub(crate) fn sign_in(&self, url: &str, person: &Person) -> Option<String> {
        let page = self
            .runtime
            .block_on(self.lab.browser().unwrap().sign_in(url, person));
        page.unwrap().problem().map(str::to_owned)
    }

    /// Runs what shows a device code, which this person enters.
    pub(crate) fn with_device_code<A: AsRef<OsStr>>(
        &self,
        arguments: &[A],
        person: Person,
    ) -> Said {
        const DEVICE_LOGIN: &str = "https://microsoft.com/devicelogin";
        let mut waiting = Waiting::start(self.silentry(arguments));
        let code = waiting.code();
        let problem = self.sign_in(DEVICE_LOGIN, &person.with_user_code(code));
        assert_eq!(problem, None);
        waiting.end()
    }

    /// Signs somebody in with a password, and keeps the tokens.
    pub(crate) fn login(&self, user: &str) {
        let user = silentry_lab::user(user).unwrap();
        let arguments = ["login", "--mode=password", "--password-stdin", "--username"];
        let arguments: Vec<_> = arguments.into_iter().chain([user.upn]).collect();
        self.run_with(&arguments, user.password.as_bytes()).ok();
    }
}

#[allow(dead_code, reason = "each test file uses a part")]
impl Said {
    /// What stands on stdout, when all went well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// The object on stdout.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    /// The error object on stderr.
    #[track_caller]
    pub(crate) fn error(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        assert!(self.stdout.is_empty(), "{}", self.stdout);
        let line = self.stderr.lines().rfind(|line| line.starts_with('{'));
        serde_json::from_str(line.unwrap_or_default()).unwrap()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Said {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
