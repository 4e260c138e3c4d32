use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::KdcError;
use crate::kerberos::Principal;

/// A lab that runs for days forgets what was asked first.
const CAPACITY: usize = 10_000;

/// One request, as the KDC understood and answered it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// What was asked for.
    pub exchange: Exchange,
    /// Who asked: as named in the request, or in the ticket if that opened.
    pub client: Option<Principal>,
    /// For which service.
    pub service: Option<Principal>,
    /// What came of it.
    pub outcome: Outcome,
}

/// The two exchanges of a KDC, and what is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// AS-REQ: a first ticket, for a password.
    Authentication,
    /// TGS-REQ: a ticket for a ticket.
    TicketGranting,
    /// Bytes that are no request.
    Garbage,
}

/// What the KDC did with a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It issued the ticket that was asked for.
    Issued,
    /// It issued a ticket for the KDC of this realm, where the service is.
    Referred(String),
    /// It refused.
    Refused(KdcError),
}

impl Asked {
    pub(super) fn new(exchange: Exchange) -> Self {
        let outcome = Outcome::Issued;
        Self {
            exchange,
            client: None,
            service: None,
            outcome,
        }
    }

    /// Says whether this was a ticket issued for `service`, such as `HTTP/sts.contoso.test`.
    #[must_use]
    pub fn issued(&self, service: &str) -> bool {
        let asked = self.service.as_ref();
        self.outcome == Outcome::Issued
            && asked.is_some_and(|asked| asked.name().eq_ignore_ascii_case(service))
    }
}

/// The requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    asked: Mutex<VecDeque<Asked>>,
}

impl Log {
    pub(super) fn push(&self, asked: Asked) {
        let mut log = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if log.len() == CAPACITY {
            log.pop_front();
        }
        log.push_back(asked);
    }

    pub(super) fn all(&self) -> Vec<Asked> {
        let log = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().cloned().collect()
    }
}
