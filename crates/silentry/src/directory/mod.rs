//! The UPN from Active Directory, on Linux and macOS, where no system service tells it.
//!
//! Windows asks its domain controller (`GetUserNameEx`); this asks it too, over LDAP with the user's own Kerberos
//! ticket, signed and sealed. The answer leads to a federation server, and tells the names of the user whose ticket it
//! is: whom a token is for, the ticket decides.

mod connection;
mod deadline;
mod failure;
#[cfg(all(test, unix))]
mod hostile;
mod lookup;

use std::net::Ipv6Addr;
use std::time::Duration;

use crate::error::{Code, Error, Stage};
use crate::text::printable;

pub(crate) use failure::Failure;
pub(crate) use lookup::find_user;

/// What a look-up may take in all. A dead domain controller must not be noticed.
const LIMIT: Duration = Duration::from_secs(2);

/// LDAP without TLS: the bind protects it.
const PORT: u16 = 389;

/// Which directory to ask for the UPN of the signed-in user, on Linux and macOS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Directory {
    /// A domain controller of the user's realm, found by the realm's name in DNS; only when a guess from the Kerberos
    /// principal leads to no federation server.
    #[default]
    Automatic,
    /// This domain controller, `host` or `host:port`, before anything is guessed.
    Host(String),
    /// None.
    Off,
}

impl Directory {
    fn check(&self) -> Result<(), Error> {
        match self {
            Directory::Host(text) if host_and_port(text).is_none() => {
                let shown = printable(text, 120);
                let message = format!("`{shown}` is not the host of a directory");
                Err(Error::new(Code::InvalidDirectory, Stage::Request, message))
            }
            _ => Ok(()),
        }
    }

    /// Returns where to connect, for a user of `domain`.
    fn address<'a>(&'a self, domain: &'a str) -> (&'a str, u16) {
        match self {
            Directory::Host(text) => host_and_port(text).unwrap_or((text, PORT)),
            // Each domain controller registers an address for the name of its domain (MS-ADTS 6.3.2.3, LdapIpAddress).
            Directory::Automatic | Directory::Off => (domain, PORT),
        }
    }
}

/// Reads `host`, `host:port`, `[::1]` and `[::1]:port`.
fn host_and_port(text: &str) -> Option<(&str, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None if port.is_empty() => PORT,
        None => return None,
    };
    let is_name = |host: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        host.bytes().all(allowed) && !host.starts_with(['-', '.'])
    };
    let sound = !host.is_empty() && (is_name(host) || host.parse::<Ipv6Addr>().is_ok());
    sound.then_some((host, port))
}

/// Whom to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The user of the ticket: the first part of the Kerberos principal.
    Principal(String),
    /// `NETBIOS\\account`, as people type it.
    Account { netbios: String, account: String },
}

/// The names of a user in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// The `userPrincipalName`, or the UPN that an account has without one being set (MS-ADTS 5.1.1.1.1).
    pub(crate) upn: String,
    /// The value of the attribute that Entra knows users by, where that is another one.
    pub(crate) login_id: Option<String>,
}

impl Names {
    /// Returns the name that Entra knows the user by.
    pub(crate) fn at_entra(&self, settings: &DirectorySettings) -> Result<&str, Failure> {
        match (&settings.upn_attribute, &self.login_id) {
            (None, _) => Ok(&self.upn),
            (Some(_), Some(login_id)) => Ok(login_id),
            (Some(attribute), None) => Err(Failure::NotFound(format!(
                "{} has no {attribute}",
                self.upn
            ))),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        [Some(&self.upn), self.login_id.as_ref()]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }
}

impl Subject {
    fn account(&self) -> &str {
        match self {
            Subject::Principal(account) | Subject::Account { account, .. } => account,
        }
    }
}

/// How the directory is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct DirectorySettings {
    pub(crate) server: Directory,
    /// The attribute that Entra knows users by, where it is not `userPrincipalName`: an alternate login id.
    pub(crate) upn_attribute: Option<String>,
}

impl DirectorySettings {
    /// Checks what a program or a person has named.
    ///
    /// # Errors
    ///
    /// `invalid_directory`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.server.check()?;
        // RFC 4512 1.4: a letter, then letters, digits and hyphens.
        let is_name = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if !self.upn_attribute.as_ref().is_none_or(is_name) {
            let message = "the UPN attribute is not the name of an attribute";
            return Err(Error::new(Code::InvalidDirectory, Stage::Request, message));
        }
        Ok(())
    }

    /// Whether there is a directory to ask. Windows has asked its own already.
    pub(crate) fn is_on(&self) -> bool {
        self.server != Directory::Off && !cfg!(windows)
    }

    /// Whether it is asked before anything is guessed: somebody says that it knows better.
    pub(crate) fn is_first(&self) -> bool {
        self.is_on() && (self.server != Directory::Automatic || self.upn_attribute.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_a_host_with_or_without_port() {
        for (text, host, port) in [
            ("dc1.corp.contoso.test", "dc1.corp.contoso.test", 389),
            ("dc1:3890", "dc1", 3890),
            ("10.0.0.5", "10.0.0.5", 389),
            ("[::1]", "::1", 389),
            ("[::1]:3890", "::1", 3890),
        ] {
            assert_eq!(host_and_port(text), Some((host, port)), "{text}");
        }
        for text in [
            "",
            ":389",
            "dc1:",
            "dc1:x",
            "dc1:0",
            "dc1:70000",
            "ldap://dc1",
            "dc1/x",
            "a b",
            "[::1",
            "[::1]x",
            "[]",
            "-dc1",
            "dc1\n",
            "a@b",
            "::1",
        ] {
            assert_eq!(host_and_port(text), None, "{text:?}");
            let error = Directory::Host(text.into()).check().unwrap_err();
            assert_eq!(error.code(), "invalid_directory");
        }
        for (attribute, sound) in [
            ("mail", true),
            ("msDS-cloudExtensionAttribute1", true),
            ("", false),
            ("a b", false),
        ] {
            let settings = DirectorySettings {
                upn_attribute: Some(attribute.into()),
                ..DirectorySettings::default()
            };
            assert_eq!(settings.check().is_ok(), sound, "{attribute:?}");
        }
    }

    #[test]
    fn the_directory_is_first_only_when_somebody_says_so() {
        let first = |server, attribute: Option<&str>| {
            let upn_attribute = attribute.map(str::to_owned);
            DirectorySettings {
                server,
                upn_attribute,
            }
            .is_first()
        };
        assert!(!first(Directory::Automatic, None));
        assert!(!first(Directory::Off, Some("mail")));
        assert_eq!(first(Directory::Automatic, Some("mail")), !cfg!(windows));
        assert_eq!(first(Directory::Host("dc1".into()), None), !cfg!(windows));
    }
}
