//! Credentials from a named place, as `gss_acquire_cred_from` wants them (MIT Kerberos: "Credential
//! store extensions"), without touching the environment of the process.

use std::ffi::{CStr, CString};
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::{Credentials, Error};

use super::configuration;
use super::gssapi::{Defaults, Library};

/// Checks, before anything is asked of the library, that it can take such credentials.
pub(super) fn check(
    library: &Library,
    credentials: &Credentials,
    defaults: &Defaults,
) -> Result<(), Error> {
    let client_keytab = defaults.client_keytab.as_deref();
    match credentials {
        Credentials::Login => return configuration::check_client_keytab(client_keytab),
        // The library falls back on that keytab where the ccache has no ticket.
        Credentials::Ccache(name) => {
            check_text(name.as_bytes(), "ccache")?;
            configuration::check_client_keytab(client_keytab)?;
        }
        Credentials::Keytab { path, principal } => {
            check_text(path.as_os_str().as_bytes(), "keytab")?;
            check_text(
                principal.as_deref().unwrap_or("none").as_bytes(),
                "principal",
            )?;
            check_keytab(path)?;
        }
    }
    if !library.has_credential_stores() {
        return Err(Error::CredentialsNotSupported {
            reason: format!(
                "{} cannot use a named ccache or keytab: it has no gss_acquire_cred_from",
                library.soname()
            ),
        });
    }
    Ok(())
}

/// Looks whether the file is a keytab: of one that is missing, unreadable or something else MIT Kerberos
/// says "No credentials cache found".
fn check_keytab(path: &Path) -> Result<(), Error> {
    let unreadable = |what: &dyn Display| Error::CredentialsUnreadable {
        reason: format!("keytab {}: {what}", path.display()),
    };
    let version = silentry_files::read_start(path, 2).map_err(|error| unreadable(&error))?;
    // MIT Kerberos, "Keytab file format": 5, then 1 or 2.
    if !matches!(version[..], [5, 1 | 2]) {
        return Err(unreadable(&"not a keytab"));
    }
    Ok(())
}

fn check_text(text: &[u8], what: &str) -> Result<(), Error> {
    if text.is_empty() || text.contains(&0) {
        let reason = format!("the name of the {what} is empty or contains NUL");
        return Err(Error::CredentialsUnreadable { reason });
    }
    Ok(())
}

/// Returns the keys and values that name the place; none for the login's where the library cannot be given its name.
///
/// The login's ccache is named too. Left to find it, MIT Kerberos 1.20 to 1.21.1 frees a pointer that it never set as
/// soon as a ccache of the collection cannot be read (`krb5_cccol_have_content`, krb5 ticket 9103).
pub(super) fn elements(
    library: &Library,
    credentials: &Credentials,
    login_ccache: Option<&CStr>,
) -> Vec<(CString, CString)> {
    if *credentials != Credentials::Login {
        return named(credentials);
    }
    let login = login_ccache.filter(|_| library.has_credential_stores());
    let element = |name: &CStr| (CString::from(c"ccache"), name.to_owned());
    login.map(element).into_iter().collect()
}

fn named(credentials: &Credentials) -> Vec<(CString, CString)> {
    let element = |key: &str, value: &[u8]| {
        let [key, value] =
            [key.as_bytes(), value].map(|text| CString::new(text).expect("checked for NUL before"));
        (key, value)
    };
    match credentials {
        Credentials::Login => Vec::new(),
        Credentials::Ccache(name) => vec![element("ccache", name.as_bytes())],
        Credentials::Keytab { path, principal } => {
            // The tickets got with the keytab stay in this process's memory, under a name of their own:
            // otherwise they would replace those in the login's ccache.
            let path = path.as_os_str().as_bytes();
            let mut tickets = b"MEMORY:silentry-negotiate ".to_vec();
            tickets.extend_from_slice(path);
            tickets.push(b' ');
            tickets.extend_from_slice(principal.as_deref().unwrap_or_default().as_bytes());
            let keytab = [b"FILE:", path].concat();
            vec![
                element("client_keytab", &keytab),
                element("ccache", &tickets),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_of_two_keytabs_or_principals_do_not_mix() {
        let place = |path: &str, principal: Option<&str>| {
            let mut credentials = Credentials::keytab(path);
            if let Some(principal) = principal {
                credentials = Credentials::keytab_of(path, principal);
            }
            named(&credentials)[1].1.clone()
        };
        let places = [
            place("/a", None),
            place("/b", None),
            place("/a", Some("svc@CORP")),
            place("/a", Some("other@CORP")),
        ];
        for (index, one) in places.iter().enumerate() {
            assert!(one.as_bytes().starts_with(b"MEMORY:"));
            assert!(!places[index + 1..].contains(one));
        }
    }

    #[test]
    fn what_is_no_keytab_is_said_so() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            check_keytab(&path).map_err(|error| error.to_string())
        };
        assert_eq!(write("good", b"\x05\x02\0\0"), Ok(()));
        assert!(
            write("text", b"garbage")
                .unwrap_err()
                .contains("text: not a keytab")
        );
        assert!(write("empty", b"").is_err());
        assert!(check_keytab(&directory.path().join("none")).is_err());
    }

    #[test]
    fn a_name_with_nul_is_refused_not_cut() {
        assert!(check_text(b"FILE:/tmp/a\0b", "ccache").is_err());
        assert!(check_text(b"", "ccache").is_err());
        assert!(check_text(b"KCM:", "ccache").is_ok());
    }
}
