//! Tenants: an id, a domain, or one of Entra's words for many.

use std::fmt;

use silentry_protocol::guid::is_guid;

use crate::error::{Code, Error, Stage};

/// The tenant of personal Microsoft accounts, in Microsoft's documentation of the id_token's `tid`.
pub(crate) const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The tenant part of an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tenant {
    /// A directory (tenant) id.
    Id(String),
    /// A verified domain of the tenant.
    Domain(String),
    /// Users of any organisation.
    Organizations,
    /// Users of any organisation and personal accounts.
    Common,
    /// Personal Microsoft accounts.
    Consumers,
}

impl Tenant {
    /// Reads the tenant as people write it: a GUID, a domain, `organizations`, `common` or `consumers`.
    ///
    /// # Errors
    ///
    /// `invalid_authority` when it is none of these.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tenant = text.trim().to_ascii_lowercase();
        Ok(match tenant.as_str() {
            "organizations" => Tenant::Organizations,
            "common" => Tenant::Common,
            "consumers" | PERSONAL_ACCOUNTS => Tenant::Consumers,
            guid if is_guid(guid) => Tenant::Id(tenant),
            domain if is_domain(domain) => Tenant::Domain(tenant),
            _ => {
                return Err(Error::new(
                    Code::InvalidAuthority,
                    Stage::Request,
                    format!("`{text}` is not a tenant: neither a tenant id nor a domain name"),
                ));
            }
        })
    }

    /// Returns the tenant as it stands in an authority.
    pub fn as_str(&self) -> &str {
        match self {
            Tenant::Id(id) => id,
            Tenant::Domain(domain) => domain,
            Tenant::Organizations => "organizations",
            Tenant::Common => "common",
            Tenant::Consumers => "consumers",
        }
    }

    /// Returns the domain, when the tenant is named by one.
    pub fn domain(&self) -> Option<&str> {
        match self {
            Tenant::Domain(domain) => Some(domain),
            _ => None,
        }
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns whether two client ids are of one application: those of Entra are GUIDs, which have no case.
pub(crate) fn same_client(a: &str, b: &str) -> bool {
    a == b || (a.eq_ignore_ascii_case(b) && is_guid(a))
}

/// Letters, digits, `-` and at least one dot, as RFC 1123 has host names; international names come as Punycode.
fn is_domain(text: &str) -> bool {
    text.len() <= 253
        && text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_told_apart() {
        let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        assert_eq!(Tenant::parse(id).unwrap(), Tenant::Id(id.to_owned()));
        assert_eq!(
            Tenant::parse("Contoso.COM").unwrap().domain(),
            Some("contoso.com")
        );
        assert_eq!(
            Tenant::parse("ORGANIZATIONS").unwrap(),
            Tenant::Organizations
        );
        for text in [
            "",
            "contoso",
            "con toso.com",
            "a..b",
            "../x.y",
            "contoso.com/x",
        ] {
            assert!(Tenant::parse(text).is_err(), "{text}");
        }
    }
}
