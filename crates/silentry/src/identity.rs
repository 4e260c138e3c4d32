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

use crate::error::{Code, Error, Stage};
use crate::text::{is_invisible, printable};

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
                Code::InvalidUsername,
                Stage::Request,
                format!("`{shown}` is not a UPN: {why}"),
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
        if text.len() > MAX_UPN_LENGTH || text.chars().any(|c| is_invisible(c) || c == ' ') {
            return Err(invalid(
                "it is too long, or holds blanks or control characters",
            ));
        }
        if PERSONAL_DOMAINS
            .iter()
            .any(|personal| domain.eq_ignore_ascii_case(personal))
        {
            return Err(Error::new(
                Code::RopcNotSupportedForMsa,
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

/// Returns whether two user names are one: they have no case, in no alphabet. A letter of ASCII is no other's case, or
/// `ı` would be `i`.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    let mut pairs = a.chars().zip(b.chars());
    a.chars().count() == b.chars().count()
        && pairs.all(|(a, b)| match a.is_ascii() || b.is_ascii() {
            true => a.eq_ignore_ascii_case(&b),
            false => fold(a) == fold(b),
        })
}

/// The simple case folding of Unicode, as far as it stays one character.
fn fold(c: char) -> char {
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let c = chars.next()?;
    chars.next().is_none().then_some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_in_any_alphabet() {
        for (a, b) in [
            ("Ana@Contoso.Test", "ana@contoso.test"),
            (" CONTOSO\\Ana\n", "contoso\\ana"),
            ("MÜLLER@contoso.test", "müller@contoso.test"),
            ("ΣΟΦΟΣ@contoso.test", "σοφος@contoso.test"),
            ("ΣΟΦΟΣ@contoso.test", "σοφοσ@contoso.test"),
            ("ИВАН@contoso.test", "иван@contoso.test"),
            ("STRAẞE@contoso.test", "straße@contoso.test"),
        ] {
            assert!(same_name(a, b) && same_name(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("alıce@contoso.test", "alice@contoso.test"),
            ("alIce@contoso.test", "alıce@contoso.test"),
            ("İvan@contoso.test", "ivan@contoso.test"),
            ("ſam@contoso.test", "sam@contoso.test"),
            ("\u{212a}im@contoso.test", "kim@contoso.test"),
            ("strasse@contoso.test", "straße@contoso.test"),
            ("ana@contoso.test", "ana@contoso.tes"),
            ("", "a"),
        ] {
            assert!(!same_name(a, b) && !same_name(b, a), "{a} {b}");
        }
    }

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
            "ana\u{202e}@contoso.com",
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
