//! Proxies between us and the world: squid in front of the lab, and `NO_PROXY` as people have it.
//!
//! The real names lead to the lab's port 443 on the loopback address, so that squid finds it like any
//! server, and so does a program that goes past squid.

mod squid;

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::squid::{Service, Squid, Wants};
use super::{Ground, Part, Rows, Table};
use crate::lab::Lab;
use crate::namespace;

pub(super) const PART: Part = Part {
    name: "proxies",
    packages: &[("squid", "a proxy that demands Negotiate")],
    prepare: |_| Ok(()),
    run,
};

/// The servers of a sign-in, and squid by the name that the KDC knows and by one that it does not.
const NAMES: &str =
    "login.microsoftonline.com sts.contoso.test proxy.contoso.test alias.contoso.test";
const SERVICE: &str = "HTTP/proxy.contoso.test";
const OTHER_SERVICE: &str = "HTTP/other.contoso.test";
const PROXY: &str = "http://proxy.contoso.test:3128";

const ENTRA: &str = "login.microsoftonline.com:443";
const ADFS: &str = "sts.contoso.test:443";

/// Lists that exempt the federation server and nothing else.
const EXEMPTING_ADFS: [&str; 7] = [
    "contoso.test",
    ".contoso.test",
    "*.contoso.test",
    "localhost,127.0.0.0/8, STS.Contoso.test",
    "localhost sts.contoso.test",
    "sts.contoso.test:443",
    "10.0.0.0/8,.contoso.test:443,",
];

/// Lists that exempt neither.
const EXEMPTING_NOBODY: [&str; 4] = [
    "toso.test",
    "sts.contoso.test:8443",
    // The names lead there, but are not looked up for it.
    "127.0.0.1,127.0.0.0/8",
    "www.contoso.test",
];

/// The proxy as people write it.
const SPELLINGS: [&str; 4] = [
    "http://proxy.contoso.test:3128/",
    "proxy.contoso.test:3128",
    "proxy.contoso.test:3128/",
    "HTTP://Proxy.Contoso.Test:3128",
];

struct Test<'g> {
    ground: &'g Ground,
    lab: Lab,
}

fn run(ground: &Ground) -> Result<Rows> {
    namespace::name_loopback(NAMES, &ground.folder, &ground.log)?;
    let test = Test::start(ground)?;
    let version = squid::version(ground)?;
    let squid = ("squid", version.as_str());
    let mut rows = Rows::default();
    let mut works = |what: &str, outcome| rows.works(Table::Proxies, squid, what, outcome);
    works(
        "demands Negotiate: the ticket, from the second CONNECT on",
        test.negotiate(),
    );
    works(
        "offers Negotiate and Basic: the ticket",
        test.negotiate_or_basic(),
    );
    works(
        "demands Negotiate, named by an alias whose principal `--proxy-spn` names: the ticket",
        test.alias_with_spn(),
    );
    works("demands Basic: the credentials of its URL", test.basic());
    works(
        "named without scheme, with a slash, in capitals",
        test.spellings(),
    );
    works(
        "`NO_PROXY`, in seven ways, leads past it to AD FS",
        test.exempting(&EXEMPTING_ADFS, &[ENTRA]),
    );
    works(
        "`NO_PROXY` that means others leads nowhere else",
        test.exempting(&EXEMPTING_NOBODY, &[ENTRA, ADFS]),
    );
    works(
        "`NO_PROXY=*` leads past it",
        test.exempting(&["*", "localhost, *"], &[]),
    );
    works(
        "variables in both cases: the lower one counts",
        test.both_cases(),
    );
    let mut cannot = |what: &str, why: &str, seen| {
        rows.cannot_work(Table::Proxies, squid, what, why, seen);
    };
    cannot(
        "demands Negotiate, named by an alias",
        "the KDC has no service of that name: `proxy_ticket_unavailable`",
        test.alias(),
    );
    cannot(
        "demands Negotiate, with the key of another service",
        "squid cannot open the ticket: `proxy_ticket_refused`",
        test.wrong_key(),
    );
    cannot(
        "demands NTLM",
        "NTLM is never spoken: `proxy_scheme_not_supported`",
        test.ntlm(),
    );
    Ok(rows)
}

impl<'g> Test<'g> {
    fn start(ground: &'g Ground) -> Result<Self> {
        let folder = ground.folder.join("lab");
        let registered = |spn| {
            let Service { spn, keytab } = service(ground, spn);
            format!("{spn}={}", keytab.display())
        };
        let lab = Lab::start(
            &ground.programs.join("silentry-lab"),
            &folder,
            [
                "--listen",
                "127.0.0.1:443",
                "--service",
                &registered(SERVICE),
                "--service",
                &registered(OTHER_SERVICE),
            ],
            &ground.log,
        )?;
        Ok(Self { ground, lab })
    }

    fn squid(&self, wants: Wants) -> Result<Squid> {
        let service = service(self.ground, SERVICE);
        Squid::start(self.ground, &self.lab, &service, wants)
    }

    fn negotiate(&self) -> Result<()> {
        let squid = self.squid(Wants::Negotiate)?;
        self.signs_in(&[("HTTPS_PROXY", PROXY)])?;
        squid.served(&[&denied(ENTRA), &tunnel(ENTRA), &tunnel(ADFS)])
    }

    fn negotiate_or_basic(&self) -> Result<()> {
        let squid = self.squid(Wants::NegotiateOrBasic)?;
        self.signs_in(&[("HTTPS_PROXY", PROXY)])?;
        squid.served(&[&denied(ENTRA), &tunnel(ENTRA), &tunnel(ADFS)])
    }

