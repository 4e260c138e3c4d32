//! The KDCs that issue the tickets.

use std::path::Path;

use anyhow::Result;

use super::{
    ACCOUNT, DEMANDING, Krb5Conf, MIT_KDC, MIT_USER, PASSWORD, REALM, SERVICE, Site, UPN, alice,
    debian_version, folder, heimdal, lab,
};
use crate::domain::samba::Domain;
use crate::interop::{Ground, Part, Preparation, Rows, Table};

pub(super) const PART: Part = Part {
    name: "kdcs",
    packages: &[MIT_KDC, MIT_USER],
    prepare,
    run,
};

const WHAT: &str = "a ticket by password, and from it a token";

fn prepare(preparation: &Preparation) -> Result<()> {
    heimdal::unpack(preparation, &heimdal::KDC_PACKAGES)
}

fn run(ground: &Ground) -> Result<Rows> {
    let mut rows = Rows::default();
    let mut meet = |who, version: String, outcome| {
        rows.works(Table::Kdcs, (who, &version), WHAT, outcome);
    };
    meet(
        "MIT krb5kdc",
        debian_version(ground, "krb5-kdc")?,
        mit(ground),
    );
    let version = debian_version(ground, "libkrb5-26-heimdal")?;
    meet("Heimdal kdc", version, heimdal(ground));
    meet(
        "Samba AD",
        debian_version(ground, "samba-ad-dc")?,
        samba(ground),
    );
    Ok(rows)
}

fn mit(ground: &Ground) -> Result<()> {
    let site = Site::start(ground, "mit", SERVICE)?;
    let alice = site.alice();
    alice.kinit()?;
    site.gives_token(ground, &alice)
}

fn heimdal(ground: &Ground) -> Result<()> {
    let folder = folder(ground, "heimdal")?;
    let realm = heimdal::Realm::create(ground, &folder, REALM)?;
    realm.add_user(ACCOUNT, PASSWORD)?;
    let keytab = realm.add_service(SERVICE)?;
    let _kdc = realm.start()?;
    sign_in(ground, &folder, &keytab)
}

fn samba(ground: &Ground) -> Result<()> {
    let domain = Domain::create(&ground.folder.join("samba"), &ground.log)?;
    let _controller = domain.start_controller()?;
    let folder = folder(ground, "user-of-samba")?;
    sign_in(ground, &folder, &domain.keytab())
}

/// Signs alice in at the KDC on 127.0.0.1 and lets her get a token.
fn sign_in(ground: &Ground, folder: &Path, keytab: &Path) -> Result<()> {
    let conf = Krb5Conf::new(folder).with_realm(REALM, "127.0.0.1");
    conf.write()?;
    let alice = alice(&conf, folder);
    alice.kinit()?;
    alice.gets_token(ground, &lab(ground, folder, DEMANDING, keytab)?, UPN)
}
