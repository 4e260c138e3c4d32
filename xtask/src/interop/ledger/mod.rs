//! The ticket ledger: what a KDC's log, a capture of the network and the server's keytab tell of a sign-in.

mod binding;
mod capture;
mod elevated;
mod names;
mod realm;
mod site;

use std::fs;

use anyhow::{Result, ensure};

use self::capture::Traffic;
use self::names::Names;
use self::realm::Realm;
use self::site::{Between, Seen, Site};
use super::{Ground, Part, Preparation, Rows, Table};
use crate::namespace;
use crate::process;

pub(super) const PART: Part = Part {
    name: "ledger",
    packages: &[
        ("krb5-admin-server", "kadmin.local of a stranger's KDC"),
        ("krb5-kdc", "a stranger's KDC and its log"),
        ("krb5-user", "what MIT's own programs make of names"),
        (
            "libgssapi3-heimdal",
            "another library that asks for tickets",
        ),
        ("openssl", "a stranger's channel bindings"),
        (
            "python3",
            "a man in the middle, and a name server that lies",
        ),
        ("tcpdump", "a capture of a sign-in"),
        ("tshark", "a stranger that reads Kerberos in a capture"),
    ],
    prepare,
    run,
};

const SERVICE: &str = "HTTP/sts.contoso.test";
/// The same, as Wireshark writes names of several parts.
const SERVICE_PARTS: &str = "HTTP,sts.contoso.test";
const ENTRA: &str = "login.microsoftonline.com";
const STS: &str = "sts.contoso.test";
/// Where a program finds the lab that knows no proxy, and where its KDC.
const LAB: &str = "127.0.0.1:443";
const KDC: &str = "127.0.0.1:88";

fn prepare(preparation: &Preparation) -> Result<()> {
    for program in ["relay.py", "dns.py"] {
        let file = preparation
            .workspace
            .root
            .join("interop/ledger")
            .join(program);
        fs::copy(file, preparation.prepared.join(program))?;
    }
    Ok(())
}

fn run(ground: &Ground) -> Result<Rows> {
    let names = format!("{ENTRA} {STS} sts.fabrikam.test");
    namespace::name_loopback(&names, &ground.folder, &ground.log)?;
    let realm = Realm::start(ground)?;
    let kdc = version(ground, "krb5-kdc")?;
    let wireshark = version(ground, "tshark")?;
    let python = version(ground, "python3")?;
    let lab = ground.read(ground.lab().arg("--version"))?;
    let site = Site { ground, realm };
    let mut rows = Rows::default();
    let kdc = ("MIT krb5kdc", kdc.as_str());
    let capture = ("Wireshark", wireshark.as_str());
    let keytab = ("AD FS, with the KDC's keytab", lab.trim());

    let signed_in = site.meet("channel-binding-required", Between::Nobody);
    let signed_in = signed_in.and_then(|seen| seen.succeeds().map(|()| seen));
    let mut add = |who, what, check: fn(&Site<'_>, &Seen) -> Result<()>| {
        let outcome = match &signed_in {
            Ok(seen) => check(&site, seen),
            Err(error) => Err(anyhow::anyhow!("{error:#}")),
        };
        rows.works(Table::Ledger, who, what, outcome);
    };
    add(
        kdc,
        "its log: a sign-in asks for one ticket, for HTTP/sts.contoso.test",
        one_ticket_logged,
    );
    add(
        capture,
        "a sign-in asks for one ticket, for HTTP/sts.contoso.test",
        one_ticket_captured,
    );
    add(
        capture,
        "a sign-in opens three connections: to Entra, AD FS and the KDC; no DNS, nothing else",
        three_connections,
    );
    add(
        keytab,
        "the AP-REQ is bound to the certificate that was shown and demands mutual authentication",
        bound,
    );
    add(
        keytab,
        "the AP-REQ delegates nothing, although ticket and KDC allow it",
        not_delegated,
    );

    let foreign = site
        .meet("foreign-mex-host", Between::Nobody)
        .and_then(|seen| no_ticket_for_others(&seen));
    rows.works(
        Table::Ledger,
        kdc,
        "its log and the capture: metadata that names a foreign host causes no ticket request",
        foreign,
    );
    let python = format!("python3 {python}");
    let man = (
        "a man in the middle whom the client trusts",
        python.as_str(),
    );
    let refused = site
        .meet("default", Between::Relay)
        .and_then(|seen| no_token_in_between(&site, &seen));
    rows.works(
        Table::Ledger,
        man,
        "gets 401 from AD FS, as the ticket is bound to his certificate; no token",
        refused,
    );
    let let_through = site
        .meet("default", Between::RelayUnbound)
        .and_then(|seen| seen.succeeds());
    rows.cannot_work(
        Table::Ledger,
        man,
        "is kept out with --no-channel-binding, where AD FS demands no binding",
        "he gets the token: nothing but the channel binding tells his connection from AD FS's own",
        let_through,
    );
    other_names(ground, &site.realm, &mut rows)?;
    let setpriv = version(ground, "util-linux")?;
    rows.works(
        Table::Ledger,
        ("setpriv", &setpriv),
        "a set-user-ID copy of the command loads no GSSAPI library that its caller's environment names",
        elevated::takes_no_library(ground),
    );
    Ok(rows)
}

