//! How people sign in, in which realm, and what goes wrong on their way.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::pkinit::{Certificates, PIN};
use super::{
    ACCOUNT, DEMANDING, Krb5Conf, MIT_KDC, MIT_USER, PASSWORD, REALM, Realm, RealmSettings,
    SERVICE, Site, UPN, User, alice, debian_version, folder, lab,
};
use crate::interop::{Ground, Part, Rows, Table};
use crate::lab::Lab;
use crate::process::{self, Running};

pub(super) const PART: Part = Part {
    name: "sign-ins",
    packages: &[
        MIT_KDC,
        MIT_USER,
        ("faketime", "a machine whose clock is wrong"),
        ("krb5-pkinit", "sign-in by certificate"),
        ("opensc", "certificates in a soft token"),
        ("openssl", "certificates for a sign-in"),
        ("softhsm2", "a soft token"),
    ],
    prepare: |_| Ok(()),
    run,
};

/// The realm of the lab's ivan, and his account.
const OTHER_REALM: &str = "EMEA.CONTOSO.TEST";
const IVAN: (&str, &str) = ("ivan", "ivan@contoso.test");
/// The machine that the name of the federation service leads to.
const BALANCER: &str = "balancer.contoso.test";

fn run(ground: &Ground) -> Result<Rows> {
    let mit = debian_version(ground, "krb5-kdc")?;
    let mut rows = Rows::default();
    let mut meet = |what, outcome| {
        rows.works(Table::SignIns, ("MIT Kerberos", &mit), what, outcome);
    };
    by_certificate(ground, &mut meet)?;
    across_realms(ground, &mut meet)?;
    by_another_name(ground, &mut meet)?;
    in_trouble(ground, &mut meet)?;
    Ok(rows)
}

