//! Who may have issued an id token, and for whom.
//!
//! An id token that came from the token endpoint over TLS needs no signature check (OpenID Connect Core 3.1.3.7,
//! point 6), but its issuer, audience and end are still to be looked at (points 2, 3 and 9). How strictly depends on
//! what the server promises.

use silentry_protocol::cloud::Cloud;
use silentry_protocol::oauth::id_token::IdToken;
use thiserror::Error;
use url::Url;

use crate::text::printable;

/// Issuers of version 1 tokens, each with its cloud's version 2 issuers.
const V1_ISSUERS: [&str; 3] = [
    "sts.windows.net",
    "sts.chinacloudapi.cn",
    "sts.microsoftonline.de",
];

/// Clocks differ; more than this, and nothing with a time in it works (RFC 4120 1.6 has the same limit).
const ALLOWED_SKEW: i64 = 5 * 60;

/// Who issues the tokens of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// Entra: `https://{host}/{tenant id}/v2.0`, or `https://sts.windows.net/{tenant id}/` in version 1. The token
    /// may name any host of the cloud, and the tenant is known only where the authority names its id. What is missing
    /// in the token is not checked: MSALs check nothing of all this.
    Entra {
        /// The hosts; empty where nobody but the program vouches for the authority's.
        hosts: Vec<String>,
        /// The tenant's id.
        tenant: Option<String>,
    },
    /// AD FS, by the issuer that it has unless an administrator set another (`Set-AdfsProperties -IdTokenIssuer`);
    /// its discovery document tells that one.
    AdFs(String),
    /// Any other server, exactly; and it must say when its tokens end.
    OpenIdConnect(String),
}

/// Why an id token is not one for this sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum IdTokenError {
    #[error("the id token was issued by `{0}`, not by {1}")]
    Issuer(String, String),
    #[error("the id token is of the tenant {0}, not of {1}")]
    Tenant(String, String),
    #[error("the id token is for another application")]
    Audience,
    #[error("the id token has ended by this machine's clock, or does not say when it ends")]
    Expired,
}

impl Issuer {
    /// The issuers of a cloud that is known, with those of version 1.
    pub(crate) fn of_cloud(cloud: &Cloud, tenant: Option<String>) -> Self {
        let hosts = cloud.aliases.iter().chain(&V1_ISSUERS);
        Self::Entra {
            hosts: hosts.map(|host| (*host).to_owned()).collect(),
            tenant,
        }
    }

    /// Checks the claims of an id token for a client; `now` is in seconds since 1970.
    pub(crate) fn check(
        &self,
        id: &IdToken,
        client_id: &str,
        now: i64,
    ) -> Result<(), IdTokenError> {
        let strict = matches!(self, Self::OpenIdConnect(_));
        let issued_by = id.iss.as_deref().unwrap_or_default();
        if strict || !issued_by.is_empty() {
            self.check_name(issued_by)?;
        }
        if let Self::Entra {
            tenant: Some(asked),
            ..
        } = self
            && let Some(tid) = &id.tid
            && !tid.eq_ignore_ascii_case(asked)
        {
            return Err(IdTokenError::Tenant(shown(tid), asked.clone()));
        }
        // A server may find a client id in any case, and answer with its own spelling.
        let is_for_client = id.aud.iter().any(|aud| aud.eq_ignore_ascii_case(client_id));
        if !is_for_client && (strict || !id.aud.is_empty()) {
            return Err(IdTokenError::Audience);
        }
        let ends = id.exp.unwrap_or(i64::MIN).saturating_add(ALLOWED_SKEW);
        if strict && ends <= now {
            return Err(IdTokenError::Expired);
        }
        Ok(())
    }

    /// Checks a name alone, of a token or of an authorization response (RFC 9207).
    pub(crate) fn check_name(&self, issued_by: &str) -> Result<(), IdTokenError> {
        let fits = match self {
            Self::Entra { hosts, tenant } => is_of_entra(issued_by, hosts, tenant.as_deref()),
            Self::AdFs(issuer) | Self::OpenIdConnect(issuer) => issued_by == issuer,
        };
        match fits {
            true => Ok(()),
            false => Err(IdTokenError::Issuer(shown(issued_by), self.expected())),
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Entra { hosts, tenant } => {
                let host = hosts.first().map_or("Entra", String::as_str);
                let tenant = tenant.as_deref().unwrap_or("{tenant}");
                format!("`{host}` for `{tenant}`")
            }
            Self::AdFs(issuer) | Self::OpenIdConnect(issuer) => format!("`{issuer}`"),
        }
    }
}

