use std::time::SystemTime;

use picky_krb::messages::{AsReq, KdcReq, KdcReqBody, TgsReq};

use super::directory::{Directory, RealmKeys};
use super::error::Rejection;
use super::log::{Asked, Exchange, Outcome};
use super::{KdcError, as_exchange, tgs_exchange};
use crate::kerberos::der::{Malformed, Reader, SEQUENCE, application, context};
use crate::kerberos::flags::kdc_option;
use crate::kerberos::{Etype, Principal, wire};

/// The longest request that is read: a TGT with the largest PAC is a quarter of it.
pub(super) const MAX_REQUEST: usize = 64 * 1024;

const AS_REQ: u8 = application(10);
const TGS_REQ: u8 = application(12);

impl Directory {
    /// Answers one request to the KDC of `realm` at `now`, by which the realm's own clock is set: a
    /// reply, or a KRB-ERROR for whatever deserves no reply.
    #[must_use]
    pub fn answer(&self, realm: &str, request: &[u8], now: SystemTime) -> Vec<u8> {
        let Some(keys) = self.realm(realm) else {
            let nobody = Principal::krbtgt(realm, realm);
            return Rejection::from(KdcError::WrongRealm).to_message(&nobody, wire::unix(now));
        };
        let now = wire::unix_ahead(now, keys.config.clock_offset);
        let kdc = RealmKdc {
            directory: self,
            realm: keys,
            now,
        };

        let mut asked = Asked::new(exchange(request));
        let reply = kdc
            .exchange(request, &mut asked)
            .unwrap_or_else(|rejection| {
                asked.outcome = Outcome::Refused(rejection.error);
                // A KRB-ERROR must name a service; where the request names none, it is the KDC.
                let own = || Principal::krbtgt(keys.name(), keys.name());
                rejection.to_message(&asked.service.clone().unwrap_or_else(own), now)
            });
        self.log.push(asked);
        reply
    }

    /// Returns what was asked so far, oldest first; the last ten thousand requests are kept.
    #[must_use]
    pub fn log(&self) -> Vec<Asked> {
        self.log.all()
    }
}

/// One realm's KDC at one moment.
pub(super) struct RealmKdc<'a> {
    pub(super) directory: &'a Directory,
    pub(super) realm: &'a RealmKeys,
    pub(super) now: i64,
}

impl RealmKdc<'_> {
    fn exchange(&self, request: &[u8], asked: &mut Asked) -> Result<Vec<u8>, Rejection> {
        if request.len() > MAX_REQUEST {
            return Err(KdcError::TooLong.into());
        }
        match asked.exchange {
            Exchange::Authentication => {
                let request = wire::decode::<AsReq>(request)?.0;
                check_header(&request, 10)?;
                as_exchange::answer(self, &request, asked)
            }
            Exchange::TicketGranting => {
                let body = raw_body(request)?;
                let request = wire::decode::<TgsReq>(request)?.0;
                check_header(&request, 12)?;
                tgs_exchange::answer(self, &request, body, asked)
            }
            Exchange::Garbage => Err(KdcError::Generic.into()),
        }
    }

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

fn exchange(request: &[u8]) -> Exchange {
    match request.first() {
        Some(&AS_REQ) => Exchange::Authentication,
        Some(&TGS_REQ) => Exchange::TicketGranting,
        _ => Exchange::Garbage,
    }
}

fn check_header(request: &KdcReq, kind: i64) -> Result<(), Rejection> {
    if wire::number(&request.pvno.0)? != 5 {
        return Err(KdcError::BadVersion.into());
    }
    if wire::number(&request.msg_type.0)? != kind {
        return Err(KdcError::MessageType.into());
    }
    Ok(())
}

/// The octets of KDC-REQ-BODY as they came, which the checksum in the authenticator is over.
fn raw_body(request: &[u8]) -> Result<&[u8], Malformed> {
    let message = Reader::new(request).expect(TGS_REQ)?;
    let mut fields = Reader::new(Reader::new(message).expect(SEQUENCE)?);
    while !fields.is_empty() {
        let (tag, content) = fields.element()?;
        if tag == context(4) {
            return Ok(content);
        }
    }
    Err(Malformed)
}
