//! The time that a look-up has.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::Failure;

/// Until when a look-up must be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        Deadline(Instant::now() + limit)
    }

    /// Returns the time that is left, which is never zero.
    pub(super) fn remaining(self) -> Result<Duration, Failure> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::Slow);
        }
        Ok(left)
    }

    /// Returns the addresses of a name, by the system's resolver, which knows the hosts file, a VPN's split DNS and
    /// macOS's scoped one. It cannot be cancelled: past the deadline its thread is left to end by itself.
    pub(super) fn resolve(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Failure> {
        let unknown = |why: &dyn std::fmt::Display| Failure::Unreachable(format!("{host}: {why}"));
        let (sender, receiver) = mpsc::sync_channel(1);
        let name = host.to_owned();
        thread::Builder::new()
            .name("silentry-resolver".into())
            .spawn(move || {
                let found = (name.as_str(), port).to_socket_addrs();
                // Nobody listens any more past the deadline.
                let _ = sender.send(found.map(Vec::from_iter));
            })
            .map_err(|error| unknown(&error))?;
        let found = receiver
            .recv_timeout(self.remaining()?)
            .map_err(|_| Failure::Slow)?;
        found.map_err(|error| unknown(&error))
    }
}