fn is_of_entra(issued_by: &str, hosts: &[String], tenant: Option<&str>) -> bool {
    let Ok(url) = Url::parse(issued_by) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    let mut path = url.path().split('/').filter(|segment| !segment.is_empty());
    let issuing_tenant = path.next().unwrap_or_default();
    url.scheme() == "https"
        && (hosts.is_empty() || hosts.iter().any(|known| known == host))
        && tenant.is_none_or(|tenant| issuing_tenant.eq_ignore_ascii_case(tenant))
        && !issuing_tenant.is_empty()
}

fn shown(text: &str) -> String {
    printable(text, 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Code, Explain};

    const TENANT: &str = "0b2ec4ff-6b1a-4d6b-8a3f-2f0a1b9d7c11";
    const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

    fn public(tenant: Option<&str>) -> Issuer {
        let cloud = Cloud::of_host("login.windows.net").unwrap();
        Issuer::of_cloud(cloud, tenant.map(str::to_owned))
    }

    fn token(iss: &str, tid: Option<&str>, aud: &[&str], exp: Option<i64>) -> IdToken {
        IdToken {
            iss: Some(iss.to_owned()).filter(|iss| !iss.is_empty()),
            tid: tid.map(str::to_owned),
            aud: aud.iter().map(|aud| (*aud).to_owned()).collect(),
            exp,
            ..IdToken::default()
        }
    }

    #[test]
    fn entra_may_be_any_host_of_its_cloud_and_both_versions() {
        for iss in [
            format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
            format!(
                "https://login.microsoftonline.com/{}/v2.0",
                TENANT.to_uppercase()
            ),
            format!("https://sts.windows.net/{TENANT}/"),
            format!("https://sts.chinacloudapi.cn/{TENANT}/"),
            String::new(),
        ] {
            for tenant in [None, Some(TENANT)] {
                let id = token(&iss, Some(TENANT), &["Client"], None);
                assert_eq!(public(tenant).check(&id, "client", 0), Ok(()), "{iss}");
            }
        }
        for iss in [
            format!("http://login.microsoftonline.com/{TENANT}/v2.0"),
            format!("https://login.microsoftonline.us/{TENANT}/v2.0"),
            format!("https://evil.test/{TENANT}/v2.0"),
            "https://login.microsoftonline.com/".to_owned(),
            "login.microsoftonline.com".to_owned(),
        ] {
            let error = public(None).check(&token(&iss, None, &[], None), "c", 0);
            assert!(matches!(error, Err(IdTokenError::Issuer(..))), "{iss}");
        }
    }

    #[test]
    fn a_tenant_that_was_asked_by_its_id_is_the_one_that_answers() {
        let of_other = format!("https://login.microsoftonline.com/{OTHER}/v2.0");
        for id in [
            token(&of_other, Some(TENANT), &[], None),
            token("", Some(OTHER), &[], None),
        ] {
            let error = public(Some(TENANT)).check(&id, "c", 0).unwrap_err();
            assert!(matches!(
                error,
                IdTokenError::Issuer(..) | IdTokenError::Tenant(..)
            ));
            assert_eq!(public(None).check(&id, "c", 0), Ok(()));
        }
    }

    #[test]
    fn a_host_that_the_program_vouches_for_is_not_compared() {
        let unknown = Issuer::Entra {
            hosts: Vec::new(),
            tenant: None,
        };
        // As customers' tenants have it (CIAM): the host of the issuer is another than the authority's.
        let iss = format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0");
        assert_eq!(unknown.check_name(&iss), Ok(()));
        assert!(unknown.check_name("nonsense").is_err());
    }

    #[test]
    fn other_servers_are_taken_by_the_letter() {
        let server = Issuer::OpenIdConnect("https://id.test/a".into());
        let good = || token("https://id.test/a", None, &["other", "c"], Some(1000));
        assert_eq!(server.check(&good(), "c", 1000 + ALLOWED_SKEW - 1), Ok(()));
        for (id, expected) in [
            (
                token("https://id.test/a/", None, &["c"], Some(1000)),
                Code::IssuerMismatch,
            ),
            (token("", None, &["c"], Some(1000)), Code::IssuerMismatch),
            (
                token("https://id.test/a", None, &[], Some(1000)),
                Code::AudienceMismatch,
            ),
            (
                token("https://id.test/a", None, &["x"], Some(1000)),
                Code::AudienceMismatch,
            ),
            (
                token("https://id.test/a", None, &["c"], None),
                Code::IdTokenExpired,
            ),
            (
                token("https://id.test/a", None, &["c"], Some(1)),
                Code::IdTokenExpired,
            ),
        ] {
            let error = server.check(&id, "c", 1000).unwrap_err();
            assert_eq!(error.code(), expected, "{id:?}");
        }
    }
}