/// What DNS says of a host chooses nobody else's ticket.
fn other_names(ground: &Ground, realm: &Realm<'_>, rows: &mut Rows) -> Result<()> {
    let names = Names::start(ground, realm)?;
    let (who, python) = (names::who(), version(ground, "python3")?);
    let who = (who.as_str(), python.as_str());
    let mut meet = |what: String, outcome| rows.works(Table::Ledger, who, &what, outcome);
    for setting in names::SETTINGS {
        let setting_is = format!("dns_canonicalize_hostname = {setting}");
        let astray = names.library_is_led_astray(setting);
        let signed_in = astray.and_then(|()| names.sign_in(setting, None));
        meet(
            format!(
                "{setting_is}: no ticket for another host than that of the URL, in the KDC's log, at AD FS and in the ccache"
            ),
            signed_in,
        );
        meet(
            format!("{setting_is}: a proxy gets no ticket for another host than itself"),
            names.proxy(setting),
        );
    }
    meet(
        "Heimdal asks for no ticket for another host than that of the URL".to_owned(),
        names::HEIMDALS
            .iter()
            .try_for_each(|setting| names.sign_in(setting, Some("libgssapi.so.3"))),
    );
    Ok(())
}

fn one_ticket_logged(_: &Site<'_>, seen: &Seen) -> Result<()> {
    ensure!(seen.tickets == [SERVICE], "the log has {:?}", seen.tickets);
    Ok(())
}

fn one_ticket_captured(_: &Site<'_>, seen: &Seen) -> Result<()> {
    let tickets = &seen.traffic.tickets;
    ensure!(
        tickets.len() == 1 && tickets[0].ends_with(SERVICE_PARTS),
        "the capture has {tickets:?}"
    );
    Ok(())
}

fn three_connections(_: &Site<'_>, seen: &Seen) -> Result<()> {
    let Traffic {
        connections,
        tls_names,
        others,
        ..
    } = &seen.traffic;
    let mut sorted = connections.clone();
    sorted.sort();
    ensure!(sorted == [LAB, LAB, KDC], "connections: {connections:?}");
    ensure!(*tls_names == [ENTRA, STS], "TLS: {tls_names:?}");
    ensure!(*others == 0, "{others} packets of other protocols");
    Ok(())
}

fn bound(site: &Site<'_>, seen: &Seen) -> Result<()> {
    let ticket = seen.ticket()?;
    let expected = binding::hash(site.ground, &seen.shown)?;
    ensure!(
        ticket["channel_binding"] == expected,
        "{ticket}, not {expected}"
    );
    let service = ticket["service"].as_str().unwrap_or_default();
    ensure!(service.starts_with(SERVICE), "{ticket}");
    ensure!(seen.flags()?.contains(&"mutual"), "{ticket}");
    Ok(())
}

fn not_delegated(_: &Site<'_>, seen: &Seen) -> Result<()> {
    let ticket = seen.ticket()?;
    ensure!(ticket["delegated"] == false, "{ticket}");
    ensure!(!seen.flags()?.contains(&"delegate"), "{ticket}");
    Ok(())
}

fn no_ticket_for_others(seen: &Seen) -> Result<()> {
    seen.fails("federation_host_not_trusted", 5)?;
    ensure!(seen.stages() == ["realm", "mex"], "{:?}", seen.journal);
    ensure!(seen.tickets.is_empty(), "the log has {:?}", seen.tickets);
    let traffic = &seen.traffic;
    ensure!(traffic.tickets.is_empty(), "the capture has {traffic:?}");
    let foreign = traffic
        .tls_names
        .iter()
        .any(|name| *name != ENTRA && *name != STS);
    ensure!(
        !foreign && traffic.connections.iter().all(|to| to == LAB),
        "{traffic:?}"
    );
    Ok(())
}

fn no_token_in_between(site: &Site<'_>, seen: &Seen) -> Result<()> {
    seen.fails("negotiate_rejected", 7)?;
    let statuses: Vec<_> = seen.journal.iter().map(|line| &line["status"]).collect();
    ensure!(
        seen.stages().starts_with(&["mex", "wstrust"]),
        "{:?}",
        seen.journal
    );
    ensure!(
        statuses[0] == 200 && statuses[1..].iter().all(|status| **status == 401),
        "{statuses:?}"
    );
    let ticket = seen.ticket()?;
    let expected = binding::hash(site.ground, &seen.shown)?;
    ensure!(
        ticket["channel_binding"] == expected,
        "{ticket}, not {expected}"
    );
    ensure!(ticket["refused"].is_string(), "{ticket}");
    Ok(())
}

fn version(ground: &Ground, package: &str) -> Result<String> {
    let mut query = process::command("dpkg-query --show --showformat=${Version}");
    ground.read(query.arg(package))
}
