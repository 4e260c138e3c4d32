//! How principals are written for the GSSAPI, and read from it.

use crate::ServicePrincipal;

use super::mechanism::NameType;

/// A name as it is imported.
pub(super) type Target = (NameType, String);

/// Returns the name of a service so that the user's own KDC is asked and its referrals are followed,
/// whatever `default_realm` is, and without DNS having a say in the host's name.
///
/// MIT Kerberos does so for a principal with an empty realm. For one without `@` it takes
/// `default_realm`, which need not be the service's nor the user's. A host-based name it may replace by another, that
/// DNS has for the host, when it is imported (`dns_canonicalize_hostname = true`) or when the KDC does not know the first
/// (`fallback`): so it is never given one. Heimdal would send an empty realm to the KDC; it wants a host-based name, and
/// canonicalisation turned off.
pub(super) fn target(principal: &ServicePrincipal, heimdal: bool) -> Target {
    let name = principal.as_str();
    if name.contains('@') {
        return (NameType::Principal, name.to_owned());
    }
    match service_and_host(principal) {
        Some((service, host)) if heimdal => (NameType::HostBased, format!("{service}@{host}")),
        _ if heimdal => (NameType::Principal, name.to_owned()),
        _ => (NameType::Principal, format!("{name}@")),
    }
}

/// Returns the service and its host; none if the principal says its realm itself or has more parts.
pub(super) fn service_and_host(principal: &ServicePrincipal) -> Option<(&str, &str)> {
    let (service, host) = principal.as_str().split_once('/')?;
    let alone = !host.contains(['/', '@']);
    alone.then_some((service, host))
}

/// Returns how to ask MIT Kerberos for a service in the realm that its host is in.
///
/// If nobody knows a realm, the KDC is asked for a service instance: MIT's KDC refers to another realm for that name
/// type and for host-based ones alone (krb5 `do_tgs_req.c`, `is_referral_req`).
pub(super) fn in_realm_of_host(principal: &ServicePrincipal, realm: &str) -> Option<Target> {
    if realm.is_empty() {
        return Some((NameType::Instance, principal.as_str().to_owned()));
    }
    // DNS may have told the realm; the name must stay what it is.
    let there: ServicePrincipal = format!("{principal}@{realm}").parse().ok()?;
    Some((NameType::Principal, there.as_str().to_owned()))
}

/// Returns what stands behind the last `@` that no backslash quotes (RFC 1964, 2.1.1).
pub(super) fn realm_of(principal: &str) -> Option<&str> {
    let mut quoted = false;
    let mut realm = None;
    for (place, character) in principal.char_indices() {
        match character {
            '\\' if !quoted => {
                quoted = true;
                continue;
            }
            '@' if !quoted => realm = Some(&principal[place + 1..]),
            _ => {}
        }
        quoted = false;
    }
    realm.filter(|realm| !realm.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(text: &str) -> Target {
        (NameType::Principal, text.to_owned())
    }

    #[test]
    fn a_service_without_realm_is_asked_of_the_users_kdc() {
        let written = |text: &str, heimdal| target(&text.parse().unwrap(), heimdal);
        let host_based = (NameType::HostBased, "HTTP@sts.contoso.com".to_owned());
        assert_eq!(
            written("HTTP/sts.contoso.com", false),
            principal("HTTP/sts.contoso.com@")
        );
        assert_eq!(written("HTTP/sts.contoso.com", true), host_based);
        assert_eq!(
            written("HTTP/sts/instance", true),
            principal("HTTP/sts/instance")
        );
        for heimdal in [false, true] {
            assert_eq!(
                written("HTTP/sts@CORP", heimdal),
                principal("HTTP/sts@CORP")
            );
        }
    }

    /// MIT Kerberos lets DNS choose another host for a host-based name.
    #[test]
    fn mit_is_never_given_a_host_based_name() {
        for text in [
            "HTTP/sts.contoso.com",
            "HTTP/sts@CORP",
            "HTTP/a/b",
            "ldap/dc1",
        ] {
            let service = text.parse().unwrap();
            let mut asked = vec![target(&service, false)];
            for realm in ["", "RES", "A@B", "A/B", "A\\B", "R\u{e9}"] {
                asked.extend(in_realm_of_host(&service, realm));
            }
            for (kind, name) in asked {
                assert_ne!(kind, NameType::HostBased, "{name}");
                assert_eq!(name.split('@').next(), text.split('@').next());
            }
        }
    }

    #[test]
    fn a_realm_is_learnt_for_the_name_as_it_is() {
        let service = "HTTP/sts.contoso.com".parse().unwrap();
        let there = principal("HTTP/sts.contoso.com@RES");
        assert_eq!(in_realm_of_host(&service, "RES"), Some(there));
        let instance = (NameType::Instance, "HTTP/sts.contoso.com".to_owned());
        assert_eq!(in_realm_of_host(&service, ""), Some(instance));
        assert_eq!(in_realm_of_host(&service, "A@B"), None);
    }

    #[test]
    fn the_realm_is_behind_the_last_bare_at_sign() {
        assert_eq!(realm_of("alice@CORP.CONTOSO.COM"), Some("CORP.CONTOSO.COM"));
        assert_eq!(realm_of(r"alice\@contoso.com@CORP"), Some("CORP"));
        assert_eq!(realm_of(r"odd\\@CORP"), Some("CORP"));
        assert_eq!(realm_of(r"alice\@contoso.com"), None);
        assert_eq!(realm_of("alice@"), None);
        assert_eq!(realm_of("alice"), None);
    }
}
