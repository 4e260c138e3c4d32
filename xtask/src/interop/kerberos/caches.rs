//! Where the tickets lie.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{
    ACCOUNT, MIT_KDC, MIT_USER, PASSWORD, REALM, SERVICE, Site, UPN, User, debian_version, heimdal,
};
use crate::interop::{Ground, Part, Preparation, Rows, Table};
use crate::process::{self, Running};

pub(super) const PART: Part = Part {
    name: "caches",
    packages: &[
        MIT_KDC,
        MIT_USER,
        ("sssd-common", "the configuration of sssd-kcm"),
        ("sssd-kcm", "a stranger's ticket keeper"),
    ],
    prepare,
    run,
};

/// Another account of alice's, whom the lab knows as a user of her own.
const OTHER: (&str, &str) = ("carol", "carol@CORP.CONTOSO.TEST");
const LIMIT: Duration = Duration::from_secs(20);

fn prepare(preparation: &Preparation) -> Result<()> {
    heimdal::unpack(preparation, &heimdal::KCM_PACKAGES)
}

fn run(ground: &Ground) -> Result<Rows> {
    let site = Site::start(ground, "site", SERVICE)?;
    site.realm.add_user(OTHER.0, PASSWORD)?;
    let mit = debian_version(ground, "libkrb5-3")?;
    let mit = ("MIT Kerberos", mit.as_str());
    let sssd = debian_version(ground, "sssd-kcm")?;
    let kcm = debian_version(ground, "libkrb5-26-heimdal")?;
    let mut rows = Rows::default();
    let mut meet = |who, what, outcome| rows.works(Table::Caches, who, what, outcome);
    meet(mit, "FILE", simple(ground, &site, &site.alice()));
    meet(
        mit,
        "DIR, the primary of two users' tickets",
        directory(ground, &site),
    );
    meet(mit, "KEYRING, persistent", keyring(ground, &site));
    meet(
        ("sssd-kcm", &sssd),
        "KCM, the primary of two users' tickets",
        sssd_kcm(ground, &site),
    );
    meet(("Heimdal kcm", &kcm), "KCM", heimdal_kcm(ground, &site));
    meet(
        mit,
        "MEMORY, which is another process's: kerberos_no_ticket",
        memory(ground, &site),
    );
    meet(
        mit,
        "KRB5CCNAME unset, the default of krb5.conf",
        default_cache(ground, &site),
    );
    let keytab = site.realm.keytab(ACCOUNT)?;
    meet(
        mit,
        "a client keytab by --keytab, no login",
        by_option(ground, &site, &keytab),
    );
    meet(
        mit,
        "a client keytab by KRB5_CLIENT_KTNAME",
        by_variable(ground, &site, &keytab),
    );
    meet(
        mit,
        "default_client_keytab_name of krb5.conf",
        by_configuration(ground, &site, &keytab),
    );
    Ok(rows)
}

/// A log-on, and from its ticket a token.
fn simple(ground: &Ground, site: &Site, alice: &User) -> Result<()> {
    alice.kinit()?;
    site.gives_token(ground, alice)
}

/// Another user's tickets lie in the same collection; whoever is primary counts.
fn collection(ground: &Ground, site: &Site, alice: &User) -> Result<()> {
    let carol = alice.clone().named(OTHER.1);
    alice.kinit()?;
    carol.kinit()?;
    alice.read("klist -A")?;
    alice.read(&format!("kswitch -p {}", OTHER.1))?;
    // Entra demands of carol what a ticket cannot give: it knows that it is her.
    carol.fails(ground, &site.lab, ("interaction_required", 3), "")?;
    alice.read(&format!("kswitch -p {ACCOUNT}@{REALM}"))?;
    site.gives_token(ground, alice)
}

fn directory(ground: &Ground, site: &Site) -> Result<()> {
    let folder = site.folder.join("krb5cc-directory");
    fs::create_dir(&folder)?;
    let alice = site
        .alice()
        .with("KRB5CCNAME", &format!("DIR:{}", folder.display()));
    collection(ground, site, &alice)
}

/// What RHEL 7 and 8 have for everybody; the user number is nobody's, so that nobody's tickets are touched.
fn keyring(ground: &Ground, site: &Site) -> Result<()> {
    let alice = site
        .alice()
        .with("KRB5CCNAME", "KEYRING:persistent:2147480000");
    let outcome = collection(ground, site, &alice);
    alice.read("kdestroy -A")?;
    outcome
}

