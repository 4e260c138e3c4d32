//! Which hosts may be sent the user's ticket or password: the one place for the rule.
//!
//! The realm answer and the metadata are written by whoever administers the user's domain at Entra. Without a rule they
//! could aim a ticket at any host that the user can reach, such as a printer or a server on a port that somebody else
//! listens on.

use std::fmt;

use silentry_protocol::wstrust::address::HttpsUrl;
use url::Host;

/// Names of this machine, of which some have a dot (RFC 6761 6.3, and the hosts files of Linux distributions).
const LOCAL: [&str; 3] = ["localhost", "localhost4", "localhost6"];

/// Entra's own federation servers for Seamless SSO.
const AUTOLOGON: [&str; 2] = [
    "autologon.microsoftazuread-sso.com",
    "autologon.microsoftazuread-sso.us",
];

/// A list of federation servers, `host` or `host:port`; what it lists is all that is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FederationHosts {
    listed: Vec<HostAndPort>,
    /// Whether the servers of Seamless SSO are left out: a list says nothing of them.
    no_seamless_sso: bool,
}

/// A host and its port, so that two addresses of the same server are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct HostAndPort {
    /// In lower case and in its ASCII form, without the final dot of an absolute name.
    host: String,
    port: u16,
}

/// Who names an address that the credential would go to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NamedBy<'a> {
    /// Metadata that was read at this address.
    Metadata(&'a HttpsUrl),
    /// A document of the caller's, who vouches for the hosts in it.
    Caller,
}

/// Why a host is sent nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is a list, and the host is not in it.
    NotListed,
    /// It is one of Seamless SSO, which is switched off.
    SeamlessSsoOff,
    /// It is an address: nobody can tell whose, and Kerberos has no principal for it.
    IpAddress,
    /// A name without a dot leads to another host in each network.
    WithoutDot,
    /// It is this machine.
    Local,
    /// Another program than the federation server may listen there.
    Port,
    /// The metadata of one host names another.
    OtherHost { metadata: String },
    /// The ticket that was chosen is for another host.
    OtherPrincipal { principal: String },
}

impl FederationHosts {
    /// Reads the entries; an empty list restricts nothing and lifts nothing.
    ///
    /// # Errors
    ///
    /// The first entry that is not `host` or `host:port`.
    pub(crate) fn parse<S: AsRef<str>>(
        entries: impl IntoIterator<Item = S>,
    ) -> Result<Self, String> {
        let entries = entries.into_iter();
        let hosts = entries.map(|entry| {
            let entry = entry.as_ref().trim();
            HostAndPort::parse(entry).ok_or_else(|| crate::text::printable(entry, 120))
        });
        Ok(Self {
            listed: hosts.collect::<Result<_, _>>()?,
            no_seamless_sso: false,
        })
    }

    /// Sets whether the servers of Seamless SSO may receive a ticket.
    pub(crate) fn with_seamless_sso(mut self, allowed: bool) -> Self {
        self.no_seamless_sso = !allowed;
        self
    }

    fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Returns whether the list has this server.
    pub(crate) fn lists(&self, url: &HttpsUrl) -> bool {
        self.listed.contains(&HostAndPort::of(url))
    }

    /// Decides whether a credential may go to `url`. `principal` is whom the ticket is for, where somebody has chosen it
    /// instead of the host's own: it is worth something at that principal's host, wherever it was sent.
    pub(crate) fn may_receive(
        &self,
        url: &HttpsUrl,
        named_by: NamedBy<'_>,
        principal: Option<&str>,
    ) -> Result<(), Refusal> {
        self.check_seamless_sso(url)?;
        if !self.is_empty() && !is_autologon(url) {
            return match self.lists(url) {
                true => Ok(()),
                false => Err(Refusal::NotListed),
            };
        }
        ordinary(url)?;
        if let Some(principal) = principal.filter(|principal| !is_of_host(principal, url)) {
            return Err(Refusal::OtherPrincipal {
                principal: crate::text::printable(principal, 120),
            });
        }
        match named_by {
            NamedBy::Metadata(metadata) if HostAndPort::of(metadata) != HostAndPort::of(url) => {
                Err(Refusal::OtherHost {
                    metadata: metadata.authority(),
                })
            }
            NamedBy::Metadata(_) | NamedBy::Caller => Ok(()),
        }
    }

