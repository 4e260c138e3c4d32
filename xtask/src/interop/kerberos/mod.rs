//! Silentry against Kerberos that others wrote: their KDCs, their GSSAPI libraries, their credential
//! caches, and the ways in which people sign in to them.
//!
//! In each encounter a stranger's KDC issues the tickets and the lab's AD FS, which has nothing of that
//! KDC but a keytab, takes them; it also demands the channel binding, so that a library which loses it
//! is noticed.

mod caches;
mod conf;
mod heimdal;
mod kdcs;
mod libraries;
mod mit;
mod pkinit;
mod sign_ins;
mod user;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use self::conf::Krb5Conf;
use self::mit::{Realm, RealmSettings};
use self::user::User;
use super::{Ground, Part};
use crate::domain::samba::PASSWORD;
use crate::lab::Lab;
use crate::process::Running;

pub(super) const KDCS: Part = kdcs::PART;
pub(super) const LIBRARIES: Part = libraries::PART;
pub(super) const CACHES: Part = caches::PART;
pub(super) const SIGN_INS: Part = sign_ins::PART;

/// The realm and the account of the lab's alice, whom Entra knows by [`UPN`].
const REALM: &str = "CORP.CONTOSO.TEST";
const ACCOUNT: &str = "alice";
const UPN: &str = "alice@contoso.test";
/// What AD FS answers Negotiate for.
const SERVICE: &str = "HTTP/sts.contoso.test";

/// The scenario in which AD FS demands that tickets are bound to the TLS connection.
const DEMANDING: &str = "channel-binding-required";

const MIT_KDC: (&str, &str) = ("krb5-kdc", "a stranger's KDC");
const MIT_USER: (&str, &str) = ("krb5-user", "kinit, kswitch and klist");

/// One realm of MIT's KDC with alice and AD FS in it, its KDC, and a lab that takes its tickets.
struct Site {
    folder: PathBuf,
    realm: Realm,
    conf: Krb5Conf,
    keytab: PathBuf,
    lab: Lab,
    _kdc: Running,
}

impl Site {
    /// Starts all of it in a folder of its own; AD FS has the key of the service.
    fn start(ground: &Ground, name: &str, service: &str) -> Result<Self> {
        let folder = folder(ground, name)?;
        let realm = Realm::create(ground, &folder, RealmSettings::of(REALM))?;
        realm.add_user(ACCOUNT, PASSWORD)?;
        let keytab = realm.add_service(service)?;
        let conf = Krb5Conf::new(&folder).with_realm(REALM, realm.address());
        conf.write()?;
        Ok(Self {
            _kdc: realm.start()?,
            lab: lab(ground, &folder, DEMANDING, &keytab)?,
            folder,
            realm,
            conf,
            keytab,
        })
    }

    /// Returns alice before her sign-in, with a file for her tickets.
    fn alice(&self) -> User {
        alice(&self.conf, &self.folder)
    }

    /// Lets alice get a token.
    fn gives_token(&self, ground: &Ground, alice: &User) -> Result<()> {
        alice.gets_token(ground, &self.lab, UPN)
    }
}

/// Returns alice before her sign-in, with a file for her tickets in the folder.
fn alice(conf: &Krb5Conf, folder: &Path) -> User {
    let cache = format!("FILE:{}", folder.join("krb5cc").display());
    User::new(&format!("{ACCOUNT}@{REALM}"), conf, &cache)
}

/// Makes a folder for a part of an encounter.
fn folder(ground: &Ground, name: &str) -> Result<PathBuf> {
    let folder = ground.folder.join(name);
    fs::create_dir(&folder)?;
    Ok(folder)
}

/// Starts a lab of the scenario whose AD FS opens tickets with the keytab.
fn lab(ground: &Ground, folder: &Path, scenario: &str, keytab: &Path) -> Result<Lab> {
    let arguments = [
        "--scenario".as_ref(),
        scenario.as_ref(),
        "--keytab".as_ref(),
        keytab.as_os_str(),
    ];
    let command = ground.lab();
    let program = Path::new(command.get_program());
    Lab::start(program, &folder.join(scenario), arguments, &ground.log)
}

/// Returns the version of a Debian package that is installed, without what Debian says of its source.
fn debian_version(ground: &Ground, package: &str) -> Result<String> {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${source:Upstream-Version}", package]);
    let version = ground.read(&mut query)?;
    let end = version.find(['+', '~']).unwrap_or(version.len());
    // Debian's Heimdal is 7.8 with later changes: 7.8.git20221117.
    Ok(version[..end]
        .split(".git")
        .next()
        .unwrap_or_default()
        .to_owned())
}
