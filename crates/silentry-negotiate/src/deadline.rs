//! Calls that cannot be cancelled, with a limit.
//!
//! GSSAPI and SSPI calls block on the network and know no cancellation: MIT Kerberos waits 27 seconds
//! for a single KDC that accepts and never answers, and for ever for a credential cache service. So each call gets a
//! thread of its own. When the limit passes, the caller gets an error and the thread is left behind; it ends, and gives
//! back what it holds, when the library returns. The threads are counted, and no more than [`MOST`] are there at once.

use std::cell::RefCell;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;

/// As many calls may be in the library at once; a call beyond them waits for one to return.
const MOST: usize = 64;

/// Characters of the configuration's files that an error shows; the environment has chosen them.
const LONGEST_SHOWN: usize = 400;

/// The calls that have not returned.
static CALLS: Mutex<Calls> = Mutex::new(Calls {
    last_id: 0,
    running: Vec::new(),
});
static RETURNED: Condvar = Condvar::new();

struct Calls {
    last_id: u64,
    running: Vec<Call>,
}

#[derive(Default)]
struct Call {
    id: u64,
    /// Nobody waits for it any more.
    late: bool,
    /// What it is reading.
    reads: Option<Source>,
}

/// What is read, and may not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    all(windows, not(test)),
    expect(dead_code, reason = "Windows has no files to read")
)]
pub(crate) enum Source {
    /// A ccache that a service keeps (`KCM:`).
    Service(String),
    /// A file, which may be on a file system that does not answer, or a keytab, with which a KDC is asked.
    File(String),
    /// The files of the library's configuration, of whatever kind they are.
    Configuration(String),
}

thread_local! {
    /// The call that runs on this thread.
    static CURRENT: RefCell<Option<Running>> = const { RefCell::new(None) };
}

/// A place among the running calls, given back when the call returns, or panics.
struct Running {
    id: u64,
}

/// Runs `call` on its own thread and waits for it no longer than `limit`.
pub(crate) fn run<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let begun = Instant::now();
    let running = Running::enter(limit, MOST)?;
    let id = running.id;
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("silentry-negotiate".to_owned())
        .spawn(move || {
            CURRENT.set(Some(running));
            let answer = call();
            // Before the answer is there, so that whoever has it finds the place free.
            CURRENT.set(None);
            // Nobody listens any more after a time-out; the answer is dropped here then.
            let _ = sender.send(answer);
        })
        .map_err(|error| Error::NoThread {
            reason: error.to_string(),
        })?;
    let left = limit.saturating_sub(begun.elapsed());
    receiver.recv_timeout(left).map_err(|error| match error {
        RecvTimeoutError::Timeout => timed_out(id, limit),
        RecvTimeoutError::Disconnected => Error::Failed {
            reason: "the call panicked".to_owned(),
        },
    })?
}

/// Reads credentials or the configuration, in a call. While an earlier call waits for them in vain they are not asked for
/// again: each would cost its whole limit, and a thread.
///
/// # Errors
///
/// [`Error::CcacheTimeout`], [`Error::ConfigurationTimeout`] and [`Error::Timeout`].
#[cfg_attr(
    all(windows, not(test)),
    expect(dead_code, reason = "Windows has no files to read")
)]
pub(crate) fn read_from<T>(
    source: &Source,
    limit: Duration,
    read: impl FnOnce() -> T,
) -> Result<T, Error> {
    {
        let mut calls = calls();
        calls.check_not_awaited(source, limit)?;
        reading(&mut calls, Some(source));
    }
    let answer = read();
    reading(&mut calls(), None);
    Ok(answer)
}

/// Fails while an earlier call waits in vain for this.
#[cfg_attr(
    all(windows, not(test)),
    expect(dead_code, reason = "Windows has no files to read")
)]
pub(crate) fn check_not_awaited(source: &Source, limit: Duration) -> Result<(), Error> {
    calls().check_not_awaited(source, limit)
}

/// Notes what the call on this thread is reading.
fn reading(calls: &mut Calls, source: Option<&Source>) {
    let id = CURRENT.with_borrow(|current| current.as_ref().map(|running| running.id));
    let mut running = calls.running.iter_mut();
    if let Some(call) = running.find(|call| Some(call.id) == id) {
        call.reads = source.cloned();
    }
}

fn timed_out(id: u64, limit: Duration) -> Error {
    let mut calls = calls();
    let call = calls.running.iter_mut().find(|call| call.id == id);
    let reads = call.and_then(|call| {
        call.late = true;
        call.reads.as_ref()
    });
    match reads {
        Some(source) => source.timeout(limit),
        None => Error::Timeout { limit },
    }
}

impl Source {
    fn timeout(&self, limit: Duration) -> Error {
        match self {
            Source::Service(ccache) => Error::CcacheTimeout {
                ccache: ccache.clone(),
                limit,
            },
            Source::File(_) => Error::Timeout { limit },
            Source::Configuration(files) => Error::ConfigurationTimeout {
                files: files.chars().take(LONGEST_SHOWN).collect(),
                limit,
            },
        }
    }
}

