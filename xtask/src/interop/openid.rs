//! An OpenID Connect server of others in place of Entra: the certified `oidc-provider`.
//!
//! `interop/openid` has the server and a person at a browser, and the example `openid` of the library signs in. The
//! library opens the system's browser as on any desktop: by `xdg-open`, which here starts the person.

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::clients::{self, prepare};
use super::{Ground, Part, Preparation, Rows, Table};
use crate::namespace;
use crate::process::{self, Answer, Running};

pub(super) const PART: Part = Part {
    name: "openid",
    packages: &[
        ("npm", "oidc-provider, and the Node that runs it"),
        ("openssl", "the certificate of the OpenID Connect server"),
    ],
    prepare: prepare_all,
    run,
};

const LIMIT: Duration = Duration::from_secs(60);
const HOST: &str = "id.contoso.test";
/// The same server by a name that it does not call itself.
const ALIAS: &str = "alias.contoso.test";
const ISSUER: &str = "https://id.contoso.test";
const USER: &str = "ana";

/// What the example prints when everything went well.
const SIGNED_IN: [&str; 3] = [
    "signed in: ana, IdentityProvider, ",
    "silent: ana, Cache, ",
    "renewed: ana, IdentityProvider, ",
];

fn prepare_all(preparation: &Preparation) -> Result<()> {
    prepare::once(preparation, "openid", prepare::npm)?;
    let workspace = preparation.workspace;
    preparation.run(&mut workspace.cargo("build --package silentry --example openid"))?;
    let built = workspace.target.join("debug/examples/openid");
    fs::copy(built, preparation.prepared.join("example"))?;
    Ok(())
}

fn run(ground: &Ground) -> Result<Rows> {
    namespace::name_loopback(&format!("{HOST} {ALIAS}"), &ground.folder, &ground.log)?;
    let test = Test::create(ground)?;
    let _server = test.start_server()?;
    let version = test.version()?;
    let server = ("oidc-provider", version.as_str());
    let mut rows = Rows::default();
    let mut works = |what: &str, outcome| rows.works(Table::Servers, server, what, outcome);
    works(
        "the browser: authorization code with PKCE, then the cache and the refresh token",
        test.browser(),
    );
    works(
        "a device code, then the cache and the refresh token",
        test.device_code(),
    );
    works("a person who cancels: `access_denied`", test.cancelled());
    rows.cannot_work(
        Table::Servers,
        server,
        "asked by another name than it calls itself",
        "the issuer is another: `authority_validation_failed`",
        test.by_another_name(),
    );
    Ok(rows)
}

struct Test<'g> {
    ground: &'g Ground,
    folder: PathBuf,
}

