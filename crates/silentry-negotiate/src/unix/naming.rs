//! How principals are written for the GSS-API, and read from it.

use crate::ServicePrincipal;

use super::mechanism::NameType;

/// Returns the name of a service as it is imported, so that the user's own KDC is asked and its referrals
/// are followed, whatever `default_realm` is, and without DNS having a say in the host's name.
///
/// MIT Kerberos does so for a principal with an empty realm. For one without `@` it takes
/// `default_realm`, which need not be the service's nor the user's; host-based names it canonicalises by
/// DNS unless krb5.conf says otherwise. Heimdal would send an empty realm to the KDC; it wants a
/// host-based name, and canonicalisation turned off.
pub(super) fn target(principal: &ServicePrincipal, heimdal: bool) -> (NameType, String) {
    let name = principal.as_str();
    if name.contains('@') {
        return (NameType::Principal, name.to_owned());
    }
    match name.split_once('/') {
        Some((service, host)) if heimdal && !host.contains('/') => {
            (NameType::HostBased, format!("{service}@{host}"))
        }
        _ if heimdal => (NameType::Principal, name.to_owned()),
        _ => (NameType::Principal, format!("{name}@")),
    }
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

    #[test]
    fn a_service_without_realm_is_asked_of_the_users_kdc() {
        let written = |text: &str, heimdal| target(&text.parse().unwrap(), heimdal);
        let principal = |text: &str| (NameType::Principal, text.to_owned());
        let host_based = |text: &str| (NameType::HostBased, text.to_owned());

        assert_eq!(
            written("HTTP/sts.contoso.com", false),
            principal("HTTP/sts.contoso.com@")
        );
        assert_eq!(
            written("HTTP/sts.contoso.com", true),
            host_based("HTTP@sts.contoso.com")
        );
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
    fn the_realm_is_behind_the_last_bare_at_sign() {
        assert_eq!(realm_of("alice@CORP.CONTOSO.COM"), Some("CORP.CONTOSO.COM"));
        assert_eq!(realm_of(r"alice\@contoso.com@CORP"), Some("CORP"));
        assert_eq!(realm_of(r"odd\\@CORP"), Some("CORP"));
        assert_eq!(realm_of(r"alice\@contoso.com"), None);
        assert_eq!(realm_of("alice@"), None);
        assert_eq!(realm_of("alice"), None);
    }
}