    fn basic(&self) -> Result<()> {
        let squid = self.squid(Wants::Basic)?;
        let url = |password: &str| format!("http://alice:{password}@proxy.contoso.test:3128");
        self.signs_in(&[("HTTPS_PROXY", &url(squid::PASSWORD))])?;
        let by_name = |origin| format!("200 CONNECT {origin} alice");
        squid.served(&[&by_name(ENTRA), &by_name(ADFS)])?;
        self.fails(&[("HTTPS_PROXY", &url("wrong"))], "proxy_refused", "407")?;
        self.fails(
            &[("HTTPS_PROXY", PROXY)],
            "proxy_refused",
            "asks for credentials",
        )
    }

    fn spellings(&self) -> Result<()> {
        for spelling in SPELLINGS {
            let squid = self.squid(Wants::Negotiate)?;
            let tried = self.signs_in(&[("https_proxy", spelling)]);
            tried.with_context(|| format!("https_proxy={spelling}"))?;
            squid.served(&[&denied(ENTRA), &tunnel(ENTRA), &tunnel(ADFS)])?;
        }
        Ok(())
    }

    /// Signs in with each list; `through` is what squid must have seen, and nothing else.
    fn exempting(&self, lists: &[&str], through: &[&str]) -> Result<()> {
        for list in lists {
            let squid = self.squid(Wants::Nothing)?;
            self.signs_in(&[("HTTPS_PROXY", PROXY), ("NO_PROXY", list)])
                .and_then(|()| {
                    let expected: Vec<_> = through.iter().map(|origin| anybody(origin)).collect();
                    squid.served(&expected.iter().map(String::as_str).collect::<Vec<_>>())
                })
                .with_context(|| format!("NO_PROXY={list}"))?;
        }
        Ok(())
    }

    fn both_cases(&self) -> Result<()> {
        let squid = self.squid(Wants::Nothing)?;
        self.signs_in(&[
            ("https_proxy", PROXY),
            ("HTTPS_PROXY", "http://127.0.0.1:1"),
            ("no_proxy", "sts.contoso.test"),
            ("NO_PROXY", "*"),
        ])?;
        squid.served(&[&anybody(ENTRA)])
    }

    fn alias(&self) -> Result<()> {
        let _squid = self.squid(Wants::Negotiate)?;
        self.fails(
            &[("HTTPS_PROXY", "http://alias.contoso.test:3128")],
            "proxy_ticket_unavailable",
            "no account has the service principal HTTP/alias.contoso.test",
        )
    }

    fn alias_with_spn(&self) -> Result<()> {
        let squid = self.squid(Wants::Negotiate)?;
        self.signs_in(&[
            ("HTTPS_PROXY", "http://alias.contoso.test:3128"),
            ("SILENTRY_PROXY_SPN", SERVICE),
        ])?;
        squid.served(&[&denied(ENTRA), &tunnel(ENTRA), &tunnel(ADFS)])
    }

    fn wrong_key(&self) -> Result<()> {
        let other = service(self.ground, OTHER_SERVICE);
        let squid = Squid::start(self.ground, &self.lab, &other, Wants::Negotiate)?;
        let proxy = [("HTTPS_PROXY", PROXY)];
        self.fails(&proxy, "proxy_ticket_refused", "proxy.contoso.test")?;
        squid.served(&[&denied(ENTRA), &denied(ENTRA)])
    }

    fn ntlm(&self) -> Result<()> {
        let squid = self.squid(Wants::Ntlm)?;
        let proxy = [("HTTPS_PROXY", PROXY)];
        self.fails(&proxy, "proxy_scheme_not_supported", "wants NTLM")?;
        squid.served(&[&denied(ENTRA)])
    }

    fn signs_in(&self, proxy: &[(&str, &str)]) -> Result<()> {
        let answer = self.ground.read(&mut self.silentry(proxy))?;
        let answer: Value = serde_json::from_str(&answer)?;
        ensure!(answer["username"] == "alice@contoso.test", "{answer}");
        Ok(())
    }

    fn fails(&self, proxy: &[(&str, &str)], code: &str, message: &str) -> Result<()> {
        let output = self.silentry(proxy).stdin(Stdio::null()).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        let failure: Value = serde_json::from_str(&told).with_context(|| told.to_string())?;
        ensure!(failure["error"] == code, "{failure}");
        let said = failure["message"].as_str().unwrap_or_default();
        ensure!(said.contains(message), "{failure}");
        Ok(())
    }

    /// Returns `silentry token` with nothing of the lab's proxy.
    fn silentry(&self, proxy: &[(&str, &str)]) -> Command {
        let mut silentry = self.ground.silentry();
        silentry.args(["token", "--mode", "iwa", "--output", "json"]);
        self.lab.enter(&mut silentry);
        silentry.env_remove("HTTPS_PROXY").env_remove("https_proxy");
        silentry.envs(proxy.iter().copied());
        silentry
    }
}

fn service(ground: &Ground, spn: &'static str) -> Service {
    let keytab = ground.folder.join(spn.replace('/', "_"));
    Service { spn, keytab }
}

/// squid's lines: the status, the request, and who it was.
fn denied(origin: &str) -> String {
    format!("407 CONNECT {origin} -")
}

fn tunnel(origin: &str) -> String {
    format!("200 CONNECT {origin} alice@CORP.CONTOSO.TEST")
}

fn anybody(origin: &str) -> String {
    format!("200 CONNECT {origin} -")
}
