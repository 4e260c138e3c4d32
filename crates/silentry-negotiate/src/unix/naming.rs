//! How principals are written for the GSS-API, and read from it.

use crate::ServicePrincipal;

use super::mechanism::NameType;

/// A name as it is imported.
pub(super) type Target = (NameType, String);

/// Returns the name of a service so that the user's own KDC is asked and its referrals are followed,
/// whatever `default_realm` is, and without DNS having a say in the host's name.
///
/// MIT Kerberos does so for a principal with an empty realm. For one without `@` it takes
/// `default_realm`, which need not be the service's nor the user's; host-based names it canonicalises by
/// DNS unless krb5.conf says otherwise. Heimdal would send an empty realm to the KDC; it wants a
/// host-based name, and canonicalisation turned off.
pub(super) fn target(principal: &ServicePrincipal, heimdal: bool) -> Target {
    let name = principal.as_str();
    if name.contains('@') {
        return (NameType::Principal, name.to_owned());
    }
    match host_based(principal) {
        Some(host_based) if heimdal => host_based,
        _ if heimdal => (NameType::Principal, name.to_owned()),
        _ => (NameType::Principal, format!("{name}@")),
    }
}

/// Returns the name as a service on a host, whose realm the library looks up in krb5.conf
/// (`[domain_realm]`); none if it says its realm itself or has more parts.
pub(super) fn host_based(principal: &ServicePrincipal) -> Option<Target> {
    let (service, host) = principal.as_str().split_once('/')?;
    let alone = !host.contains(['/', '@']);
    alone.then(|| (NameType::HostBased, format!("{service}@{host}")))
}

/// Returns how to ask for a service in the realm that the library has found for its host, given the
/// library's canonical form of the host-based name.
///
/// Of that form only the realm counts: MIT Kerberos puts DNS's canonical name of the host in, and a
/// ticket for the balancer that a federation service's name is an alias of is not for the federation
/// service. If there is no realm in it, the KDC is asked with the name type of a host-based service, the
/// only one for which MIT's KDC refers to another realm (krb5 `do_tgs_req.c`, `is_referral_req`).
pub(super) fn in_realm_of_host(principal: &ServicePrincipal, canonical: &str) -> Option<Target> {
    let (name, realm) = canonical.rsplit_once('@')?;
    if !realm.is_empty() {
        return Some((NameType::Principal, format!("{principal}@{realm}")));
    }
    let unchanged = name.eq_ignore_ascii_case(principal.as_str());
    host_based(principal).filter(|_| unchanged)
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

    #[test]
    fn only_a_service_on_a_host_is_host_based() {
        let written = |text: &str| host_based(&text.parse().unwrap());
        let expected = (NameType::HostBased, "HTTP@sts.contoso.com".to_owned());
        assert_eq!(written("HTTP/sts.contoso.com"), Some(expected));
        assert_eq!(written("HTTP/sts/instance"), None);
        assert_eq!(written("HTTP/sts@CORP"), None);
    }

    #[test]
    fn dns_tells_the_realm_of_a_host_but_not_its_name() {
        let service = "HTTP/sts.contoso.com".parse().unwrap();
        let asked = |canonical| in_realm_of_host(&service, canonical);
        let named = principal("HTTP/sts.contoso.com@RES");
        assert_eq!(asked("HTTP/sts.contoso.com@RES"), Some(named.clone()));
        assert_eq!(asked("HTTP/balancer.contoso.com@RES"), Some(named));
        assert_eq!(asked("HTTP/sts.contoso.com@"), host_based(&service));
        assert_eq!(asked("HTTP/balancer.contoso.com@"), None);
        assert_eq!(asked("HTTP/sts.contoso.com"), None);
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
