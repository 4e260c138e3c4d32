//! The ccache that credentials are read from: its name in errors, and what is wrong with its file.

use std::ffi::CStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use silentry_text::printable;

use crate::deadline::Source;
use crate::{Credentials, Error};

/// The name of a primary ccache in a `DIR:` collection is a few letters long.
const LONGEST_PRIMARY: u64 = 1024;

/// A ticket has some thousand bytes, and a user some hundred tickets: MIT Kerberos reads them all to find none.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Characters of a name that are shown; the environment may have chosen it.
const LONGEST_SHOWN: usize = 200;

/// A ccache by its name.
#[derive(Clone, Debug)]
pub(super) struct Place {
    name: String,
    /// Whether it is the login's, and not one that the program has named.
    login: bool,
}

/// What is wrong with the file of a ccache.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// A ticket was never written to it.
    Empty,
    /// A folder, a pipe or a device, which must not be opened; or a file that takes too long to read.
    NotToBeOpened(&'static str),
    Unreadable(String),
}

impl Place {
    /// Returns where the credentials are; none for a keytab, and where the library does not tell the login's ccache.
    pub(super) fn of(credentials: &Credentials, login_ccache: Option<&CStr>) -> Option<Place> {
        let login = *credentials == Credentials::Login;
        let name = match credentials {
            Credentials::Login => login_ccache?.to_string_lossy().into_owned(),
            Credentials::Ccache(name) => name.clone(),
            Credentials::Keytab { .. } => return None,
        };
        Some(Place { name, login })
    }

    /// Returns what is waited for when it is read: a service (sssd-kcm or Heimdal's kcm, the credential cache API of
    /// macOS), else a file.
    pub(super) fn source(&self) -> Source {
        let kind = self.name.split_once(':').map(|(kind, _)| kind);
        match kind {
            Some("KCM" | "API" | "XCACHE") => Source::Service(self.name.clone()),
            _ => Source::File(self.name.clone()),
        }
    }

    /// Refuses what no library may open: a pipe would be waited for, and a huge file too.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.trouble() {
            Some(trouble @ Trouble::NotToBeOpened(_)) => Err(self.error(&trouble)),
            _ => Ok(()),
        }
    }

    /// Returns the error with the name of the ccache in it, and with the reason where the file shows a better one.
    pub(super) fn explain(&self, error: Error) -> Error {
        let (Error::NoTicket { reason } | Error::CredentialsUnreadable { reason }) = &error else {
            return error;
        };
        if let Some(trouble) = self.trouble() {
            return self.error(&trouble);
        }
        let residual = self.name.split_once(':').map_or("", |(_, rest)| rest);
        let is_named = named_in(reason, &self.name) || named_in(reason, residual);
        let name = match &*self.name {
            "" => "KRB5CCNAME, or default_ccache_name in krb5.conf, names no ccache".to_owned(),
            name => printable(name, LONGEST_SHOWN),
        };
        let with_name = |reason: &str| match is_named {
            true => reason.to_owned(),
            false => format!("{reason} ({name})"),
        };
        match error {
            Error::NoTicket { reason } => Error::NoTicket {
                reason: with_name(&reason),
            },
            Error::CredentialsUnreadable { reason } => Error::CredentialsUnreadable {
                reason: with_name(&reason),
            },
            other => other,
        }
    }

    fn error(&self, trouble: &Trouble) -> Error {
        let reason = format!("{} {trouble}", printable(&self.name, LONGEST_SHOWN));
        match trouble {
            Trouble::Empty if self.login => Error::NoTicket { reason },
            _ => Error::CredentialsUnreadable { reason },
        }
    }

    fn trouble(&self) -> Option<Trouble> {
        if self
            .primary()
            .is_some_and(|primary| !is_file_or_absent(&primary))
        {
            return Some(Trouble::NotToBeOpened(
                "has a `primary` that is not a regular file",
            ));
        }
        let file = self.file()?;
        let found = match fs::metadata(&file) {
            Ok(found) => found,
            // The library says so itself.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Trouble::Unreadable(format!("cannot be read: {error}"))),
        };
        if !found.is_file() {
            let what = if found.is_dir() {
                "is a folder"
            } else {
                "is not a regular file"
            };
            return Some(Trouble::NotToBeOpened(what));
        }
        if found.len() > LARGEST {
            return Some(Trouble::NotToBeOpened("is larger than 64 MiB"));
        }
        if found.len() == 0 {
            return Some(Trouble::Empty);
        }
        let mut version = [0; 2];
        match File::open(&file).and_then(|mut file| file.read_exact(&mut version)) {
            // MIT Kerberos, "Credential cache file format": 5, then 1 to 4.
            Ok(()) if matches!(version, [5, 1..=4]) => None,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let owner = found.uid();
                let why = format!("belongs to uid {owner} and cannot be read: {error}");
                Some(Trouble::Unreadable(why))
            }
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Some(Trouble::Unreadable(format!("cannot be read: {error}")))
            }
            _ => {
                let size = found.len();
                let why = format!("is not a credential cache ({size} bytes)");
                Some(Trouble::Unreadable(why))
            }
        }
    }

    /// Returns the file that names the primary ccache of a collection, which the library opens before any other.
    fn primary(&self) -> Option<PathBuf> {
        let folder = self.name.strip_prefix("DIR:")?;
        let collection = match folder.strip_prefix(':') {
            Some(file) => Path::new(file).parent()?,
            None => Path::new(folder),
        };
        Some(collection.join("primary"))
    }

    /// Returns the file that the library reads first; none for what is kept elsewhere.
    fn file(&self) -> Option<PathBuf> {
        match self.name.split_once(':') {
            Some(("FILE" | "WRFILE", file)) => Some(file.into()),
            // DIR::<file> is one of the collection, DIR:<folder> the one that its file `primary` names.
            Some(("DIR", place)) => match place.strip_prefix(':') {
                Some(file) => Some(file.into()),
                None => Some(Path::new(place).join(primary(Path::new(place)))),
            },
            Some(_) if !self.name.starts_with('/') => None,
            _ if self.name.is_empty() => None,
            _ => Some(PathBuf::from(&self.name)),
        }
    }
}

