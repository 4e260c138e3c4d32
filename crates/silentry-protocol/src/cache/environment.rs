//! Which environments in a cache mean the same cloud, or the same server.

use std::borrow::Cow;

use crate::cloud::Cloud;

/// Returns the one name of a row's environment: the host that is called, in lower case.
///
/// Every MSAL writes another host of the cloud (`login.windows.net`, the authority's own), MSAL Node
/// with its port. That of an OpenID Connect server goes on with the path of its issuer, which has case.
pub fn canonical(environment: &str) -> Cow<'_, str> {
    if let Some((host, path)) = environment.split_once('/') {
        return match has_capitals(host) {
            true => Cow::Owned(format!("{}/{path}", host.to_ascii_lowercase())),
            false => Cow::Borrowed(environment),
        };
    }
    let host = environment.strip_suffix(":443").unwrap_or(environment);
    match Cloud::of_host(host) {
        Some(cloud) => Cow::Borrowed(cloud.preferred_network),
        None if has_capitals(host) => Cow::Owned(host.to_ascii_lowercase()),
        None => Cow::Borrowed(host),
    }
}

fn has_capitals(host: &str) -> bool {
    host.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn hosts_of_one_cloud_are_one_environment() {
        for host in [
            "login.windows.net",
            "STS.Windows.Net",
            "login.microsoftonline.com:443",
        ] {
            assert_eq!(canonical(host), "login.microsoftonline.com");
        }
        assert_eq!(canonical("FS.contoso.com"), "fs.contoso.com");
        assert_ne!(
            canonical("login.microsoftonline.us"),
            canonical("login.windows.net")
        );
    }

    #[test]
    fn issuers_are_told_apart_by_their_paths() {
        for issuer in ["sts.windows.net/", "id.test:8443/Realms/a"] {
            assert_eq!(canonical(issuer), issuer);
        }
        assert_eq!(canonical("ID.test/Realms/a"), "id.test/Realms/a");
    }
}