/// The default of RHEL 9 and Fedora.
fn sssd_kcm(ground: &Ground, site: &Site) -> Result<()> {
    let folder = site.folder.join("sss");
    let socket = folder.join("kcm");
    for name in ["db", "secrets", "conf/conf.d", "log"] {
        fs::create_dir_all(folder.join(name))?;
    }
    let settings = format!(
        "[sssd]\nservices =\n[kcm]\nsocket_path = {}\n",
        socket.display()
    );
    let file = folder.join("conf").join("sssd.conf");
    fs::write(&file, settings)?;
    ground.run(Command::new("chmod").arg("600").arg(&file))?;
    bind(ground, &folder, "/var/lib/sss")?;
    bind(ground, &folder.join("conf"), "/etc/sssd")?;
    bind(ground, &folder.join("log"), "/var/log/sssd")?;
    ground.run(&mut process::command(
        "/usr/sbin/sssd --genconf-section=kcm",
    ))?;
    let mut kcm = process::command("/usr/libexec/sssd/sssd_kcm --uid 0 --gid 0 --logger=stderr");
    let _running = start(ground, &mut kcm, &socket)?;
    collection(ground, site, &kcm_user(site, &socket)?)
}

fn heimdal_kcm(ground: &Ground, site: &Site) -> Result<()> {
    // It always opens its socket there.
    let run = site.folder.join("run");
    fs::create_dir(&run)?;
    bind(ground, &run, "/run")?;
    let socket = Path::new("/run/.heim_org.h5l.kcm-socket");
    let mut kcm = heimdal::program(ground, "usr/sbin/kcm")?;
    let _running = start(ground, &mut kcm, socket)?;
    simple(ground, site, &kcm_user(site, socket)?)
}

fn kcm_user(site: &Site, socket: &Path) -> Result<User> {
    let setting = format!("kcm_socket = {}", socket.display());
    let conf = site.conf.clone().named("kcm.conf").with(&setting);
    conf.write()?;
    Ok(site.alice().configured(&conf).with("KRB5CCNAME", "KCM:"))
}

/// A cache in the memory of another process is of no use.
fn memory(ground: &Ground, site: &Site) -> Result<()> {
    let alice = site.alice().with("KRB5CCNAME", "MEMORY:login");
    alice.fails(ground, &site.lab, ("kerberos_no_ticket", 4), "kinit")
}

fn default_cache(ground: &Ground, site: &Site) -> Result<()> {
    let setting = format!(
        "default_ccache_name = FILE:{}/of-%{{uid}}",
        site.folder.display()
    );
    let conf = site.conf.clone().named("default.conf").with(&setting);
    conf.write()?;
    simple(
        ground,
        site,
        &site.alice().configured(&conf).without("KRB5CCNAME"),
    )
}

fn by_option(ground: &Ground, site: &Site, keytab: &Path) -> Result<()> {
    let service = site.alice().with("KRB5CCNAME", &nothing(site, "option"));
    let service = service.option(["--keytab".as_ref(), keytab.as_os_str()]);
    service.gets_token(ground, &site.lab, UPN)?;
    ensure!(
        !site.folder.join("option").exists(),
        "the tickets of the service were written to the login's cache"
    );
    Ok(())
}

fn by_variable(ground: &Ground, site: &Site, keytab: &Path) -> Result<()> {
    let service = site.alice().with("KRB5CCNAME", &nothing(site, "variable"));
    let keytab = format!("FILE:{}", keytab.display());
    site.gives_token(ground, &service.with("KRB5_CLIENT_KTNAME", &keytab))
}

fn by_configuration(ground: &Ground, site: &Site, keytab: &Path) -> Result<()> {
    let setting = format!("default_client_keytab_name = FILE:{}", keytab.display());
    let conf = site.conf.clone().named("keytab.conf").with(&setting);
    conf.write()?;
    let service = site
        .alice()
        .with("KRB5CCNAME", &nothing(site, "configuration"));
    site.gives_token(ground, &service.configured(&conf))
}

/// Returns the name of a cache that does not exist.
fn nothing(site: &Site, name: &str) -> String {
    format!("FILE:{}", site.folder.join(name).display())
}

fn bind(ground: &Ground, folder: &Path, over: &str) -> Result<()> {
    let mut mount = process::command("mount --bind");
    ground.run(mount.arg(folder).arg(over))
}

/// Starts a daemon and waits for its socket.
fn start(ground: &Ground, daemon: &mut Command, socket: &Path) -> Result<Running> {
    let child = process::start(daemon, ground.log.try_clone()?.into(), &ground.log)?;
    let mut running = Running(child);
    let ready = process::wait_until(LIMIT, || {
        running.check("the ticket keeper")?;
        Ok(socket.exists())
    })?;
    ensure!(ready, "the ticket keeper opens no socket");
    Ok(running)
}
