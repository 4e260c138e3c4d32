//! Connections kept for the next request to the same origin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Id};

use super::{Connection, Origin, Transport, TransportError};

/// http.sys closes idle connections after 120 s, Entra's front doors after a similar time.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Opens connections and keeps one idle for each origin and runtime.
pub(crate) struct Connections {
    transport: Arc<dyn Transport>,
    idle: Mutex<HashMap<Place, Idle>>,
}

/// Where a connection may be used again: a socket wakes nobody when the runtime that watches it stands still, as that
/// of a test that has ended, or of a thread that is blocked.
type Place = (Origin, Option<Id>);

struct Idle {
    connection: Box<dyn Connection>,
    since: Instant,
}

/// A connection in use.
pub(crate) struct Lease {
    pub(crate) connection: Box<dyn Connection>,
    /// It has carried a request before, so the server may have closed it at any moment.
    pub(crate) reused: bool,
    origin: Origin,
}

impl Lease {
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Connections {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Connections {
            transport,
            idle: Mutex::default(),
        }
    }

    /// Returns the idle connection to `origin`, else a new one.
    pub(crate) async fn lease(&self, origin: &Origin) -> Result<Lease, TransportError> {
        if let Some(connection) = self.take_idle(origin) {
            return Ok(Lease {
                connection,
                reused: true,
                origin: origin.clone(),
            });
        }
        self.open(origin).await
    }

    /// Opens a new connection to `origin`.
    pub(crate) async fn open(&self, origin: &Origin) -> Result<Lease, TransportError> {
        let connection = self.transport.connect(origin).await?;
        Ok(Lease {
            connection,
            reused: false,
            origin: origin.clone(),
        })
    }

    /// Keeps the connection for the next request, when it can still carry one.
    pub(crate) fn give_back(&self, mut lease: Lease) {
        if lease.connection.is_open() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|_, idle| idle.since.elapsed() < IDLE_TIMEOUT);
            idle.insert(
                place(lease.origin),
                Idle {
                    connection: lease.connection,
                    since: Instant::now(),
                },
            );
        }
    }

    fn take_idle(&self, origin: &Origin) -> Option<Box<dyn Connection>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let Idle {
            mut connection,
            since,
        } = idle.remove(&place(origin.clone()))?;
        (since.elapsed() < IDLE_TIMEOUT && connection.is_open()).then_some(connection)
    }
}

fn place(origin: Origin) -> Place {
    (origin, Handle::try_current().ok().map(|handle| handle.id()))
}
