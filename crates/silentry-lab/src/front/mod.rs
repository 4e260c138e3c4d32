//! The one socket of the lab: an HTTP CONNECT proxy, and TLS itself for clients without a proxy.
//!
//! The first byte tells them apart. Either way the name decides: one the lab plays is answered, one
//! the user mapped is passed on, any other is refused with a sentence. Nothing leaves the machine
//! but to what the user mapped.

mod connect;
mod serve;
mod sniff;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::journal::Journal;
use crate::services::Services;

/// A peer that has begun must be done with a handshake, a head or a body by then.
const PATIENCE: Duration = Duration::from_secs(15);
/// A peer may wait before it begins: some connect first and then ask a slow KDC for a ticket.
const IDLE: Duration = Duration::from_secs(90);
const MAX_CONNECTIONS: usize = 1024;

/// What every connection needs.
pub(crate) struct Front {
    pub(crate) services: Services,
    pub(crate) journal: Journal,
    /// Names of the user's own TLS servers, lower case, to `host:port`.
    pub(crate) map: HashMap<String, String>,
}

/// Accepts connections until the task is dropped, which ends all of them.
pub(crate) async fn serve(listener: TcpListener, front: Arc<Front>) {
    let limit = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = Arc::clone(&limit).acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors, most likely: wait for some to come back.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let front = Arc::clone(&front);
        connections.spawn(async move {
            if let Err(error) = connection(stream, &front).await {
                tracing::debug!(%peer, %error, "connection ended");
            }
            drop(permit);
        });
    }
}

/// Binds a listener. Where the address has port 0, the system chooses one; systems can be set up so that root gets one
/// of those that belong to services, which are then left alone.
pub(crate) async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    const OF_SERVICES: std::ops::Range<u16> = 1..1024;
    const ATTEMPTS: usize = 2048;
    // Kept until one is found, so that none is offered twice.
    let mut passed_over = Vec::new();
    loop {
        let listener = TcpListener::bind(address).await?;
        let port = listener.local_addr()?.port();
        if address.port() != 0 || !OF_SERVICES.contains(&port) {
            return Ok(listener);
        }
        passed_over.push(listener);
        if passed_over.len() == ATTEMPTS {
            return Err(std::io::ErrorKind::AddrInUse.into());
        }
    }
}

async fn connection(stream: TcpStream, front: &Arc<Front>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    match tokio::time::timeout(IDLE, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == sniff::TLS_HANDSHAKE => serve::direct(stream, front).await,
        Ok(Ok(1)) => connect::proxy(stream, front).await,
        Ok(Err(error)) => Err(error),
        Ok(Ok(_)) | Err(_) => Ok(()),
    }
}