impl Calls {
    fn check_not_awaited(&self, source: &Source, limit: Duration) -> Result<(), Error> {
        let awaited = |call: &Call| call.late && call.reads.as_ref() == Some(source);
        if self.running.iter().any(awaited) {
            return Err(source.timeout(limit));
        }
        Ok(())
    }
}

fn calls() -> MutexGuard<'static, Calls> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Waits for a place among `most` calls, no longer than `limit`.
    fn enter(limit: Duration, most: usize) -> Result<Running, Error> {
        let full = |calls: &mut Calls| calls.running.len() >= most;
        let waited = RETURNED.wait_timeout_while(calls(), limit, full);
        let (mut calls, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if full(&mut calls) {
            let running = calls.running.len();
            return Err(Error::TooManyCalls { running, limit });
        }
        calls.last_id += 1;
        let id = calls.last_id;
        calls.running.push(Call {
            id,
            ..Call::default()
        });
        Ok(Running { id })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        calls().running.retain(|call| call.id != self.id);
        RETURNED.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn hands_the_answer_over() {
        assert_eq!(run(LONG, || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn gives_up_at_the_limit_and_the_thread_cleans_up_later() {
        let held = Arc::new(());
        let inside = Arc::clone(&held);
        let (release, wait) = mpsc::channel::<()>();
        let begun = Instant::now();
        let error = run(SOON, move || {
            let _ = wait.recv();
            Ok(inside)
        })
        .unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{error}");

        release.send(()).unwrap();
        while Arc::strong_count(&held) > 1 {
            assert!(begun.elapsed() < LONG, "the thread kept its answer");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_panic_is_an_error_and_gives_its_place_back() {
        for _ in 0..2 * MOST {
            let error = run::<()>(LONG, || panic!("on purpose")).unwrap_err();
            assert_eq!(error.code(), "kerberos_failed");
        }
    }

    /// Counts what it fills, so that other tests may run beside it.
    #[test]
    fn calls_that_never_return_are_counted_and_no_more_are_begun() {
        let mut held = Vec::new();
        let most = loop {
            match Running::enter(Duration::ZERO, 3 * MOST) {
                Ok(running) => held.push(running),
                Err(error) => break error,
            }
        };
        assert_eq!(most.code(), "kerberos_too_many_calls");
        let error = run(SOON, || Ok(())).unwrap_err();
        assert!(matches!(error, Error::TooManyCalls { .. }), "{error}");

        // One that waits gets the place of one that returns.
        let waits = thread::spawn(|| run(LONG, || Ok(7)));
        drop(held);
        assert_eq!(waits.join().unwrap().unwrap(), 7);
    }

    #[test]
    fn what_is_waited_for_in_vain_is_not_asked_for_again() {
        let kcm = |name: &str| Source::Service(name.to_owned());
        let file = |name: &str| Source::File(name.to_owned());
        let configuration = |name: &str| Source::Configuration(name.to_owned());
        for (source, other, code) in [
            (
                configuration("KRB5_CONFIG=/a"),
                configuration("KRB5_CONFIG=/b"),
                "kerberos_configuration_timeout",
            ),
            (kcm("KCM:"), kcm("KCM:1000"), "kerberos_ccache_timeout"),
            (file("DIR:/cc"), file("/etc/keytab"), "kerberos_timeout"),
        ] {
            let (release, wait) = mpsc::channel::<()>();
            let (read, reads) = mpsc::channel();
            let ask = |source: &Source, wait: Option<mpsc::Receiver<()>>| {
                let (read, source) = (read.clone(), source.clone());
                run(if wait.is_some() { SOON } else { LONG }, move || {
                    read_from(&source, LONG, || {
                        read.send(source.clone()).unwrap();
                        wait.map(|wait| wait.recv())
                    })
                })
            };
            let error = ask(&source, Some(wait)).unwrap_err();
            assert_eq!(error.code(), code);
            let (Source::Service(name) | Source::File(name) | Source::Configuration(name)) =
                &source;
            let is_named = error.to_string().contains(name);
            assert_eq!(is_named, !matches!(source, Source::File(_)), "{error}");
            for _ in 0..3 {
                assert_eq!(ask(&source, None).unwrap_err().code(), code);
                assert_eq!(check_not_awaited(&source, LONG).unwrap_err().code(), code);
            }
            check_not_awaited(&other, LONG).unwrap();
            ask(&other, None).unwrap();
            assert_eq!(
                reads.try_iter().collect::<Vec<_>>(),
                [source.clone(), other]
            );

            // Once there is an answer, or an end, they are asked for again.
            release.send(()).unwrap();
            let begun = Instant::now();
            while ask(&source, None).is_err() {
                assert!(begun.elapsed() < LONG);
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}