    /// Decides whether metadata may be read at `url`, which is sent no credential but tells who is: a server of the list,
    /// or any that could be a federation server.
    pub(crate) fn may_tell(&self, url: &HttpsUrl) -> Result<(), Refusal> {
        self.check_seamless_sso(url)?;
        match self.lists(url) {
            true => Ok(()),
            false => ordinary(url),
        }
    }

    fn check_seamless_sso(&self, url: &HttpsUrl) -> Result<(), Refusal> {
        match self.no_seamless_sso && is_autologon(url) {
            true => Err(Refusal::SeamlessSsoOff),
            false => Ok(()),
        }
    }
}

/// Returns whether this is one of Entra's servers for Seamless SSO. They are not documented to prove themselves, and the
/// ticket is decrypted far behind the certificate that a client sees.
pub(crate) fn is_autologon(url: &HttpsUrl) -> bool {
    let server = HostAndPort::of(url);
    server.port == 443 && AUTOLOGON.contains(&server.host.as_str())
}

impl fmt::Display for FederationHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, HostAndPort { host, port }) in self.listed.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{host}")?;
            if *port != 443 {
                write!(f, ":{port}")?;
            }
        }
        Ok(())
    }
}

impl HostAndPort {
    fn of(url: &HttpsUrl) -> Self {
        Self {
            host: url.host().trim_end_matches('.').to_owned(),
            port: url.port(),
        }
    }

    /// Reads an entry as the host of a URL is read, so that both are spelt alike.
    fn parse(entry: &str) -> Option<Self> {
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"/\\?#@%*,;".contains(c);
        if entry.is_empty() || !entry.chars().all(plain) || entry.ends_with(':') {
            return None;
        }
        let url = HttpsUrl::parse(&format!("https://{entry}/")).ok()?;
        let host = Self::of(&url);
        // `.contoso.com` means every host below it elsewhere (NO_PROXY); here it would never match.
        let is_whole = host.host.split('.').all(|label| !label.is_empty());
        (is_whole && host.port != 0).then_some(host)
    }
}

/// Refuses what no federation server is called, unless somebody lists it.
fn ordinary(url: &HttpsUrl) -> Result<(), Refusal> {
    let Some(Host::Domain(name)) = url.as_url().host() else {
        return Err(Refusal::IpAddress);
    };
    let name = name.trim_end_matches('.');
    let labels: Vec<&str> = name.split('.').collect();
    if labels.iter().any(|label| LOCAL.contains(label)) {
        return Err(Refusal::Local);
    }
    if labels.len() < 2 || labels.iter().any(|label| label.is_empty()) {
        return Err(Refusal::WithoutDot);
    }
    match url.port() {
        443 => Ok(()),
        _ => Err(Refusal::Port),
    }
}

/// Returns whether `service/host` or `service/host@REALM` names the host of the URL, as a host of a URL is read.
fn is_of_host(principal: &str, url: &HttpsUrl) -> bool {
    let name = principal.split('@').next().unwrap_or_default();
    let host = name.split('/').nth(1).unwrap_or_default();
    HostAndPort::parse(host).is_some_and(|named| named.host == HostAndPort::of(url).host)
}

