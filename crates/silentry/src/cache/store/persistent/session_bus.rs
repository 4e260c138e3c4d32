//! How long the session bus is waited for.
//!
//! D-Bus waits 25 s for an answer, longer for a service that is to be started, and for ever for a bus that accepts a
//! connection and then says nothing. All of it has one limit here. Calls are cancelled for good; where that should not
//! end them, nothing else is asked until they have ended, so that there is one such thread at most.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::super::{StoreError, StoreErrorKind};
use super::libsecret::{Cancel, Library};

/// A keyring answers within milliseconds, one that has to be started within a second.
const LIMIT: Duration = Duration::from_secs(3);
/// GLib ends a cancelled call at once; this is for a thread that has to be given a processor.
const TO_END: Duration = Duration::from_millis(500);
/// How long a bus that did not answer is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// The last time that there was no answer, in this process.
static NO_ANSWER: Mutex<Option<NoAnswer>> = Mutex::new(None);

struct NoAnswer {
    since: Instant,
    /// Alive as long as the call is.
    call: Weak<Cancel>,
}

/// Does `work`, whose calls end when they are cancelled, on a thread of its own.
///
/// # Errors
/// That of `work`, and [`StoreErrorKind::Unavailable`] when there is no answer in time.
pub(super) fn call<T: Send + 'static>(
    library: &'static Library,
    work: impl FnOnce(&Arc<Cancel>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    if is_left_alone() {
        return Err(unavailable("the session bus did not answer a moment ago"));
    }
    let cancel = Arc::new(library.cancel());
    let (sender, answers) = mpsc::channel();
    let theirs = Arc::clone(&cancel);
    thread::Builder::new()
        .name("silentry-keyring".to_owned())
        .spawn(move || {
            // Nobody listens any more when it took too long.
            let _ = sender.send(work(&theirs));
        })
        .map_err(|error| unavailable(&format!("no thread for the call: {error}")))?;
    match answers.recv_timeout(LIMIT) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Disconnected) => Err(unavailable("the call panicked")),
        Err(RecvTimeoutError::Timeout) => {
            cancel.cancel();
            // It may have done its work in the last moment; else its error only says that it was cancelled.
            let late = answers.recv_timeout(TO_END);
            remember(&cancel);
            late.ok().and_then(Result::ok).ok_or_else(|| {
                let seconds = LIMIT.as_secs();
                unavailable(&format!("no answer of the session bus within {seconds} s"))
            })
        }
    }
}

fn is_left_alone() -> bool {
    let no_answer = NO_ANSWER.lock().unwrap_or_else(PoisonError::into_inner);
    no_answer
        .as_ref()
        .is_some_and(|last| last.since.elapsed() < LEFT_ALONE || last.call.strong_count() > 0)
}

fn remember(call: &Arc<Cancel>) {
    *NO_ANSWER.lock().unwrap_or_else(PoisonError::into_inner) = Some(NoAnswer {
        since: Instant::now(),
        call: Arc::downgrade(call),
    });
}

/// The error of a Secret Service that cannot be used.
pub(super) fn unavailable(problem: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!("no Secret Service: {problem}"),
    )
}