/// Returns the name of the primary ccache of a folder, as MIT Kerberos has it when nobody has switched (dcc_resolve).
fn primary(folder: &Path) -> String {
    const DEFAULT: &str = "tkt";
    let file = folder.join("primary");
    let mut name = String::new();
    let is_file = fs::metadata(&file).is_ok_and(|found| found.is_file());
    if is_file && let Ok(file) = File::open(&file) {
        // What cannot be read leaves it at the default, as there.
        let _ = file.take(LONGEST_PRIMARY).read_to_string(&mut name);
    }
    let name = name.lines().next().unwrap_or_default();
    if name.starts_with(DEFAULT) && !name.contains('/') {
        name.to_owned()
    } else {
        DEFAULT.to_owned()
    }
}

fn is_file_or_absent(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file()) || !file.exists()
}

fn named_in(reason: &str, residual: &str) -> bool {
    !residual.trim().is_empty() && reason.contains(residual)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Empty => f.write_str("is empty (0 bytes)"),
            Trouble::NotToBeOpened(what) => f.write_str(what),
            Trouble::Unreadable(why) => f.write_str(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(name: &str) -> Place {
        Place {
            name: name.to_owned(),
            login: true,
        }
    }

    #[test]
    fn the_file_of_a_ccache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let file = |name: &str| place(name).file().map(|file| file.display().to_string());
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(file("FILE:/tmp/cc"), some("/tmp/cc"));
        assert_eq!(file("/tmp/c:c"), some("/tmp/c:c"));
        assert_eq!(file("DIR::/tmp/d/tkt1"), some("/tmp/d/tkt1"));
        assert_eq!(file(&format!("DIR:{path}")), Some(format!("{path}/tkt")));
        for (primary, name) in [("tktX\n", "tktX"), ("", "tkt"), ("../tkt", "tkt")] {
            fs::write(folder.path().join("primary"), primary).unwrap();
            assert_eq!(file(&format!("DIR:{path}")), Some(format!("{path}/{name}")));
        }
        for name in ["KCM:1000", "KEYRING:persistent:0", "MEMORY:x", "API:", ""] {
            assert_eq!(file(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_is_said_once_and_without_control_characters() {
        let no_ticket = |reason: &str| Error::NoTicket {
            reason: reason.to_owned(),
        };
        let said = |place: &Place, reason| place.explain(no_ticket(reason)).to_string();
        let missing = place("FILE:/nonexistent/cc");
        assert_eq!(
            said(&missing, "nothing in /nonexistent/cc"),
            "no Kerberos ticket: nothing in /nonexistent/cc"
        );
        assert!(said(&missing, "nothing").ends_with("nothing (FILE:/nonexistent/cc)"));
        assert!(!said(&place("KCM:\x1b[31m"), "nothing").contains('\x1b'));
        let other = Error::KdcUnreachable {
            reason: "r".to_owned(),
        };
        assert_eq!(missing.explain(other.clone()), other);
    }
}
