//! What happened in the lab: every HTTP exchange, without bodies, queries or headers, so that no
//! secret can stand in it; of a ticket that came with it, whose it was and what it was bound to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Notify;

/// Older exchanges than this many are forgotten.
const KEPT: usize = 10_000;

/// One request and its answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// What the request was for: `discovery`, `realm`, `mex`, `wstrust`, `token`, `api`, `proxy`, ...
    pub stage: String,
    /// The HTTP method.
    pub method: String,
    /// The URL without its query; for a refused tunnel, `host:port`.
    pub url: String,
    /// The HTTP status that was answered.
    pub status: u16,
    /// How long the lab took to answer.
    pub milliseconds: u64,
    /// The Kerberos ticket that came with the request, if it opened.
    #[serde(skip)]
    pub ticket: Option<PresentedTicket>,
}

/// What a server found in a Negotiate token: nothing that could be used again.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PresentedTicket {
    /// The client's principal.
    pub client: String,
    /// The principal of the service that the ticket is for.
    pub service: String,
    /// The hash of the channel's bindings, in hexadecimal digits; none if the client sent none
    /// (RFC 4121 section 4.1.1.2).
    pub channel_binding: Option<String>,
    /// What the client asked for: `mutual`, `delegate`, ... (RFC 4121 section 4.1.1.1).
    pub flags: Vec<String>,
    /// Whether the client sent its ticket-granting ticket along.
    pub delegated: bool,
    /// Why the server refused the token all the same.
    pub refused: Option<String>,
}

/// A shared, append-only record of exchanges.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: Mutex<Records>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Records {
    /// How many exchanges were forgotten.
    forgotten: usize,
    kept: Vec<Exchange>,
}

impl Journal {
    /// Returns every exchange so far, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.records(|records| records.kept.clone())
    }

    /// Returns how many exchanges there were; a mark for [`Journal::wait_beyond`].
    pub fn len(&self) -> usize {
        self.records(|records| records.forgotten + records.kept.len())
    }

    /// Returns whether nothing was asked yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until there are more exchanges than `mark`, and returns the new ones.
    pub async fn wait_beyond(&self, mark: usize) -> Vec<Exchange> {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that an exchange in between is not missed.
            changed.as_mut().enable();
            let fresh = self.records(|records| {
                let skip = mark.saturating_sub(records.forgotten);
                records
                    .kept
                    .get(skip..)
                    .map(<[Exchange]>::to_vec)
                    .unwrap_or_default()
            });
            if !fresh.is_empty() {
                return fresh;
            }
            changed.await;
        }
    }

    pub(crate) fn record(
        &self,
        stage: &str,
        method: &str,
        url: String,
        status: u16,
        took: Duration,
        ticket: Option<PresentedTicket>,
    ) {
        let exchange = Exchange {
            stage: stage.to_owned(),
            method: method.to_owned(),
            url,
            status,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            ticket,
        };
        self.records(|records| {
            if records.kept.len() >= KEPT {
                records.kept.drain(..KEPT / 2);
                records.forgotten += KEPT / 2;
            }
            records.kept.push(exchange);
        });
        self.inner.changed.notify_waiters();
    }

    fn records<T>(&self, look: impl FnOnce(&mut Records) -> T) -> T {
        look(
            &mut self
                .inner
                .records
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_waiter_sees_what_came_after_its_mark() {
        let journal = Journal::default();
        journal.record(
            "realm",
            "GET",
            "https://a/".into(),
            200,
            Duration::from_millis(3),
            None,
        );
        let mark = journal.len();
        let waiter = tokio::spawn({
            let journal = journal.clone();
            async move { journal.wait_beyond(mark).await }
        });
        tokio::task::yield_now().await;
        journal.record("mex", "GET", "https://b/".into(), 404, Duration::ZERO, None);
        assert_eq!(waiter.await.unwrap()[0].stage, "mex");
        assert_eq!(journal.wait_beyond(0).await.len(), 2);
    }

    #[test]
    fn the_journal_forgets_the_oldest() {
        let journal = Journal::default();
        for status in 0..=KEPT {
            let status = u16::try_from(status).unwrap();
            journal.record("api", "GET", String::new(), status, Duration::ZERO, None);
        }
        assert_eq!(journal.len(), KEPT + 1);
        assert!(journal.exchanges().len() <= KEPT);
    }
}
