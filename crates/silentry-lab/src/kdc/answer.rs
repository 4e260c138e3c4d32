//! Answers to requests: which exchange one belongs to, and what is noted of it.

use std::time::SystemTime;

use picky_krb::messages::{AsReq, KdcReq, TgsReq};

use super::directory::Directory;
use super::error::Rejection;
use super::log::{Asked, Exchange, Outcome};
use super::request::RealmKdc;
use super::{KdcError, as_exchange, tgs_exchange};
use crate::kerberos::der::{Malformed, Reader, SEQUENCE, application, context};
use crate::kerberos::{Principal, wire};

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
