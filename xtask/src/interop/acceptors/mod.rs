//! Web servers that check our tokens: Apache with mod_auth_gssapi, and two that demand a channel binding
//! as AD FS does, with MIT Kerberos and with gokrb5. xmlsec1 checks the assertion that a token earns.
//!
//! The client is the example `reqwest` of `silentry-negotiate`; curl, which binds its token to nothing, is
//! the counterpart that those two must refuse.

mod assertion;
mod servers;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use self::servers::{Server, Site};
use super::{Ground, Part, Preparation, Rows, Table};
use crate::lab::Lab;
use crate::namespace;
use crate::process;

pub(super) const PART: Part = Part {
    name: "acceptors",
    packages: &[
        ("apache2", "a web server that checks our tokens"),
        ("libapache2-mod-auth-gssapi", "Negotiate for Apache"),
        ("python3-gssapi", "an acceptor with MIT Kerberos"),
        ("golang-go", "an acceptor with gokrb5"),
        ("xmlsec1", "signatures of assertions"),
        ("openssl", "certificates of the acceptors"),
        ("curl", "a client that binds its tokens to nothing"),
    ],
    prepare,
    run,
};

const HOST: &str = "web.contoso.test";
const USER: &str = "alice@CORP.CONTOSO.TEST";

/// Builds our client, and the server in Go, whose modules are compared with `go.sum`.
fn prepare(preparation: &Preparation) -> Result<()> {
    let workspace = preparation.workspace;
    preparation.run(&mut workspace.cargo("build -p silentry-negotiate --example reqwest"))?;
    let example = workspace
        .target
        .join("debug")
        .join("examples")
        .join("reqwest");
    fs::copy(example, preparation.prepared.join("reqwest"))?;

    let sources = workspace.root.join("interop").join("acceptors");
    for name in ["mit.py", "rst.xml"] {
        fs::copy(sources.join(name), preparation.prepared.join(name))?;
    }
    let mut go = process::command("go build -o");
    go.arg(preparation.prepared.join("gokrb5")).arg(".");
    go.current_dir(sources.join("go"))
        .env("CGO_ENABLED", "0")
        .env("GOCACHE", preparation.prepared.join("cache"))
        .env("GOMODCACHE", preparation.prepared.join("modules"))
        // The modules stay deletable; the checkout around is not asked for its version.
        .env("GOFLAGS", "-modcacherw -mod=readonly -buildvcs=false")
        .env("GOTOOLCHAIN", "local");
    preparation.run(&mut go)
}

fn run(ground: &Ground) -> Result<Rows> {
    namespace::name_loopback(HOST, &ground.folder, &ground.log)?;
    let test = Test::start(ground)?;
    let mut rows = Rows::default();
    let apache = servers::apache_version(ground)?;
    rows.works(
        Table::Acceptors,
        ("Apache with mod_auth_gssapi", &apache),
        "the user, and the server proves itself",
        test.apache(),
    );
    let mit = servers::mit_version(ground)?;
    let demanding = [
        (
            Server::Mit,
            "MIT Kerberos (python-gssapi)",
            mit.as_str(),
            "Verified",
        ),
        (Server::Go, "gokrb5", servers::GOKRB5, "Absent"),
    ];
    for (server, who, version, proof) in demanding {
        let who = (who, version);
        let (right, wrong) = (test.bound(server, proof), test.bound_elsewhere(server));
        let mut works = |what: &str, outcome| rows.works(Table::Acceptors, who, what, outcome);
        works("demands a channel binding: ours is right", right);
        works(
            "demands a channel binding: curl, which sends none, is refused",
            test.unbound(server),
        );
        rows.cannot_work(
            Table::Acceptors,
            who,
            "demands the channel binding of another certificate, as behind TLS inspection",
            "the token is bound to the certificate that the client sees, and is refused",
            wrong,
        );
    }
    let xmlsec1 = ground.read(&mut process::command("xmlsec1 --version"))?;
    let version = xmlsec1.split_whitespace().nth(1).unwrap_or_default();
    for (scenario, saml) in [("default", "1.1"), ("saml2", "2.0")] {
        rows.works(
            Table::Acceptors,
            ("xmlsec1", version),
            &format!("the SAML {saml} assertion that the lab signs and Silentry forwards"),
            assertion::verifies(ground, scenario),
        );
    }
    Ok(rows)
}

struct Test<'g> {
    ground: &'g Ground,
    lab: Lab,
    site: Site,
}

impl<'g> Test<'g> {
    fn start(ground: &'g Ground) -> Result<Self> {
        let site = Site::create(ground, HOST)?;
        let service = format!("HTTP/{HOST}={}", site.keytab().display());
        let lab = Lab::start(
            &ground.programs.join("silentry-lab"),
            &ground.folder.join("lab"),
            ["--service", &service],
            &ground.log,
        )?;
        site.give_keys_away(ground, &lab)?;
        Ok(Self { ground, lab, site })
    }

    fn apache(&self) -> Result<()> {
        let _apache = self.site.start_apache()?;
        let said = self.client()?;
        ensure!(said.starts_with("200 OK Verified\n"), "{said}");
        let log = fs::read_to_string(self.site.file("access.log"))?;
        ensure!(log.contains(&format!("GET 200 {USER}\n")), "{log}");
        Ok(())
    }

    fn bound(&self, server: Server, proof: &str) -> Result<()> {
        let _server = self.site.start(self.ground, server, "web")?;
        let said = self.client()?;
        ensure!(
            said.starts_with(&format!("200 OK {proof}\n{USER}")),
            "{said}"
        );
        Ok(())
    }

    fn bound_elsewhere(&self, server: Server) -> Result<()> {
        let _server = self.site.start(self.ground, server, "inspector")?;
        if let Ok(said) = self.client() {
            bail!("accepted: {said}");
        }
        let why = self.site.said();
        ensure!(why.contains(server.wrong_binding()), "{why}");
        Ok(())
    }

    /// curl 7.88 knows no channel bindings.
    fn unbound(&self, server: Server) -> Result<()> {
        let _server = self.site.start(self.ground, server, "web")?;
        let mut curl = process::command("curl --silent --show-error --negotiate --user :");
        curl.arg(format!("https://{HOST}/"));
        self.enter(&mut curl);
        let said = self.ground.read(&mut curl)?;
        ensure!(said.contains("no channel binding"), "{said}");
        Ok(())
    }

    /// Asks for the page with our client; returns the status, the server's proof and the page.
    fn client(&self) -> Result<String> {
        let mut client = Command::new(self.ground.prepared.join("reqwest"));
        client.arg(format!("https://{HOST}/"));
        self.enter(&mut client);
        self.ground.read(&mut client).context("our client")
    }

    /// The lab's user and KDC, but neither its proxy nor its certificates.
    fn enter(&self, command: &mut Command) {
        self.lab.enter(command);
        command.env_remove("HTTPS_PROXY").env_remove("https_proxy");
        command.env("SSL_CERT_FILE", self.site.file("ca.pem"));
        command.env("CURL_CA_BUNDLE", self.site.file("ca.pem"));
    }
}
