//! What blocks, on a thread of its own: it can be left behind, but not stopped.

use std::io;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::transport::{Clock, within};

/// Why blocking work brought nothing.
#[derive(Debug)]
pub(crate) enum OwnThreadError {
    /// There is no thread for it.
    NoThread(io::Error),
    /// It took longer than it may; the thread ends by itself, whenever that is.
    TimedOut,
    /// It panicked.
    Died,
}

/// Runs `work` on a thread with this name and waits for it at most `limit`. A dropped future leaves the
/// thread to end by itself.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    clock: &dyn Clock,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, OwnThreadError> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // The receiver is gone when the caller has lost interest.
            let _ = sender.send(work());
        })
        .map_err(OwnThreadError::NoThread)?;
    match within(clock.sleep(limit), receiver).await {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(_)) => Err(OwnThreadError::Died),
        None => Err(OwnThreadError::TimedOut),
    }
}
