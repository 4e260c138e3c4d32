//! Whom the token is for.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// A service principal: `HTTP/sts.contoso.com`, with or without `@REALM`.
///
/// Without a realm the KDC finds the realm (by referrals, RFC 6806); the name is never canonicalised by
/// DNS, so that the federation service's own name is asked for and not the balancer it is an alias of.
///
/// ```
/// use silentry_negotiate::ServicePrincipal;
///
/// let service = ServicePrincipal::http("STS.contoso.com")?;
/// assert_eq!(service.as_str(), "HTTP/sts.contoso.com");
/// let elsewhere: ServicePrincipal = "HTTP/sts@RESOURCE.CONTOSO.COM".parse()?;
/// # Ok::<(), silentry_negotiate::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServicePrincipal(String);

impl ServicePrincipal {
    /// Returns `HTTP/<host>`, what RFC 4559 asks for: the host of the URL, without the port.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidServicePrincipal`] if `host` is not a host name in its ASCII form (or an IPv4 address).
    pub fn http(host: &str) -> Result<ServicePrincipal, Error> {
        ServicePrincipal::of_host("HTTP", host)
    }

    /// Returns `<service>/<host>`, for services that are not HTTP: `ldap/dc1.corp.contoso.com`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidServicePrincipal`] as with [`ServicePrincipal::http`], or if `service` is not one word.
    pub fn of_host(service: &str, host: &str) -> Result<ServicePrincipal, Error> {
        // The dot of an absolute DNS name is not part of the SPN.
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if name.contains(['/', '@', ':']) || service.contains(['/', '@']) {
            return Err(Error::InvalidServicePrincipal {
                principal: format!("{service}/{host}"),
            });
        }
        format!("{service}/{name}").parse()
    }

    /// Returns the principal as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServicePrincipal {
    type Err = Error;

    /// Takes `service/host` or `service/host@REALM`.
    fn from_str(text: &str) -> Result<ServicePrincipal, Error> {
        const LONGEST: usize = 1024;
        let (name, realm) = match text.split_once('@') {
            Some((name, realm)) => (name, Some(realm)),
            None => (text, None),
        };
        let parts_present =
            name.split('/').count() >= 2 && name.split('/').all(|part| !part.is_empty());
        let realm_sound = realm.is_none_or(|realm| !realm.is_empty() && !realm.contains('@'));
        // A backslash would quote the next character in a Kerberos name.
        let characters_sound = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if !parts_present || !realm_sound || !characters_sound || text.len() > LONGEST {
            return Err(Error::InvalidServicePrincipal {
                principal: text.to_owned(),
            });
        }
        Ok(ServicePrincipal(text.to_owned()))
    }
}

impl fmt::Display for ServicePrincipal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_the_lower_case_host_without_its_root_dot() {
        for host in ["sts.contoso.com", "STS.Contoso.COM", "sts.contoso.com."] {
            assert_eq!(
                ServicePrincipal::http(host).unwrap().as_str(),
                "HTTP/sts.contoso.com"
            );
        }
    }

    #[test]
    fn what_could_name_another_principal_is_refused() {
        for host in [
            "",
            ".",
            "a:443",
            "a b",
            "a/b",
            "a@B",
            "a\\b",
            "a\nb",
            "a\0",
            "größe.de",
        ] {
            let error = ServicePrincipal::http(host).unwrap_err();
            assert_eq!(error.code(), "invalid_service_principal", "{host:?}");
        }
        for text in [
            "",
            "HTTP",
            "/host",
            "HTTP/",
            "HTTP//x",
            "HTTP/h@",
            "HTTP/h@A@B",
            "HTTP/h \0",
        ] {
            assert!(text.parse::<ServicePrincipal>().is_err(), "{text:?}");
        }
        assert!(
            format!("HTTP/{}", "a".repeat(2000))
                .parse::<ServicePrincipal>()
                .is_err()
        );
    }

    #[test]
    fn other_services_have_a_class_of_their_own() {
        let of = ServicePrincipal::of_host;
        let controller = of("ldap", "DC1.corp.contoso.com.").unwrap();
        assert_eq!(controller.as_str(), "ldap/dc1.corp.contoso.com");
        for service in ["", "a/b", "a@B", "a b"] {
            assert!(of(service, "dc1.corp.contoso.com").is_err(), "{service:?}");
        }
    }

    #[test]
    fn a_realm_may_be_given() {
        let text = "HTTP/sts.contoso.com@CORP.CONTOSO.COM";
        assert_eq!(text.parse::<ServicePrincipal>().unwrap().to_string(), text);
    }
}
