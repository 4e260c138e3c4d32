//! Whose ticket is used.

use std::path::PathBuf;

/// Where the user's credentials are.
///
/// On Windows only [`Credentials::Login`] exists: the ticket belongs to the logon session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// Those of the login: the default ccache (`KRB5CCNAME`, krb5.conf), a client keytab named by
    /// `KRB5_CLIENT_KTNAME`, or the logon session of Windows.
    #[default]
    Login,
    /// A ccache by its name: `FILE:/run/user/1000/krb5cc`, `KEYRING:persistent:1000`, `KCM:`.
    Ccache(String),
    /// A keytab with the key of a user or service account. The tickets got with it stay in the memory
    /// of this process.
    Keytab {
        /// The keytab's file.
        path: PathBuf,
        /// `user@REALM`; without it, the first principal of the keytab.
        principal: Option<String>,
    },
}

impl Credentials {
    /// Returns the credentials of the ccache of that name.
    pub fn ccache(name: impl Into<String>) -> Credentials {
        Credentials::Ccache(name.into())
    }

    /// Returns the credentials of the first principal of a keytab.
    pub fn keytab(path: impl Into<PathBuf>) -> Credentials {
        Credentials::Keytab {
            path: path.into(),
            principal: None,
        }
    }

    /// Returns the credentials of one principal of a keytab.
    pub fn keytab_of(path: impl Into<PathBuf>, principal: impl Into<String>) -> Credentials {
        Credentials::Keytab {
            path: path.into(),
            principal: Some(principal.into()),
        }
    }
}
