//! Which host names in a cache mean the same cloud.

use std::borrow::Cow;

use crate::authority::clouds::Cloud;

/// Returns the one name of a row's environment: the host that is called, in lower case.
///
/// Every MSAL writes another host of the cloud (`login.windows.net`, the authority's own), MSAL Node
/// with its port.
pub(crate) fn canonical(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix(":443").unwrap_or(host);
    match Cloud::of_host(host) {
        Some(cloud) => Cow::Borrowed(cloud.preferred_network),
        None if host.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            Cow::Owned(host.to_ascii_lowercase())
        }
        None => Cow::Borrowed(host),
    }
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
}