impl Refusal {
    /// Says what is wrong with sending a credential to `url`.
    pub(crate) fn about(&self, url: &HttpsUrl) -> String {
        let to = url.authority();
        match self {
            Refusal::NotListed => format!("the list of federation hosts does not have {to}"),
            Refusal::SeamlessSsoOff => {
                format!("the sign-in would go to {to}, and Seamless SSO is switched off")
            }
            Refusal::IpAddress => {
                format!("the sign-in would go to {to}, an IP address instead of a name")
            }
            Refusal::WithoutDot => {
                format!("the sign-in would go to {to}, a name without its domain")
            }
            Refusal::Local => format!("the sign-in would go to {to}, which is this machine"),
            Refusal::Port => format!("the sign-in would go to {to}, a port other than 443"),
            Refusal::OtherHost { metadata } => {
                format!("the metadata of {metadata} sends the sign-in to another host, {to}")
            }
            Refusal::OtherPrincipal { principal } => {
                format!("the ticket for {principal} would go to another host, {to}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(authority: &str) -> HttpsUrl {
        HttpsUrl::parse(&format!("https://{authority}/adfs/services/trust/mex")).unwrap()
    }

    #[test]
    fn without_a_list_only_a_full_name_on_port_443_is_sent_anything() {
        use Refusal::{IpAddress, Local, Port, WithoutDot};
        for (authority, verdict) in [
            ("sts.contoso.com", Ok(())),
            ("STS.Contoso.COM", Ok(())),
            ("sts.contoso.com:443", Ok(())),
            ("sts.contoso.com.", Ok(())),
            ("contoso.com", Ok(())),
            ("sts.bücher.example", Ok(())),
            ("xn--bcher-kva.example", Ok(())),
            ("sts.contoso.com:9443", Err(Port)),
            ("sts.contoso.com:22", Err(Port)),
            ("sts.contoso.com:80", Err(Port)),
            ("sts.contoso.com:0", Err(Port)),
            ("intranet", Err(WithoutDot)),
            ("intranet.", Err(WithoutDot)),
            ("INTRANET", Err(WithoutDot)),
            ("intranet。", Err(WithoutDot)),
            (".intranet", Err(WithoutDot)),
            ("intranet..", Err(WithoutDot)),
            ("xn--bcher-kva", Err(WithoutDot)),
            ("intranet:9443", Err(WithoutDot)),
            ("localhost", Err(Local)),
            ("localhost.", Err(Local)),
            ("LOCALHOST", Err(Local)),
            ("ｌｏｃａｌｈｏｓｔ", Err(Local)),
            ("sts.localhost", Err(Local)),
            ("localhost.localdomain", Err(Local)),
            ("localhost6.localdomain6", Err(Local)),
            ("10.0.0.5", Err(IpAddress)),
            ("10.0.0.5.", Err(IpAddress)),
            ("10.5", Err(IpAddress)),
            ("167772165", Err(IpAddress)),
            ("0x0a000005", Err(IpAddress)),
            ("0x7f.1", Err(IpAddress)),
            ("012.0.0.5", Err(IpAddress)),
            ("１０.0.0.5", Err(IpAddress)),
            ("%31%30.0.0.5", Err(IpAddress)),
            ("[::1]", Err(IpAddress)),
            ("[::ffff:10.0.0.5]", Err(IpAddress)),
            ("[fd00::5]:443", Err(IpAddress)),
        ] {
            let (none, url) = (FederationHosts::default(), url(authority));
            assert_eq!(
                none.may_receive(&url, NamedBy::Caller, None),
                verdict,
                "{url}"
            );
            assert_eq!(none.may_tell(&url), verdict, "{url}");
        }
        // An address in which somebody hides another one is none at all.
        for address in [
            "https://sts.contoso.com@evil.example/",
            "https://sts.contoso.com:443@10.0.0.5/",
            "https://[fe80::1%25eth0]/",
            "https://10.0.0.256/",
        ] {
            assert!(HttpsUrl::parse(address).is_err(), "{address}");
        }
    }

    #[test]
    fn without_a_list_metadata_leads_to_its_own_host_and_port_alone() {
        let none = FederationHosts::default();
        for (metadata, endpoint, allowed) in [
            ("sts.contoso.com", "sts.contoso.com", true),
            ("sts.contoso.com", "STS.contoso.com.:443", true),
            ("sts.contoso.com.", "sts.contoso.com", true),
            ("sts.bücher.example", "sts.xn--bcher-kva.example", true),
            ("sts.contoso.com", "sts2.contoso.com", false),
            ("sts.contoso.com", "contoso.com", false),
            ("sts.contoso.com", "sts.contoso.com.evil.example", false),
            ("sts.contoso.com", "sts.contoso.com:8443", false),
            ("sts.contoso.com:8443", "sts.contoso.com", false),
        ] {
            let (metadata, endpoint) = (url(metadata), url(endpoint));
            let verdict = none.may_receive(&endpoint, NamedBy::Metadata(&metadata), None);
            assert_eq!(verdict.is_ok(), allowed, "{metadata} {endpoint}");
        }
    }

    #[test]
    fn without_a_list_the_ticket_of_another_host_is_sent_nowhere() {
        let none = FederationHosts::default();
        for (principal, allowed) in [
            ("HTTP/sts.contoso.com", true),
            ("HTTP/STS.Contoso.com.", true),
            ("HTTP/sts.contoso.com@CONTOSO.COM", true),
            ("host/sts.contoso.com", true),
            ("HTTP/sts.contoso.com:443", true),
            ("HTTP/sts", false),
            ("HTTP/intranet.contoso.com", false),
            ("HTTP/intranet.contoso.com/sts.contoso.com", false),
            ("HTTP/intranet.contoso.com@sts.contoso.com", false),
            ("sts.contoso.com", false),
        ] {
            let url = url("sts.contoso.com");
            let verdict = none.may_receive(&url, NamedBy::Caller, Some(principal));
            assert_eq!(verdict.is_ok(), allowed, "{principal}");
        }
    }

    #[test]
    fn seamless_sso_has_a_switch_of_its_own_whatever_is_listed() {
        let list = FederationHosts::parse(["sts.contoso.com"]).unwrap();
        for hosts in [FederationHosts::default(), list] {
            let off = hosts.clone().with_seamless_sso(false);
            for host in AUTOLOGON {
                let server = url(host);
                let named_by = NamedBy::Metadata(&server);
                assert_eq!(hosts.may_tell(&server), Ok(()));
                assert_eq!(hosts.may_receive(&server, named_by, None), Ok(()));
                let refused = Err(Refusal::SeamlessSsoOff);
                assert_eq!(off.may_tell(&server), refused);
                assert_eq!(off.may_receive(&server, named_by, None), refused);
                // Neither for another metadata document nor for another port.
                let other = url("sts.contoso.com");
                let verdict = hosts.may_receive(&server, NamedBy::Metadata(&other), None);
                assert!(verdict.is_err(), "{host}");
                let port = url(&format!("{host}:8443"));
                let verdict = hosts.may_receive(&port, NamedBy::Metadata(&port), None);
                assert!(verdict.is_err(), "{host}");
            }
            assert_eq!(off.may_tell(&url("sts.contoso.com")), Ok(()));
        }
    }

    #[test]
    fn a_list_is_all_that_is_allowed_and_lifts_the_refusals() {
        let list = [
            "sts.contoso.com",
            " Kerberos.Contoso.example:443 ",
            "10.0.0.5:9443",
            "intranet",
            "[::1]:9443",
            "sts.bücher.example",
        ];
        let list = FederationHosts::parse(list).unwrap();
        let metadata = url("login.idp.example");
        for (endpoint, allowed) in [
            ("sts.contoso.com", true),
            ("sts.contoso.com.", true),
            ("kerberos.contoso.example", true),
            ("0x0a000005:9443", true),
            ("intranet", true),
            ("[0:0::1]:9443", true),
            ("sts.xn--bcher-kva.example", true),
            ("sts.contoso.com:9443", false),
            ("10.0.0.5", false),
            ("intranet:9443", false),
            ("intranet.contoso.com", false),
            ("login.idp.example", false),
            ("a.sts.contoso.com", false),
        ] {
            let endpoint = url(endpoint);
            for named_by in [NamedBy::Metadata(&metadata), NamedBy::Caller] {
                let verdict = list.may_receive(&endpoint, named_by, Some("HTTP/any"));
                assert_eq!(verdict.is_ok(), allowed, "{endpoint} {named_by:?}");
            }
        }
        // Metadata is sent nothing, so the list need not have its host.
        for (metadata, allowed) in [
            ("login.idp.example", true),
            ("intranet", true),
            ("10.0.0.6", false),
            ("printer", false),
        ] {
            assert_eq!(list.may_tell(&url(metadata)).is_ok(), allowed, "{metadata}");
        }
    }

    #[test]
    fn an_entry_is_a_host_with_or_without_port() {
        for entry in [
            "",
            " ",
            ".",
            ":443",
            "sts.contoso.com:",
            "sts.contoso.com:0",
            "sts.contoso.com:70000",
            "sts.contoso.com:x",
            "https://sts.contoso.com",
            "sts.contoso.com/adfs",
            "*.contoso.com",
            ".contoso.com",
            "sts..contoso.com",
            "*",
            "alice@sts.contoso.com",
            "sts.contoso.com sts2.contoso.com",
            "sts.contoso.com,sts2.contoso.com",
            "::1",
            "a%2eb",
        ] {
            assert!(FederationHosts::parse([entry]).is_err(), "{entry:?}");
        }
        let list = FederationHosts::parse(["STS.contoso.com:443", "[::1]:8443"]).unwrap();
        assert_eq!(list.to_string(), "sts.contoso.com, [::1]:8443");
    }
}