fn by_certificate(ground: &Ground, meet: &mut impl FnMut(&'static str, Result<()>)) -> Result<()> {
    let folder = folder(ground, "certificates")?;
    let certificates = Certificates::issue(ground, &folder, REALM, ACCOUNT)?;
    let settings = certificates
        .kdc_lines()
        .into_iter()
        .fold(RealmSettings::of(REALM), RealmSettings::with);
    let realm = Realm::create(ground, &folder, settings)?;
    realm.administer(&["addprinc", "-nokey", "+requires_preauth", ACCOUNT])?;
    let keytab = realm.add_service(SERVICE)?;
    let _kdc = realm.start()?;
    let lab = lab(ground, &folder, DEMANDING, &keytab)?;
    let conf = Krb5Conf::new(&folder).with_realm(REALM, realm.address());
    let conf = conf.with(&certificates.client_line());
    conf.write()?;
    let alice = alice(&conf, &folder);

    meet(
        "PKINIT with a key in a file",
        (|| {
            alice.kinit_with(&["-X", &certificates.in_files()], "")?;
            alice.gets_token(ground, &lab, UPN)
        })(),
    );
    meet(
        "PKINIT with a soft token (PKCS#11)",
        (|| {
            let (token, identity) = certificates.in_token()?;
            let alice = alice
                .clone()
                .with("SOFTHSM2_CONF", &token.to_string_lossy());
            alice.read("kdestroy")?;
            alice.kinit_with(&["-X", &identity], PIN)?;
            alice.gets_token(ground, &lab, UPN)
        })(),
    );
    Ok(())
}

/// Alice's realm and ivan's, which trust each other; AD FS is in ivan's.
struct Forest {
    lab: Lab,
    conf: Krb5Conf,
    folder: PathBuf,
    _kdcs: [Running; 2],
}

impl Forest {
    /// Starts it; alice's KDC may know that the hosts of `contoso.test` are in ivan's realm.
    fn start(ground: &Ground, name: &str, refers: bool) -> Result<Self> {
        let folder = folder(ground, name)?;
        let mut home = RealmSettings::of(REALM);
        if refers {
            home = home.refer(".contoso.test", OTHER_REALM);
        }
        let home = Realm::create(ground, &folder, home)?;
        let other = RealmSettings::of(OTHER_REALM).at("127.0.0.2");
        let other = Realm::create(ground, &folder, other)?;
        for realm in [&home, &other] {
            for (from, to) in [(REALM, OTHER_REALM), (OTHER_REALM, REALM)] {
                realm.add_user(&format!("krbtgt/{to}@{from}"), PASSWORD)?;
            }
        }
        home.add_user(ACCOUNT, PASSWORD)?;
        other.add_user(IVAN.0, PASSWORD)?;
        let keytab = other.add_service(SERVICE)?;
        let conf = Krb5Conf::new(&folder)
            .with_realm(REALM, home.address())
            .with_realm(OTHER_REALM, other.address());
        conf.write()?;
        Ok(Self {
            lab: lab(ground, &folder, DEMANDING, &keytab)?,
            _kdcs: [home.start()?, other.start()?],
            conf,
            folder,
        })
    }

    fn gives_alice_a_token(&self, ground: &Ground, conf: &Krb5Conf) -> Result<()> {
        conf.write()?;
        let alice = alice(conf, &self.folder);
        alice.kinit()?;
        alice.gets_token(ground, &self.lab, UPN)
    }
}

fn across_realms(ground: &Ground, meet: &mut impl FnMut(&'static str, Result<()>)) -> Result<()> {
    let forest = Forest::start(ground, "referring", true)?;
    let conf = &forest.conf;
    meet(
        "AD FS in a trusted realm, which the user's KDC refers to",
        forest.gives_alice_a_token(ground, conf),
    );
    let ivan = alice(conf, &forest.folder).named(&format!("{}@{OTHER_REALM}", IVAN.0));
    meet(
        "default_realm that is not the user's",
        (|| {
            ivan.kinit()?;
            ivan.gets_token(ground, &forest.lab, IVAN.1)
        })(),
    );
    let nowhere = conf
        .clone()
        .named("nowhere.conf")
        .with_default_realm("NOWHERE.TEST");
    meet(
        "default_realm that does not exist",
        forest.gives_alice_a_token(ground, &nowhere),
    );
    drop(forest);

    let forest = Forest::start(ground, "silent", false)?;
    let mapped = forest.conf.clone().named("mapped.conf");
    let mapped = mapped.with_domain(".contoso.test", OTHER_REALM);
    meet(
        "AD FS in a trusted realm, which only domain_realm of krb5.conf names",
        forest.gives_alice_a_token(ground, &mapped),
    );
    Ok(())
}

/// The federation service's name is an alias of a balancer's.
fn by_another_name(ground: &Ground, meet: &mut impl FnMut(&'static str, Result<()>)) -> Result<()> {
    let hosts = ground.folder.join("hosts");
    // The first name is the canonical one.
    let lines = format!("127.0.0.1 localhost\n127.0.0.7 {BALANCER} sts.contoso.test\n");
    fs::write(&hosts, lines)?;
    let mut mount = process::command("mount --bind");
    ground.run(mount.arg(&hosts).arg("/etc/hosts"))?;

    let site = Site::start(ground, "alias", SERVICE)?;
    for (what, canonical) in [
        (
            "federation host is an alias, dns_canonicalize_hostname = true",
            "true",
        ),
        (
            "federation host is an alias, dns_canonicalize_hostname = fallback",
            "fallback",
        ),
    ] {
        meet(what, by_alias(ground, &site, canonical));
    }
    drop(site);

    let spn = format!("HTTP/{BALANCER}");
    let site = Site::start(ground, "balancer", &spn)?;
    let alice = site.alice();
    meet(
        "federation host is an alias, only its target has an SPN, which --spn names",
        (|| {
            alice.kinit()?;
            let code = ("kerberos_unknown_service_principal", 5);
            alice.fails(ground, &site.lab, code, "alias")?;
            let listed = alice.option(["--federation-hosts", "sts.contoso.test"]);
            site.gives_token(ground, &listed.option(["--spn", &spn]))
        })(),
    );
    ground.run(&mut process::command("umount /etc/hosts"))
}

fn by_alias(ground: &Ground, site: &Site, canonical: &str) -> Result<()> {
    let setting = format!("dns_canonicalize_hostname = {canonical}");
    let conf = site.conf.clone().named("canonical.conf").with(&setting);
    conf.write()?;
    let alice = site.alice().configured(&conf);
    alice.kinit()?;
    site.gives_token(ground, &alice)?;
    let tickets = alice.read("klist")?;
    ensure!(
        tickets.contains(SERVICE),
        "no service ticket of AD FS: {tickets}"
    );
    let asked = site.realm.log()?;
    ensure!(
        !asked.contains(BALANCER),
        "a ticket for the balancer was asked for"
    );
    Ok(())
}

fn in_trouble(ground: &Ground, meet: &mut impl FnMut(&'static str, Result<()>)) -> Result<()> {
    let site = Site::start(ground, "trouble", SERVICE)?;
    let alice = site.alice();
    let fails = |alice: &User, code, words| alice.fails(ground, &site.lab, code, words);

    meet(
        "no sign-in: kerberos_no_ticket",
        fails(&alice, ("kerberos_no_ticket", 4), "kinit"),
    );
    meet(
        "a ticket that has ended: kerberos_ticket_expired",
        (|| {
            alice.kinit_with(&["-l", "2s"], PASSWORD)?;
            thread::sleep(Duration::from_secs(3));
            fails(&alice, ("kerberos_ticket_expired", 4), "kinit")
        })(),
    );
    meet(
        "no KDC in reach, a ticket-granting ticket alone: kerberos_kdc_unreachable",
        (|| {
            alice.kinit()?;
            let away = site.conf.clone().named("away.conf").without_kdcs();
            away.write()?;
            fails(
                &alice.clone().configured(&away),
                ("kerberos_kdc_unreachable", 6),
                "VPN",
            )
        })(),
    );
    meet(
        "a krb5.conf without the realm, no DNS: kerberos_realm_unknown",
        (|| {
            let empty = Krb5Conf::new(&site.folder).named("empty.conf");
            empty.write()?;
            fails(
                &alice.clone().configured(&empty),
                ("kerberos_realm_unknown", 6),
                "krb5.conf",
            )
        })(),
    );
    for (what, ahead) in [
        (
            "a clock that went half an hour ahead after the sign-in: kerberos_clock_skew",
            "+30m",
        ),
        (
            "a clock that went half an hour back after the sign-in: kerberos_clock_skew",
            "-30m",
        ),
    ] {
        meet(
            what,
            (|| {
                alice.kinit()?;
                let late = alice.clone().wrapped(["faketime", "-f", ahead]);
                fails(&late, ("kerberos_clock_skew", 5), "clock")
            })(),
        );
    }
    meet(
        "a clock that is half an hour ahead since before the sign-in",
        (|| {
            let ahead = alice.clone().wrapped(["faketime", "-f", "+30m"]);
            ahead.kinit()?;
            site.gives_token(ground, &ahead)
        })(),
    );
    Ok(())
}
