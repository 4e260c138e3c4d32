use std::fmt;
use std::hash::{Hash, Hasher};

use thiserror::Error;

/// Name types of RFC 4120 6.2 and RFC 6806 5.
pub(crate) mod name_type {
    pub(crate) const PRINCIPAL: i32 = 1;
    pub(crate) const SRV_INST: i32 = 2;
    pub(crate) const SRV_HST: i32 = 3;
    pub(crate) const ENTERPRISE: i32 = 10;
}

/// The service that every ticket-granting ticket is for.
const TICKET_GRANTING_SERVICE: &str = "krbtgt";

/// Who a ticket is for or from: `alice@CONTOSO.TEST`, `HTTP/sts.contoso.test@CONTOSO.TEST`.
///
/// Equality ignores the name type, which RFC 4120 6.2 calls a hint, and is otherwise exact;
/// [`Principal::is`] compares as Active Directory does.
#[derive(Clone)]
pub struct Principal {
    name_type: i32,
    components: Vec<String>,
    realm: String,
}

impl Principal {
    /// Reads `component[/component...]@REALM`; a backslash takes the next character literally.
    ///
    /// # Errors
    ///
    /// [`InvalidPrincipal`] without a realm, with an empty component, or with a character outside
    /// ASCII: RFC 4120 5.2.1 limits names to IA5 for implementations to understand each other.
    pub fn parse(text: &str) -> Result<Self, InvalidPrincipal> {
        let (components, realm) = split(text).ok_or(InvalidPrincipal)?;
        let realm = realm
            .filter(|realm| !realm.is_empty())
            .ok_or(InvalidPrincipal)?;
        Self::checked(components, realm)
    }

    /// Reads a name that may lack its realm, which is then `default_realm`.
    ///
    /// # Errors
    ///
    /// As [`Principal::parse`], but for the missing realm.
    pub fn parse_in(text: &str, default_realm: &str) -> Result<Self, InvalidPrincipal> {
        let (components, realm) = split(text).ok_or(InvalidPrincipal)?;
        Self::checked(
            components,
            realm.unwrap_or_else(|| default_realm.to_owned()),
        )
    }

    fn checked(components: Vec<String>, realm: String) -> Result<Self, InvalidPrincipal> {
        let speakable = |text: &String| !text.is_empty() && text.is_ascii();
        if !components.iter().chain([&realm]).all(speakable) {
            return Err(InvalidPrincipal);
        }
        let name_type = match components.len() {
            1 => name_type::PRINCIPAL,
            _ => name_type::SRV_INST,
        };
        Ok(Self {
            name_type,
            components,
            realm,
        })
    }

    /// The principal of a peer's message; its strings are ASCII because their ASN.1 type is.
    pub(crate) fn from_wire(name_type: i32, components: Vec<String>, realm: String) -> Self {
        Self {
            name_type,
            components,
            realm,
        }
    }

    /// `krbtgt/TARGET@ISSUER`: the ticket-granting service of `target` as `issuer` knows it
    /// (RFC 4120 7.3).
    pub(crate) fn krbtgt(target: &str, issuer: &str) -> Self {
        Self {
            name_type: name_type::SRV_INST,
            components: vec![TICKET_GRANTING_SERVICE.to_owned(), target.to_owned()],
            realm: issuer.to_owned(),
        }
    }

    /// Returns the realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Returns the name's components: `HTTP` and `sts.contoso.test`.
    #[must_use]
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Returns the name without its realm: `HTTP/sts.contoso.test`.
    #[must_use]
    pub fn name(&self) -> String {
        self.components.join("/")
    }

    pub(crate) fn name_type(&self) -> i32 {
        self.name_type
    }

    /// Says whether it is asked for as a service on a host.
    pub(crate) fn is_of_host(&self) -> bool {
        matches!(self.name_type, name_type::SRV_INST | name_type::SRV_HST)
    }

    pub(crate) fn is_enterprise(&self) -> bool {
        self.name_type == name_type::ENTERPRISE
    }

    /// The realm whose ticket-granting service this is.
    pub(crate) fn krbtgt_of(&self) -> Option<&str> {
        match self.components.as_slice() {
            [service, realm] if service == TICKET_GRANTING_SERVICE => Some(realm),
            _ => None,
        }
    }

    /// Says whether both name the same account to Active Directory, which ignores case in names and
    /// realms ([MS-KILE] 3.3.5.1 for realms, the directory's own matching rule for names).
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.realm.eq_ignore_ascii_case(&other.realm) && self.is_in_any_realm(other)
    }

    /// Says whether both have the same name, in whatever realms.
    pub(crate) fn is_in_any_realm(&self, other: &Self) -> bool {
        let (a, b) = (&self.components, &other.components);
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.eq_ignore_ascii_case(b))
    }
}

impl PartialEq for Principal {
    fn eq(&self, other: &Self) -> bool {
        self.components == other.components && self.realm == other.realm
    }
}

impl Eq for Principal {}

impl Hash for Principal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.components.hash(state);
        self.realm.hash(state);
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Principal({self})")
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, component) in self.components.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            for character in component.chars() {
                if matches!(character, '/' | '@' | '\\') {
                    f.write_str("\\")?;
                }
                write!(f, "{character}")?;
            }
        }
        write!(f, "@{}", self.realm)
    }
}

/// A text that names no principal.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a Kerberos principal: expected name@REALM in ASCII")]
pub struct InvalidPrincipal;

/// Splits at unescaped slashes, and at the unescaped `@` that starts the realm.
fn split(text: &str) -> Option<(Vec<String>, Option<String>)> {
    let mut parts = vec![String::new()];
    let mut realm: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '\\' => characters.next()?,
            '@' if realm.is_none() => {
                realm = Some(String::new());
                continue;
            }
            '@' => return None,
            '/' if realm.is_none() => {
                parts.push(String::new());
                continue;
            }
            other => other,
        };
        match &mut realm {
            Some(realm) => realm.push(literal),
            None => parts.last_mut()?.push(literal),
        }
    }
    Some((parts, realm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_names() {
        for text in [
            "alice@CONTOSO.TEST",
            "HTTP/sts.contoso.test@CONTOSO.TEST",
            r"alice\@contoso.com@A.B",
            r"a\/b\\c@R",
        ] {
            assert_eq!(Principal::parse(text).unwrap().to_string(), text);
        }
        let enterprise = Principal::parse(r"alice\@contoso.com@CORP.TEST").unwrap();
        assert_eq!(enterprise.components(), ["alice@contoso.com"]);
        assert_eq!(enterprise.realm(), "CORP.TEST");
    }

    #[test]
    fn refuses_what_names_nobody() {
        for text in [
            "",
            "alice",
            "@R",
            "alice@",
            "HTTP//x@R",
            "a@B@C",
            "a\\",
            "jürgen@R",
        ] {
            assert_eq!(Principal::parse(text), Err(InvalidPrincipal), "{text:?}");
        }
        assert_eq!(
            Principal::parse_in("alice", "R").unwrap().to_string(),
            "alice@R"
        );
        assert_eq!(
            Principal::parse_in("alice@S", "R").unwrap().to_string(),
            "alice@S"
        );
    }

    #[test]
    fn compares_as_active_directory_does() {
        let one = Principal::parse("HTTP/STS.contoso.test@CONTOSO.TEST").unwrap();
        let other = Principal::parse("http/sts.contoso.test@contoso.test").unwrap();
        assert!(one.is(&other));
        assert_ne!(one, other);
        assert!(!one.is(&Principal::parse("HTTP/sts.contoso.test@B").unwrap()));
    }
}
