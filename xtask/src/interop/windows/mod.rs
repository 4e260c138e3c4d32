//! The Windows programs: built here, run under Wine.
//!
//! Wine's SSPI hands Kerberos to the host's GSSAPI library, so the ticket of a Samba Active Directory goes through
//! `AcquireCredentialsHandleW` and `InitializeSecurityContextW` of the programs that ship.

mod build;
mod cases;
mod wine;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::build::Built;
use self::wine::{Said, Wine};
use super::{Ground, Part, Rows, Table};
use crate::domain::samba::Domain;
use crate::lab::Lab;
use crate::process::find;

pub(super) const PART: Part = Part {
    name: "windows",
    packages: &[
        ("wine", "runs Windows programs"),
        ("wine64", "runs Windows programs"),
    ],
    prepare: build::build,
    run,
};

const USER: &str = "alice@contoso.test";
const SERVICE: &str = "HTTP/sts.contoso.test";

fn run(ground: &Ground) -> Result<Rows> {
    let built = build::built(&ground.prepared)?;
    let test = Test {
        ground,
        wine: Wine::boot(ground, &built.random_library)?,
        built,
    };
    let mut rows = Rows::default();
    with_samba(&test, &mut rows)?;
    with_scenarios(&test, &mut rows);
    by_itself(&test, &mut rows);
    Ok(rows)
}

/// A ticket of a real Active Directory, through to a token.
fn with_samba(test: &Test, rows: &mut Rows) -> Result<()> {
    let domain = Domain::create(&test.ground.folder.join("samba"), &test.ground.log)?;
    let _controller = domain.start_controller()?;
    domain.sign_in("alice")?;
    let keytab = domain.keytab();
    let lab = test.lab("lab", [OsStr::new("--keytab"), keytab.as_os_str()])?;
    let place = Place {
        lab: &lab,
        domain: Some(&domain),
    };
    let samba = test.samba_version()?;
    let versions = format!("{}, {samba}", test.wine.version);
    let who = ("Wine with a ticket of Samba AD", versions.as_str());
    let works = |rows: &mut Rows, what, outcome| rows.works(Table::Windows, who, what, outcome);
    let cannot = |rows: &mut Rows, what, why, seen| {
        rows.cannot_work(Table::Windows, who, what, why, seen);
    };

    let token = cases::token_as_json(test, &place).and_then(|()| {
        let tickets = domain.tickets()?;
        ensure!(tickets.contains(SERVICE), "no service ticket: {tickets}");
        Ok(())
    });
    works(
        rows,
        "`silentry.exe token -o json`, SSPI's Negotiate through to a token",
        token,
    );
    works(
        rows,
        "`silentry.exe token`: the token and a line feed on stdout, nothing on stderr",
        cases::token_alone(test, &place),
    );
    works(
        rows,
        "`silentry.exe token` with its settings in `%APPDATA%`, saved as by Windows PowerShell",
        cases::settings_in_application_data(test, &place),
    );
    works(
        rows,
        "`silentry.exe token` without `--ca-bundle`: `tls_certificate_untrusted`, exit code 1",
        cases::untrusted(test, &place),
    );
    works(
        rows,
        "`token.exe` of `silentry-negotiate`: a token for AD FS",
        cases::example_token(test, &place),
    );
    cannot(
        rows,
        "`reqwest.exe` of `silentry-negotiate`, with the authority in the system's store",
        "Wine fails every certificate without revocation data (0x800B010E), which Windows is told to \
         ignore; the example has no other trust than the system's",
        cases::example_reqwest(test, &place),
    );
    cannot(
        rows,
        "`silentry.exe token` without `--username`",
        "Wine's users are local: GetUserNameEx fails with 1332, and `get_user_name_failed` (exit code 4) \
         tells the user to give the UPN",
        cases::without_username(test, &place),
    );
    Ok(())
}