impl<'g> Test<'g> {
    /// Makes an authority, a certificate for both names, and the `xdg-open` that starts the person.
    fn create(ground: &'g Ground) -> Result<Self> {
        let folder = ground.folder.join("openid");
        fs::create_dir_all(&folder)?;
        let test = Self { ground, folder };
        test.openssl(
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=Authority \
             -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem",
        )?;
        test.openssl(&format!(
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN={HOST} \
             -CA ca.pem -CAkey ca.key -addext basicConstraints=critical,CA:FALSE \
             -addext subjectAltName=DNS:{HOST},DNS:{ALIAS} -addext extendedKeyUsage=serverAuth \
             -days 30 -keyout web.key -out web.pem"
        ))?;
        let open = test.folder.join("xdg-open");
        let (node, person) = (test.node(), test.script("person.js"));
        fs::write(
            &open,
            format!("#!/bin/sh\nexec {node} {} \"$1\"\n", person.display()),
        )?;
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755))?;
        Ok(test)
    }

    fn start_server(&self) -> Result<Running> {
        let log = File::create(self.folder.join("server.log"))?;
        let mut command = Command::new(self.node());
        command.arg(self.script("provider.js")).arg(ISSUER);
        command.args(["web.pem", "web.key"].map(|name| self.folder.join(name)));
        let mut server = Running(process::start(&mut command, log.try_clone()?.into(), &log)?);
        let answers = process::wait_until(LIMIT, || {
            server.check("oidc-provider").with_context(|| self.said())?;
            Ok(TcpStream::connect((HOST, 443)).is_ok())
        })?;
        ensure!(answers, "oidc-provider does not answer");
        Ok(server)
    }

    fn browser(&self) -> Result<()> {
        let answer = process::answer(&mut self.example(ISSUER, "browser"), LIMIT)?;
        self.signed_in(&String::from_utf8_lossy(&answer.stdout))
    }

    fn device_code(&self) -> Result<()> {
        let output = self.folder.join("device.out");
        let mut example = self.example(ISSUER, "device-code");
        let stdout = File::create(&output)?;
        let child = process::start(&mut example, stdout.into(), &self.ground.log)?;
        let mut waiting = Running(child);
        let mut shown = None;
        process::wait_until(LIMIT, || {
            waiting.check("the example")?;
            shown = shown_code(&fs::read_to_string(&output)?);
            Ok(shown.is_some())
        })?;
        let (page, code) = shown.context("no code was shown")?;
        let mut person = Command::new(self.node());
        person.arg(self.script("person.js")).arg(page);
        self.ground
            .run(self.at_home(&mut person).env("INTEROP_CODE", code))?;
        process::wait_until(LIMIT, || Ok(waiting.0.try_wait()?.is_some()))?;
        self.signed_in(&fs::read_to_string(&output)?)
    }

    fn cancelled(&self) -> Result<()> {
        let mut example = self.example(ISSUER, "browser");
        let answer = process::answer(example.env("INTEROP_CANCELS", "yes"), LIMIT)?;
        self.refused(&answer, "access_denied")
    }

    fn by_another_name(&self) -> Result<()> {
        let mut example = self.example(&format!("https://{ALIAS}"), "browser");
        let answer = process::answer(&mut example, LIMIT)?;
        self.refused(&answer, "authority_validation_failed")
    }

    fn signed_in(&self, printed: &str) -> Result<()> {
        let printed = printed
            .lines()
            .filter(|line| !line.starts_with("To sign in"));
        let lines: Vec<_> = printed.collect();
        let expected = lines.len() == SIGNED_IN.len()
            && lines
                .iter()
                .zip(SIGNED_IN)
                .all(|(line, start)| line.starts_with(start) && line.contains("offline_access"));
        ensure!(expected, "{lines:?}; the server: {}", self.said());
        Ok(())
    }

    fn refused(&self, answer: &Answer, code: &str) -> Result<()> {
        let said = String::from_utf8_lossy(&answer.stderr);
        let refused = !answer.status.success() && said.starts_with(&format!("{code}: "));
        ensure!(refused, "{said}; the server: {}", self.said());
        Ok(())
    }

    /// The program of a desktop user who trusts the authority.
    fn example(&self, issuer: &str, way: &str) -> Command {
        let mut example = Command::new(self.ground.prepared.join("example"));
        example.args([issuer, "silentry", way]);
        self.at_home(&mut example);
        example
    }

    fn at_home<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let authority = self.folder.join("ca.pem");
        command
            .env("DISPLAY", ":0")
            .env("PATH", format!("{}:/usr/bin:/bin", self.folder.display()))
            .env("SSL_CERT_FILE", &authority)
            .env("NODE_EXTRA_CA_CERTS", &authority)
            .env("INTEROP_USER", USER);
        for variable in [
            "HTTPS_PROXY",
            "https_proxy",
            "ALL_PROXY",
            "all_proxy",
            "SSL_CERT_DIR",
        ] {
            command.env_remove(variable);
        }
        command
    }

    fn version(&self) -> Result<String> {
        let package = self.script("node_modules/oidc-provider/package.json");
        let package: serde_json::Value = serde_json::from_slice(&fs::read(package)?)?;
        let version = package["version"].as_str().context("no version")?;
        let node = self
            .ground
            .read(Command::new(self.node()).arg("--version"))?;
        Ok(format!("{version}, Node {}", node.trim()))
    }

    fn node(&self) -> String {
        clients::node(&self.ground.prepared.join("openid"))
    }

    fn script(&self, name: &str) -> PathBuf {
        self.ground.prepared.join("openid").join(name)
    }

    /// What the server said.
    fn said(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    fn openssl(&self, line: &str) -> Result<()> {
        let mut openssl = process::command(&format!("openssl {line}"));
        self.ground.run(openssl.current_dir(&self.folder))
    }
}

/// Reads the address and the code from the sentence for the user.
fn shown_code(printed: &str) -> Option<(String, String)> {
    let (_, rest) = printed.split_once("open ")?;
    let (page, rest) = rest.split_once(" in a web browser and enter the code ")?;
    let (code, _) = rest.split_once(".\n")?;
    Some((page.to_owned(), code.to_owned()))
}
