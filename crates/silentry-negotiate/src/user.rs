//! Who is signed in.

use crate::Error;

/// The user whose credentials are used, as Kerberos or Windows knows them.
#[derive(Clone, Debug)]
pub struct SignedInUser {
    principal: String,
    realm: String,
    upn: Option<String>,
    upn_failure: Option<Error>,
}

impl SignedInUser {
    pub(crate) fn new(
        principal: String,
        realm: String,
        upn: Option<String>,
        upn_failure: Option<Error>,
    ) -> SignedInUser {
        SignedInUser {
            principal,
            realm,
            upn,
            upn_failure,
        }
    }

    /// Returns the name in full: `alice@CORP.CONTOSO.COM` on Unix, `CORP\alice` on Windows.
    ///
    /// This is not the UPN, even where it looks like one: directories give users UPNs of other domains.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    /// Returns the realm or domain: `CORP.CONTOSO.COM`; on Windows the NetBIOS name `CORP` if the DNS name
    /// cannot be had.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Returns the user principal name that the system has on record: from the directory on Windows,
    /// never on Unix, where a ticket does not carry it.
    pub fn upn(&self) -> Option<&str> {
        self.upn.as_deref()
    }

    /// Returns why the system, though it could know, does not tell the UPN: [`Error::UnknownUser`].
    pub fn upn_failure(&self) -> Option<&Error> {
        self.upn_failure.as_ref()
    }
}
