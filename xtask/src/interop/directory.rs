//! The UPN from Active Directory: Samba's, which refuses binds that do not sign.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{Ground, Part, Preparation, Rows, Table};
use crate::domain::samba::{Domain, PASSWORD};
use crate::lab::Lab;
use crate::namespace;

pub(super) const PART: Part = Part {
    name: "directory",
    packages: &[("ldap-utils", "a stranger that binds without signing")],
    prepare,
    run,
};

const CONTROLLER: &str = "dc1.corp.contoso.test";
/// The domain controller finds itself by these; so does who looks for one.
const NAMES: &str = "dc1.corp.contoso.test corp.contoso.test";
/// `strongerAuthRequired` (RFC 4511 4.1.9), which ldapsearch ends with.
const STRONGER_AUTH_REQUIRED: i32 = 8;
/// A directory that says nothing may cost this, with the rest of a sign-in.
const PATIENCE: Duration = Duration::from_secs(5);

fn prepare(_: &Preparation) -> Result<()> {
    Ok(())
}

fn run(ground: &Ground) -> Result<Rows> {
    namespace::name_loopback(NAMES, &ground.folder, &ground.log)?;
    let domain = Domain::create(&ground.folder.join("samba"), &ground.log)?;
    domain.add_user("erin", Some("erin@corp.internal"))?;
    domain.set("erin", "mail", "erin@contoso.test")?;
    domain.add_user("judy", None)?;
    let _controller = domain.start_controller()?;
    let keytab = domain.keytab();
    let lab = Lab::start(
        &ground.programs.join("silentry-lab"),
        &ground.folder.join("lab"),
        ["--keytab".as_ref(), keytab.as_os_str()],
        &ground.log,
    )?;
    let meeting = Meeting {
        ground,
        domain: &domain,
        lab: &lab,
    };
    meeting.rows()
}

struct Meeting<'a> {
    ground: &'a Ground,
    domain: &'a Domain,
    lab: &'a Lab,
}

/// What `silentry token` came to.
struct SignIn {
    answer: Value,
    took: Duration,
}

