//! `NO_PROXY`: which servers are reached without the proxy.
//!
//! There is no standard. Each program reads the variable its own way, and people write it for all of them at once;
//! the rules here are those that curl, Python and Go agree on, and of what only some of them understand whatever
//! can have but one meaning (`docs/proxies.md` has the comparison).

use std::net::IpAddr;

use ipnet::IpNet;

use super::Origin;

/// The servers that are reached directly.
#[derive(Debug, Default)]
pub(super) struct NoProxy {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    servers: Servers,
    /// Any port where none is named.
    port: Option<u16>,
}

#[derive(Debug)]
enum Servers {
    All,
    /// A name, and every name below it.
    Domain(String),
    Network(IpNet),
}

impl NoProxy {
    /// Reads a list whose entries are separated by commas, blanks or both.
    pub(super) fn parse(list: &str) -> Self {
        let entries = list
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|entry| !entry.is_empty())
            .filter_map(Entry::parse);
        NoProxy {
            entries: entries.collect(),
        }
    }

    pub(super) fn contains(&self, origin: &Origin) -> bool {
        let host = unbracketed(origin.host());
        let host = host.strip_suffix('.').unwrap_or(host);
        let address = host.parse().ok();
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|port| port == origin.port())
                && entry.servers.include(host, address)
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // The groups of an IPv6 address without brackets are no ports.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().ok()?))
            }
            _ => (text, None),
        };
        Some(Entry {
            servers: Servers::parse(host)?,
            port,
        })
    }
}

impl Servers {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Servers::All);
        }
        let bare = unbracketed(text);
        if let Ok(network) = bare.parse() {
            return Some(Servers::Network(network));
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Some(Servers::Network(address.into()));
        }
        let domain = text.strip_prefix('*').unwrap_or(text);
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        (!domain.is_empty()).then_some(Servers::Domain(domain))
    }

    /// `host` is in lower case, as in every [`Origin`].
    fn include(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Servers::All, _) => true,
            (Servers::Network(network), Some(address)) => network.contains(&address),
            (Servers::Domain(domain), None) => host
                .strip_suffix(domain.as_str())
                .is_some_and(|below| below.is_empty() || below.ends_with('.')),
            (Servers::Network(_), None) | (Servers::Domain(_), Some(_)) => false,
        }
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    const STS: &str = "https://sts.contoso.test";

    /// The rules, as `docs/proxies.md` tells them: a list, an address, and whether it is reached directly.
    const RULES: &[(&str, &str, bool)] = &[
        ("", STS, false),
        (" , ,", STS, false),
        // A name means itself and what is below it, however it is written.
        ("sts.contoso.test", STS, true),
        ("contoso.test", STS, true),
        (".contoso.test", STS, true),
        ("*.contoso.test", STS, true),
        ("contoso.test.", STS, true),
        ("contoso.test", "https://sts.contoso.test.", true),
        ("Contoso.TEST", "https://STS.contoso.test", true),
        ("contoso.test", "https://contoso.test", true),
        (".contoso.test", "https://contoso.test", true),
        ("toso.test", STS, false),
        (".toso.test", STS, false),
        ("sts.contoso.test", "https://contoso.test", false),
        ("contoso.test", "https://contoso.test.evil.test", false),
        ("*", STS, true),
        ("*", "https://192.0.2.1", true),
        // No other wildcard.
        ("sts*", STS, false),
        ("*.*", STS, false),
        // A port restricts it.
        ("sts.contoso.test:443", STS, true),
        ("contoso.test:443", STS, true),
        (".contoso.test:8443", STS, false),
        (".contoso.test:8443", "https://sts.contoso.test:8443", true),
        ("*:443", STS, true),
        ("sts.contoso.test:https", STS, false),
        // Separators.
        ("localhost, contoso.test", STS, true),
        ("localhost ,contoso.test ,", STS, true),
        ("localhost contoso.test", STS, true),
        ("localhost;contoso.test", STS, false),
        // Addresses; a name is never resolved for it.
        ("192.0.2.1", "https://192.0.2.1", true),
        ("192.0.2.0/24", "https://192.0.2.77", true),
        ("192.0.2.0/24", "https://192.0.3.1", false),
        ("192.0.2.1:443", "https://192.0.2.1", true),
        ("192.0.2.1:8443", "https://192.0.2.1", false),
        ("0.2.1", "https://192.0.2.1", false),
        ("127.0.0.0/8", "https://localhost", false),
        ("2001:db8::1", "https://[2001:db8::1]", true),
        ("[2001:db8::1]", "https://[2001:db8::1]", true),
        ("[2001:db8::1]:443", "https://[2001:db8::1]", true),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]", false),
        ("2001:db8::/32", "https://[2001:db8::1]", true),
        ("::1", "https://[2001:db8::1]", false),
    ];

    #[test]
    fn the_rules_hold() {
        for (list, url, direct) in RULES {
            let origin = Origin::of(&Url::parse(url).unwrap()).unwrap();
            assert_eq!(
                NoProxy::parse(list).contains(&origin),
                *direct,
                "NO_PROXY={list:?} {url}"
            );
        }
    }
}
