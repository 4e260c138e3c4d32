//! From the signed-in principal to the UPN that Entra knows.
//!
//! On Linux and macOS the platform knows a Kerberos principal, and its realm is not always the domain of the UPN
//! (`ana@CORP.CONTOSO.COM` may be `ana@contoso.com` to Entra). Only the domain matters for realm discovery, and the
//! token names the real UPN, so a guess that leads to the right domain is as good as the UPN itself. The Microsoft
//! JDBC driver for SQL Server does the same. Where no guess does, the directory is asked ([`crate::directory`]).

#[cfg(feature = "integrated")]
mod candidates;

use std::fmt;

#[cfg(feature = "integrated")]
pub(crate) use candidates::{Candidates, SignedIn, upn_candidates};

use crate::error::{Error, Stage};
use crate::text::printable;

/// Domains of personal Microsoft accounts, which no AD FS serves.
const PERSONAL_DOMAINS: [&str; 5] = [
    "hotmail.com",
    "live.com",
    "msn.com",
    "outlook.com",
    "passport.com",
];

/// Longer ones do not exist: 64 characters, `@` and a domain of 253 at most, with room for guests' `#EXT#` names.
const MAX_UPN_LENGTH: usize = 512;

/// A user principal name: `user@domain`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserPrincipalName(String);

impl UserPrincipalName {
    /// Reads a UPN.
    ///
    /// # Errors
    ///
    /// `invalid_username` when it has no domain or holds characters that no UPN has, and
    /// `ropc_not_supported_for_msa` for personal Microsoft accounts.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let invalid = |why: &str| {
            let shown = printable(text, 120);
            Error::new(
                "invalid_username",
                Stage::Request,
                format!("`{shown}` is no UPN: {why}"),
            )
        };
        if text.contains('\\') {
            return Err(invalid(
                "DOMAIN\\user is the older name; a UPN is user@domain",
            ));
        }
        let (user, domain) = text
            .rsplit_once('@')
            .ok_or_else(|| invalid("it has no @domain"))?;
        if user.is_empty() || domain.is_empty() {
            return Err(invalid("it must be user@domain"));
        }
        if text.len() > MAX_UPN_LENGTH || text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(invalid(
                "it is too long, or holds blanks or control characters",
            ));
        }
        if PERSONAL_DOMAINS
            .iter()
            .any(|personal| domain.eq_ignore_ascii_case(personal))
        {
            return Err(Error::new(
                "ropc_not_supported_for_msa",
                Stage::Request,
                format!("`{text}` is a personal Microsoft account"),
            )
            .with_aadsts([90010]));
        }
        Ok(UserPrincipalName(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is one of this domain.
    #[cfg(feature = "integrated")]
    pub(crate) fn is_of(&self, domain: &str) -> bool {
        let own = self.0.rsplit_once('@').map(|(_, own)| own);
        own.is_some_and(|own| own.eq_ignore_ascii_case(domain))
    }
}

impl fmt::Display for UserPrincipalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_upn_is_refused() {
        for text in [
            "",
            "ana",
            "CONTOSO\\ana",
            "@contoso.com",
            "ana@",
            "a na@contoso.com",
            "a\n@b.c",
        ] {
            assert_eq!(
                UserPrincipalName::parse(text).unwrap_err().code(),
                "invalid_username"
            );
        }
        let personal = UserPrincipalName::parse("ana@Outlook.com").unwrap_err();
        assert_eq!(personal.code(), "ropc_not_supported_for_msa");
        assert_eq!(personal.aadsts(), [90010]);
    }
}
