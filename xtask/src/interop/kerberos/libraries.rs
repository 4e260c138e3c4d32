//! The GSSAPI libraries that make the Negotiate token.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{MIT_KDC, MIT_USER, SERVICE, Site, UPN, User, debian_version, lab};
use crate::interop::{Ground, Part, Preparation, Rows, Table};
use crate::process;

pub(super) const PART: Part = Part {
    name: "libraries",
    packages: &[
        MIT_KDC,
        MIT_USER,
        ("libgssapi3-heimdal", "a stranger's GSSAPI library"),
    ],
    prepare,
    run,
};

const MIT: &str = "libgssapi_krb5.so.2";
const HEIMDAL: &str = "libgssapi.so.3";
const BOUND: &str = "a token, from an AD FS that demands the channel binding";
const UNBOUND: &str = "a token, from an AD FS with its default settings";
const UNKNOWN: &str = "a service that no KDC knows is told from a KDC that is away";

fn prepare(preparation: &Preparation) -> Result<()> {
    let folder = preparation.prepared.join("mit-1.15");
    if folder.exists() {
        return Ok(());
    }
    let list = preparation
        .workspace
        .root
        .join("interop/kerberos/mit-1.15.txt");
    let mut pip = process::command(
        "python3 -m pip install --quiet --no-cache-dir --root-user-action=ignore --no-deps \
         --require-hashes --only-binary=:all: --implementation=cp --python-version=311 --abi=cp311",
    );
    pip.arg(format!(
        "--platform=manylinux2014_{}",
        std::env::consts::ARCH
    ));
    pip.arg("--target")
        .arg(&folder)
        .arg("--requirement")
        .arg(list);
    preparation.run(&mut pip)
}

fn run(ground: &Ground) -> Result<Rows> {
    let site = Site::start(ground, "site", SERVICE)?;
    let mut rows = Rows::default();
    let mit = debian_version(ground, "libgssapi-krb5-2")?;
    let heimdal = debian_version(ground, "libgssapi3-heimdal")?;
    let (old_mit, old_version) = old_mit(ground)?;
    let old = ("MIT Kerberos before 1.19", old_version.as_str());
    for (who, library) in [
        (("MIT Kerberos", mit.as_str()), Path::new(MIT)),
        (("Heimdal", heimdal.as_str()), Path::new(HEIMDAL)),
        (old, old_mit.as_path()),
    ] {
        let alice = alice_with(&site, library);
        alice.kinit()?;
        if who == old {
            lossy(ground, &site, &alice, who, &mut rows)?;
        } else {
            rows.works(
                Table::Libraries,
                who,
                BOUND,
                site.gives_token(ground, &alice),
            );
        }
        rows.works(
            Table::Libraries,
            who,
            UNKNOWN,
            failures(ground, &site, &alice),
        );
    }
    site.alice().kinit()?;
    hide(ground, MIT)?;
    let alone = site.gives_token(ground, &site.alice());
    let what = "a token where MIT's is not installed";
    rows.works(Table::Libraries, ("Heimdal", &heimdal), what, alone);
    Ok(rows)
}

/// A library whose SPNEGO does not pass the channel binding on.
fn lossy(
    ground: &Ground,
    site: &Site,
    alice: &User,
    who: (&str, &str),
    rows: &mut Rows,
) -> Result<()> {
    let refused = ("negotiate_rejected", 7);
    rows.cannot_work(
        Table::Libraries,
        who,
        BOUND,
        "its SPNEGO leaves the channel binding out, and AD FS refuses: `negotiate_rejected`",
        alice.fails(ground, &site.lab, refused, "MIT Kerberos before 1.19"),
    );
    let lab = lab(ground, &site.folder, "default", &site.keytab)?;
    let unbound = alice.gets_token(ground, &lab, UPN);
    rows.works(Table::Libraries, who, UNBOUND, unbound);
    Ok(())
}

/// Returns alice with a cache of her own and Silentry with that library.
fn alice_with(site: &Site, library: &Path) -> User {
    let name = library.file_name().unwrap_or_default().to_string_lossy();
    let cache = format!("FILE:{}", site.folder.join(&*name).display());
    let alice = site.alice().with("KRB5CCNAME", &cache);
    let alice = alice.option(["--gssapi-library".as_ref(), library.as_os_str()]);
    match library.parent().filter(|folder| folder.is_absolute()) {
        Some(folder) => alice.for_silentry("LD_LIBRARY_PATH", &folder.to_string_lossy()),
        None => alice,
    }
}

fn failures(ground: &Ground, site: &Site, alice: &User) -> Result<()> {
    let alice = alice
        .clone()
        .option(["--federation-hosts", "sts.contoso.test"]);
    let unknown = alice.clone().option(["--spn", "HTTP/nobody.contoso.test"]);
    let code = ("kerberos_unknown_service_principal", 5);
    unknown.fails(ground, &site.lab, code, "setspn")?;
    let away = site.conf.clone().named("away.conf").without_kdcs();
    away.write()?;
    let alice = alice
        .option(["--spn", "HTTP/other.contoso.test"])
        .configured(&away);
    alice.fails(ground, &site.lab, ("kerberos_kdc_unreachable", 6), "VPN")
}

/// Returns the old library, and the version that it says it has.
fn old_mit(ground: &Ground) -> Result<(PathBuf, String)> {
    let libraries = ground.prepared.join("mit-1.15/psycopg2_binary.libs");
    let gssapi = find(&libraries, "libgssapi_krb5-")?;
    let krb5 = fs::read(find(&libraries, "libkrb5-")?)?;
    let text = String::from_utf8_lossy(&krb5);
    let (_, brand) = text
        .split_once("KRB5_BRAND: krb5-")
        .context("the library has no brand")?;
    let version = brand.split('-').next().unwrap_or_default().to_owned();
    Ok((gssapi, version))
}

fn find(folder: &Path, beginning: &str) -> Result<PathBuf> {
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    files
        .into_iter()
        .find(|file| file.file_name().to_string_lossy().starts_with(beginning))
        .map(|file| file.path())
        .with_context(|| format!("no {beginning} in {}", folder.display()))
}

/// Makes a library of the system unusable in this mount namespace, as if it were not installed.
fn hide(ground: &Ground, soname: &str) -> Result<()> {
    let mut cache = process::command("/sbin/ldconfig -p");
    let list = ground.read(&mut cache)?;
    let paths = list
        .lines()
        .filter(|line| line.trim_start().starts_with(soname));
    for line in paths {
        let (_, path) = line.split_once("=> ").context("ldconfig names no path")?;
        let mut mount = Command::new("mount");
        ground.run(mount.args(["--bind", "/dev/null"]).arg(path.trim()))?;
    }
    Ok(())
}
