//! Calls that cannot be cancelled, with a limit.
//!
//! GSS-API and SSPI calls block on the network and know no cancellation: MIT Kerberos waits 27 seconds
//! for a single KDC that accepts and never answers. So each call gets a thread of its own. When the
//! limit passes, the caller gets an error and the thread is left behind; it ends, and gives back what it
//! holds, when the library returns.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::Error;

/// Runs `call` on its own thread and waits for it no longer than `limit`.
pub(crate) fn run<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("silentry-negotiate".to_owned())
        .spawn(move || {
            // Nobody listens any more after a time-out; the answer is dropped here then.
            let _ = sender.send(call());
        })
        .map_err(|error| Error::Failed {
            reason: format!("no thread for the call: {error}"),
        })?;
    receiver.recv_timeout(limit).map_err(|error| match error {
        RecvTimeoutError::Timeout => Error::Timeout { limit },
        RecvTimeoutError::Disconnected => Error::Failed {
            reason: "the call panicked".to_owned(),
        },
    })?
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn hands_the_answer_over() {
        assert_eq!(run(Duration::from_secs(5), || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn gives_up_at_the_limit_and_the_thread_cleans_up_later() {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let (release, wait) = mpsc::channel::<()>();
        let begun = Instant::now();
        let error = run(Duration::from_millis(50), move || {
            let _ = wait.recv();
            Ok(inside)
        })
        .unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(5));

        release.send(()).unwrap();
        while Arc::strong_count(&held) > 1 {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "the thread kept its answer"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_panic_is_an_error() {
        let error = run::<()>(Duration::from_secs(5), || panic!("on purpose")).unwrap_err();
        assert_eq!(error.code(), "kerberos_failed");
    }
}
