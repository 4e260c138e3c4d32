use std::fmt::Write as _;
use std::net::SocketAddr;

use super::config::Realm;

/// The text of a `krb5.conf` that finds these KDCs and nothing else.
///
/// Every setting is one that MIT, Heimdal and the JDK each understand or pass over. Nothing is asked
/// of DNS: host names stay as they are typed. A `udp_preference_limit` of 1 makes clients use TCP, on
/// which an answer is never lost.
pub(super) fn text<'a>(realms: impl Iterator<Item = (&'a Realm, SocketAddr)> + Clone) -> String {
    let mut out = String::from("[libdefaults]\n");
    if let Some((realm, _)) = realms.clone().next() {
        line(&mut out, &format!("default_realm = {}", realm.name));
    }
    for setting in [
        "dns_lookup_realm = false",
        "dns_lookup_kdc = false",
        "dns_canonicalize_hostname = false",
        "rdns = false",
        "udp_preference_limit = 1",
    ] {
        line(&mut out, setting);
    }
    out.push_str("[realms]\n");
    for (realm, addr) in realms.clone() {
        line(&mut out, &format!("{} = {{", realm.name));
        line(&mut out, &format!("    kdc = {addr}"));
        line(&mut out, "}");
    }
    out.push_str("[domain_realm]\n");
    for (realm, _) in realms {
        for domain in &realm.domains {
            let domain = domain.trim_start_matches('.').to_ascii_lowercase();
            line(&mut out, &format!("{domain} = {}", realm.name));
            line(&mut out, &format!(".{domain} = {}", realm.name));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "    {text}").expect("writing to a string succeeds");
}
