//! What both exchanges ask of a request.

use picky_krb::messages::KdcReqBody;

use super::KdcError;
use super::directory::{Directory, RealmKeys};
use super::error::Rejection;
use crate::kerberos::flags::kdc_option;
use crate::kerberos::{Etype, Principal, wire};

/// One realm's KDC at one moment.
pub(super) struct RealmKdc<'a> {
    pub(super) directory: &'a Directory,
    pub(super) realm: &'a RealmKeys,
    pub(super) now: i64,
}

impl RealmKdc<'_> {
    /// The service that the request's body names; its realm is the one that the KDC serves.
    pub(super) fn service(&self, body: &KdcReqBody) -> Result<Principal, Rejection> {
        let name = body.sname.0.as_ref().ok_or(KdcError::ServiceUnknown)?;
        Ok(wire::principal(&name.0, &wire::string(self.realm.name()))?)
    }

    /// The body names the realm whose KDC is asked (RFC 4120 5.4.1); others are asked elsewhere.
    pub(super) fn check_realm(&self, body: &KdcReqBody) -> Result<(), Rejection> {
        if self.realm.is(&wire::string_of(&body.realm.0)) {
            return Ok(());
        }
        Err(KdcError::WrongRealm.into())
    }

    /// "The expiration time of the ticket will be set to the earlier of the requested endtime and a
    /// time determined by local policy" (RFC 4120 3.1.3); a request for 1970 is one for the latest.
    pub(super) fn end_time(&self, body: &KdcReqBody, latest: i64) -> Result<i64, Rejection> {
        let allowed = self
            .now
            .saturating_add(self.realm.config.ticket_lifetime.whole_seconds());
        let till = match wire::seconds(&body.till.0)? {
            0 => i64::MAX,
            till => till,
        };
        let end = till.min(allowed).min(latest);
        // "If the requested expiration time minus the starttime [...] is less than a site-determined
        // minimum lifetime, an error message with code KDC_ERR_NEVER_VALID is returned."
        if end <= self.now {
            Err(KdcError::NeverValid.into())
        } else {
            Ok(end)
        }
    }
}

/// Refuses options that would give a ticket of a kind the lab has not: renewable and postdated tickets
/// are of no use to programs that run for minutes, and users are never impersonated. A client that
/// merely would like a renewable ticket gets one that is not, as RFC 4120 3.1.3 allows.
pub(super) fn check_options(options: u32) -> Result<(), Rejection> {
    let impossible = kdc_option::PROXY
        | kdc_option::CNAME_IN_ADDL_TKT
        | kdc_option::ENC_TKT_IN_SKEY
        | kdc_option::RENEW
        | kdc_option::VALIDATE;
    if options & impossible != 0 {
        return Err(KdcError::BadOption.into());
    }
    if options & kdc_option::POSTDATED != 0 {
        return Err(KdcError::CannotPostdate.into());
    }
    Ok(())
}

/// The client's encryption types that the lab speaks, in the client's order.
pub(super) fn etypes(body: &KdcReqBody) -> Vec<Etype> {
    let numbers = body
        .etype
        .0
        .0
        .iter()
        .filter_map(|etype| wire::number32(etype).ok());
    numbers.filter_map(Etype::from_number).collect()
}

/// "If there is more than one supported strong encryption type in the etype list, the KDC SHOULD use
/// the first valid strong etype for which an encryption key is available." (RFC 4120 3.1.3)
pub(super) fn session_etype(
    wanted: &[Etype],
    mut supported: impl FnMut(Etype) -> bool,
) -> Result<Etype, Rejection> {
    let etype = wanted.iter().copied().find(|etype| supported(*etype));
    etype.ok_or_else(|| KdcError::EtypeNotSupported.into())
}