/// The lab's own KDC, and what it can be made to do.
fn with_scenarios(test: &Test, rows: &mut Rows) {
    let who = ("Wine", test.wine.version.as_str());
    rows.works(
        Table::Windows,
        who,
        "the exit codes 2 to 7, each with its code",
        cases::exit_codes(test),
    );
    rows.cannot_work(
        Table::Windows,
        who,
        "scenario `channel-binding-required`",
        "Wine passes no channel binding on to the GSSAPI library, as Windows does to its own: \
         `negotiate_rejected`",
        cases::scenario(
            test,
            "channel-binding-required",
            USER,
            7,
            "negotiate_rejected",
        )
        .map(drop),
    );
    rows.cannot_work(
        Table::Windows,
        who,
        "scenario `unknown-spn`",
        "Wine has one status for all that can go wrong with Kerberos, SEC_E_INVALID_TOKEN: \
         `kerberos_failed`",
        cases::scenario(test, "unknown-spn", USER, 1, "kerberos_failed").and_then(|failure| {
            ensure!(
                failure.message.contains("0x80090308"),
                "{}",
                failure.message
            );
            Ok(())
        }),
    );
}

/// What needs no server.
fn by_itself(test: &Test, rows: &mut Rows) {
    let who = ("Wine", test.wine.version.as_str());
    let mut works = |what: &str, outcome| rows.works(Table::Windows, who, what, outcome);
    works(
        "`silentry.exe inspect mex`: the same as on Linux, for metadata of real servers",
        cases::inspect(test),
    );
    works(
        "`silentry.exe`: names outside ASCII come in and go out as UTF-8",
        cases::unicode(test),
    );
    works(
        r"`silentry.exe token` under a policy in `HKLM\SOFTWARE\Policies`",
        cases::policy(test),
    );
    for (package, program) in &test.built.tests {
        works(
            &format!("the unit tests of `{package}`"),
            cases::unit_tests(test, program),
        );
    }
}

struct Test<'a> {
    ground: &'a Ground,
    wine: Wine,
    built: Built,
}

/// Where a program runs: pointed at a lab, with the ticket of its KDC or of a domain's.
struct Place<'a> {
    lab: &'a Lab,
    domain: Option<&'a Domain>,
}

impl Test<'_> {
    /// Starts a lab in a folder of that name.
    fn lab<S: AsRef<OsStr>>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Lab> {
        Lab::start(
            Path::new(self.ground.lab().get_program()),
            &self.ground.folder.join(name),
            arguments,
            &self.ground.log,
        )
    }

    /// Runs `silentry.exe` with these words.
    fn silentry(&self, place: Option<&Place>, words: &[&str]) -> Result<Said> {
        self.program(&self.built.silentry, place, words)
    }

    /// Runs a Windows program; nothing but its arguments names an authority to trust.
    fn program(&self, program: &Path, place: Option<&Place>, words: &[&str]) -> Result<Said> {
        let mut command = self.wine.command(program);
        command.args(words);
        if let Some(place) = place {
            place.enter(&mut command);
        }
        self.wine.run(&mut command)
    }

    fn samba_version(&self) -> Result<String> {
        let samba = find("samba").context("samba is not installed")?;
        let said = self.ground.read(Command::new(samba).arg("--version"))?;
        let version = said.trim().trim_start_matches("Version ");
        Ok(version.split('-').next().unwrap_or(version).to_owned())
    }
}

impl Place<'_> {
    /// Returns the lab's authorities as Windows programs name the file.
    fn ca_bundle(&self) -> String {
        wine::path(&self.lab.folder().join("ca.pem"))
    }

    fn enter(&self, command: &mut Command) {
        self.lab.enter(command);
        if let Some(domain) = self.domain {
            domain.enter(command);
        }
        command.env_remove("SILENTRY_CA_BUNDLE");
        // Each case signs in anew.
        command.env("SILENTRY_CACHE", "none");
    }
}