impl Meeting<'_> {
    fn rows(&self) -> Result<Rows> {
        let version = self.ground.read(Command::new("samba").arg("--version"))?;
        let version = version.trim().trim_start_matches("Version ").to_owned();
        let samba = ("Samba AD", version.as_str());
        let mut rows = Rows::default();
        let mut works = |what, outcome| rows.works(Table::Directories, samba, what, outcome);

        works(
            "UPN suffix that is neither the realm nor the tenant's domain",
            self.suffix(&[]),
        );
        works(
            "the same through Heimdal's GSSAPI library",
            self.suffix(&["--gssapi-library", "libgssapi.so.3"]),
        );
        works(
            "the same, asking a domain controller by name",
            self.suffix(&["--directory", CONTROLLER]),
        );
        works("alternate login id in `mail`", self.alternate_id());
        works("NetBIOS name, `CONTOSO\\alice`", self.netbios_name());
        works(
            "another user's NetBIOS name or alternate login id gives no token",
            self.another_user(),
        );
        works(
            "account without a UPN has the implicit one",
            self.implicit_upn(),
        );
        works(
            "a guess that leads to AD FS asks no directory",
            self.no_question(),
        );
        works(
            "a directory that never answers delays a sign-in by two seconds",
            self.silence(),
        );
        rows.cannot_work(
            Table::Directories,
            samba,
            "NetBIOS name of a domain that the forest does not have",
            "nobody can tell who that is; Silentry says so",
            self.foreign_netbios_name(),
        );
        rows.cannot_work(
            Table::Directories,
            ("ldapsearch", &self.version_of_ldapsearch()?),
            "bind with a password that signs nothing",
            "a domain controller refuses binds that do not sign (strongerAuthRequired): that ours is \
             accepted shows that we sign",
            self.unsigned_bind(),
        );
        Ok(rows)
    }

    /// Without the tenant's domain there is no guess but the realm, of which Entra knows nothing.
    fn suffix(&self, arguments: &[&str]) -> Result<()> {
        self.domain.sign_in("alice")?;
        let tenant = ["--tenant", "organizations"];
        self.signs_in_as("alice@contoso.test", &[&tenant, arguments].concat())?;
        self.has_ticket_of_directory(true)
    }

    fn alternate_id(&self) -> Result<()> {
        self.domain.sign_in("erin")?;
        let tenant = ["--tenant", "organizations"];
        let by_upn = self.silentry(&tenant)?;
        ensure!(
            told(&by_upn.answer).contains("erin@corp.internal"),
            "by the UPN itself: {}",
            by_upn.answer
        );
        let attribute = ["--upn-attribute", "mail"];
        self.signs_in_as("erin@contoso.test", &[tenant, attribute].concat())?;
        Ok(())
    }

    fn netbios_name(&self) -> Result<()> {
        self.domain.sign_in("alice")?;
        self.signs_in_as("alice@contoso.test", &["--username", "CONTOSO\\alice"])?;
        Ok(())
    }

    /// The directory tells whom the names mean, and the ticket is somebody else's.
    fn another_user(&self) -> Result<()> {
        self.domain.sign_in("alice")?;
        for name in ["CONTOSO\\erin", "erin@contoso.test"] {
            let arguments = ["--username", name, "--upn-attribute", "mail"];
            let answer = self.silentry(&arguments)?.answer;
            ensure!(answer["error"] == "user_mismatch", "{name}: {answer}");
            ensure!(told(&answer).contains("alice@contoso.test"), "{answer}");
        }
        self.domain.sign_in("erin")?;
        let own = ["--username", "CONTOSO\\erin", "--upn-attribute", "mail"];
        self.signs_in_as("erin@contoso.test", &own)?;
        Ok(())
    }

    fn foreign_netbios_name(&self) -> Result<()> {
        self.domain.sign_in("alice")?;
        let answer = self.silentry(&["--username", "FABRIKAM\\alice"])?.answer;
        ensure!(answer["error"] == "invalid_username", "{answer}");
        ensure!(
            told(&answer).contains("the forest has no domain FABRIKAM"),
            "{answer}"
        );
        Ok(())
    }

    /// Entra knows no user by it in this lab, so only the tenant's domain leads further.
    fn implicit_upn(&self) -> Result<()> {
        self.domain.sign_in("judy")?;
        let by_account = ["--username", "CONTOSO\\judy"];
        let answer = self.silentry(&by_account)?.answer;
        ensure!(told(&answer).contains("judy@corp.contoso.test"), "{answer}");
        self.signs_in_as("judy@contoso.test", &["--directory", CONTROLLER])?;
        Ok(())
    }

    fn no_question(&self) -> Result<()> {
        self.domain.sign_in("alice")?;
        self.signs_in_as("alice@contoso.test", &[])?;
        self.has_ticket_of_directory(false)
    }

    fn silence(&self) -> Result<()> {
        self.domain.sign_in("alice")?;
        let silent = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("{CONTROLLER}:{}", silent.local_addr()?.port());
        let sign_in = self.signs_in_as("alice@contoso.test", &["--directory", &address])?;
        ensure!(sign_in.took < PATIENCE, "it took {:?}", sign_in.took);
        Ok(())
    }

    fn unsigned_bind(&self) -> Result<()> {
        let mut ldapsearch = Command::new("ldapsearch");
        ldapsearch.args(["-x", "-H", &format!("ldap://{CONTROLLER}"), "-s", "base"]);
        ldapsearch.args(["-D", "alice@contoso.test", "-w", PASSWORD, "-b", ""]);
        let Output { status, stderr, .. } = ldapsearch.stdin(Stdio::null()).output()?;
        ensure!(
            status.code() == Some(STRONGER_AUTH_REQUIRED),
            "ldapsearch ended with {status}: {}",
            String::from_utf8_lossy(&stderr)
        );
        Ok(())
    }

    fn version_of_ldapsearch(&self) -> Result<String> {
        let output = Command::new("ldapsearch").arg("-VV").output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        // ldapsearch: @(#) $OpenLDAP: ldapsearch 2.5.13+dfsg-5 (Feb  8 2023 01:56:12) $
        let mut words = text
            .split_whitespace()
            .skip_while(|word| *word != "$OpenLDAP:");
        let version = words.nth(2).map(str::to_owned);
        version.with_context(|| format!("ldapsearch -VV says {text}"))
    }

    fn has_ticket_of_directory(&self, expected: bool) -> Result<()> {
        let tickets = self.domain.tickets()?;
        let found = tickets.contains(&format!("ldap/{CONTROLLER}"));
        ensure!(found == expected, "the tickets are {tickets}");
        Ok(())
    }

    fn signs_in_as(&self, upn: &str, arguments: &[&str]) -> Result<SignIn> {
        let sign_in = self.silentry(arguments)?;
        let SignIn { answer, .. } = &sign_in;
        ensure!(answer["username"] == upn, "{answer}");
        println!("{upn} with {arguments:?} in {:?}", sign_in.took);
        Ok(sign_in)
    }

    /// Gets a token, or the error object. What is returned, and may be shown, has no token in it.
    fn silentry(&self, arguments: &[&str]) -> Result<SignIn> {
        let mut silentry = self.ground.silentry();
        self.lab.enter(&mut silentry);
        self.domain.enter(&mut silentry);
        // The lab has no directory, but the domain has.
        silentry.env_remove("SILENTRY_DIRECTORY");
        silentry.args(["token", "--mode", "iwa", "--output", "json"]);
        silentry.args(arguments).stdin(Stdio::null());
        let begun = Instant::now();
        let output = silentry.output()?;
        let took = begun.elapsed();
        let said = if output.status.success() {
            &output.stdout
        } else {
            &output.stderr
        };
        let said = String::from_utf8_lossy(said);
        let mut answer: Value = serde_json::from_str(&said).context("silentry printed no JSON")?;
        if let Some(members) = answer.as_object_mut() {
            let token = members.remove("access_token");
            ensure!(
                token.is_some() == output.status.success(),
                "no token: {answer}"
            );
        }
        Ok(SignIn { answer, took })
    }
}

fn told(answer: &Value) -> &str {
    answer["message"].as_str().unwrap_or_default()
}
