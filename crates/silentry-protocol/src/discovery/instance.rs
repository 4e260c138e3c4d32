//! Instance discovery: whether a host that is in no table belongs to a cloud of Microsoft's, and which others do.
//!
//! Every MSAL asks `login.microsoftonline.com` about such a host, and takes only `invalid_instance` for an answer that
//! ends the sign-in (MSAL.NET `InstanceDiscoveryManager`): whatever else fails, the host stands for itself.

use serde::Deserialize;
use url::{Host, Url};

use crate::MAX_BODY_BYTES;

/// Who is asked.
const TRUSTED: &str = "https://login.microsoftonline.com/common/discovery/instance";

/// A cloud that only instance discovery knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudMetadata {
    /// The host that requests are sent to.
    pub preferred_network: String,
    /// Every host of the cloud, in lower case; at least the one that was asked about.
    pub aliases: Vec<String>,
}

/// Returns the address that tells about the host of an authority.
pub fn question(host: &str, tenant: &str) -> Option<Url> {
    let endpoint = format!("https://{host}/{tenant}/oauth2/v2.0/authorize");
    let query = [
        ("api-version", "1.1"),
        ("authorization_endpoint", endpoint.as_str()),
    ];
    Url::parse_with_params(TRUSTED, query).ok()
}

impl CloudMetadata {
    /// Finds the cloud of `host` in an answer; `None` when the answer has none, or is none.
    pub fn find(body: &[u8], host: &str) -> Option<Self> {
        if body.len() > MAX_BODY_BYTES {
            return None;
        }
        let answer: Answer = serde_json::from_slice(body).ok()?;
        answer.metadata.into_iter().find_map(|cloud| {
            // MSAL.NET and MSAL Node write the third name into caches, should it be none of the aliases.
            let names = cloud.aliases.iter().chain(&cloud.preferred_cache);
            let aliases: Vec<String> = names.filter_map(|name| host_name(name)).collect();
            aliases.iter().any(|alias| alias == host).then_some(())?;
            Some(Self {
                preferred_network: host_name(&cloud.preferred_network)?,
                aliases,
            })
        })
    }
}

/// Requests with passwords and codes will go there: a DNS name and nothing else.
fn host_name(text: &str) -> Option<String> {
    match Host::parse(text).ok()? {
        Host::Domain(name) if name.contains('.') => Some(name),
        Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    metadata: Vec<WireCloud>,
}

#[derive(Deserialize)]
struct WireCloud {
    preferred_network: String,
    preferred_cache: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_the_authority() {
        assert_eq!(
            question("login.new.test", "contoso.com").unwrap().as_str(),
            "https://login.microsoftonline.com/common/discovery/instance?api-version=1.1&authorization_endpoint=https%3A%2F%2Flogin.new.test%2Fcontoso.com%2Foauth2%2Fv2.0%2Fauthorize"
        );
    }

    #[test]
    fn the_cloud_of_the_host_is_found_and_no_other() {
        let body = br#"{"tenant_discovery_endpoint":"x","metadata":[
            {"preferred_network":"a.test","preferred_cache":"a.test","aliases":["a.test"]},
            {"preferred_network":"login.new.test","preferred_cache":"cache.new.test","aliases":["LOGIN.new.test","old.new.test"]}]}"#;
        let cloud = CloudMetadata::find(body, "old.new.test").unwrap();
        assert_eq!(cloud.preferred_network, "login.new.test");
        assert_eq!(
            cloud.aliases,
            ["login.new.test", "old.new.test", "cache.new.test"]
        );
        assert_eq!(CloudMetadata::find(body, "b.test"), None);
    }

    #[test]
    fn an_answer_that_leads_anywhere_but_to_a_host_is_none() {
        for network in [
            "",
            "evil.test/x",
            "a@evil.test",
            "evil.test:444",
            "127.0.0.1",
            "localhost",
            "[::1]",
        ] {
            let body = format!(
                r#"{{"metadata":[{{"preferred_network":"{network}","aliases":["h.test"]}}]}}"#
            );
            assert_eq!(
                CloudMetadata::find(body.as_bytes(), "h.test"),
                None,
                "{network}"
            );
        }
        for body in ["", "[]", "{}", r#"{"metadata":7}"#, r#"{"metadata":[{}]}"#] {
            assert_eq!(
                CloudMetadata::find(body.as_bytes(), "h.test"),
                None,
                "{body}"
            );
        }
    }
}
