//! What blocks, on a thread of its own: it can be left behind, but not stopped.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

thread_local! {
    /// Counts the signs of life of the work that this thread is for.
    static SIGNS: RefCell<Option<Arc<AtomicU64>>> = const { RefCell::new(None) };
}

/// Says that the work of this thread goes on, so that its limit begins anew: it waits for something that has a limit of
/// its own.
#[cfg(feature = "persistent-cache")]
pub(crate) fn sign_of_life() {
    SIGNS.with_borrow(|signs| {
        if let Some(signs) = signs {
            signs.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// Runs `work` on a thread with this name and waits for it at most `limit` after its last sign of life (twice that at
/// the utmost). A dropped future leaves the thread to end by itself.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    clock: &dyn Clock,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, OwnThreadError> {
    let (sender, mut receiver) = oneshot::channel();
    let signs = Arc::new(AtomicU64::new(0));
    let theirs = Arc::clone(&signs);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            SIGNS.set(Some(theirs));
            // The receiver is gone when the caller has lost interest.
            let _ = sender.send(work());
        })
        .map_err(OwnThreadError::NoThread)?;
    loop {
        let seen = signs.load(Ordering::Relaxed);
        match within(clock.sleep(limit), &mut receiver).await {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(_)) => return Err(OwnThreadError::Died),
            None if signs.load(Ordering::Relaxed) == seen => return Err(OwnThreadError::TimedOut),
            None => {}
        }
    }
}
