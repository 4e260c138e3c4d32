//! The kinds of servers, and the clouds of Microsoft Entra with the host names each answers to.
//!
//! Every MSAL carries this table (MSAL.NET `KnownMetadataProvider`, MSAL Go `authority.go`, MSAL Java
//! `AadInstanceDiscoveryProvider`, MSAL Python `authority.py`), so that a known host needs no
//! instance discovery. A host that is not in it is either AD FS or a cloud that only instance
//! discovery knows.

/// What kind of server an authority is: which endpoints it has, and which words it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityKind {
    /// Microsoft Entra ID, in any cloud: `https://{host}/{tenant}`.
    Entra,
    /// AD FS 2016 or later asked for tokens of its own: `https://{host}/adfs`.
    AdFs,
    /// Any other server, by OpenID Connect Discovery.
    OpenIdConnect,
}

/// One cloud: the hosts that share users, tokens and caches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// The host that requests are sent to.
    pub preferred_network: &'static str,
    /// The host that MSAL.NET, Java and Node write as `environment` into the token cache.
    pub preferred_cache: &'static str,
    /// All hosts of the cloud, the preferred ones included, in lower case.
    pub aliases: &'static [&'static str],
}

impl Cloud {
    /// Returns the cloud that a host name (without port, in any case) belongs to.
    ///
    /// ```
    /// use silentry_protocol::cloud::Cloud;
    ///
    /// let cloud = Cloud::of_host("STS.windows.net").unwrap();
    /// assert_eq!(cloud.preferred_network, "login.microsoftonline.com");
    /// assert!(Cloud::of_host("sts.contoso.com").is_none());
    /// ```
    #[must_use]
    pub fn of_host(host: &str) -> Option<&'static Cloud> {
        CLOUDS.iter().find(|cloud| cloud.has_alias(host))
    }

    /// Returns whether the host is one of the cloud's.
    #[must_use]
    pub fn has_alias(&self, host: &str) -> bool {
        self.aliases
            .iter()
            .any(|alias| alias.eq_ignore_ascii_case(host))
    }
}

/// All known clouds, the public one first.
pub const CLOUDS: &[Cloud] = &[
    Cloud {
        preferred_network: "login.microsoftonline.com",
        preferred_cache: "login.windows.net",
        aliases: &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
    },
    Cloud {
        preferred_network: "login.partner.microsoftonline.cn",
        preferred_cache: "login.partner.microsoftonline.cn",
        aliases: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    },
    // Closed on 2021-10-29; caches of that time still name it.
    single("login.microsoftonline.de", &["login.microsoftonline.de"]),
    Cloud {
        preferred_network: "login.microsoftonline.us",
        preferred_cache: "login.microsoftonline.us",
        aliases: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    },
    single(
        "login-us.microsoftonline.com",
        &["login-us.microsoftonline.com"],
    ),
    // Microsoft's own test cloud.
    Cloud {
        preferred_network: "login.windows-ppe.net",
        preferred_cache: "login.windows-ppe.net",
        aliases: &[
            "login.windows-ppe.net",
            "sts.windows-ppe.net",
            "login.microsoft-ppe.com",
        ],
    },
    single(
        "login.sovcloud-identity.fr",
        &["login.sovcloud-identity.fr"],
    ),
    single(
        "login.sovcloud-identity.de",
        &["login.sovcloud-identity.de"],
    ),
    single(
        "login.sovcloud-identity.sg",
        &["login.sovcloud-identity.sg"],
    ),
];

/// A cloud of one host.
const fn single(host: &'static str, aliases: &'static [&'static str]) -> Cloud {
    Cloud {
        preferred_network: host,
        preferred_cache: host,
        aliases,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_belongs_to_one_cloud_and_the_preferred_hosts_are_aliases() {
        let mut hosts: Vec<&str> = CLOUDS
            .iter()
            .flat_map(|cloud| cloud.aliases)
            .copied()
            .collect();
        let all = hosts.len();
        hosts.sort_unstable();
        hosts.dedup();
        assert_eq!(hosts.len(), all, "a host in two clouds");
        for cloud in CLOUDS {
            assert!(cloud.has_alias(cloud.preferred_network), "{cloud:?}");
            assert!(cloud.has_alias(cloud.preferred_cache), "{cloud:?}");
            assert!(
                cloud
                    .aliases
                    .iter()
                    .all(|host| host.to_ascii_lowercase() == *host)
            );
        }
    }

    #[test]
    fn the_public_cloud_caches_under_another_name_than_it_is_called_by() {
        let public = Cloud::of_host("login.microsoft.com").unwrap();
        assert_eq!(public.preferred_network, "login.microsoftonline.com");
        assert_eq!(public.preferred_cache, "login.windows.net");
    }
}
