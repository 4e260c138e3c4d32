//! The same sign-ins for programs without async: where async code writes `.await`, they write [`.wait()`](Wait::wait).
//!
//! ```no_run
//! use silentry::PublicClientApplication;
//! use silentry::blocking::Wait;
//!
//! fn main() -> Result<(), silentry::Error> {
//!     let app = PublicClientApplication::builder("11111111-2222-3333-4444-555555555555")
//!         .with_tenant_id("contoso.com")
//!         .build()?;
//!     let token = app
//!         .acquire_token(["https://graph.microsoft.com/User.Read"])
//!         .or_device_code(|code| eprintln!("{}", code.message()))
//!         .wait()?;
//!     println!("{} has a token", token.account().username());
//!     for account in app.accounts().wait()? {
//!         println!("known: {}", account.username());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! There is nothing else to learn: every request, [`accounts`](crate::PublicClientApplication::accounts), the two steps
//! of a [device code](crate::PublicClientApplication::begin_device_code) and an `async` block of several calls can be
//! waited for, by as many threads at once as there are.
//!
//! # How it works
//!
//! The thread that waits does the work of the sign-in itself, and sleeps in between. What it waits for, sockets and
//! time, is watched by one thread of this library, `silentry-blocking`, which the first call starts and all share. So a
//! token that is in memory costs no change of threads, a panic (of a device code's callback, say) reaches the caller,
//! and no Tokio runtime is needed.
//!
//! # In an async program
//!
//! Prefer `.await`. A wait works on a thread of a Tokio runtime too, with no runtime inside another, but like any
//! blocking call it holds up the other tasks of that thread: `tokio::task::spawn_blocking` is the place for it. Never
//! wait for something that only the blocked thread could do.

mod reactor;

use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Stage};

/// Waiting on this thread for what async code awaits.
pub trait Wait<T>: IntoFuture<Output = Result<T, Error>> + Sized {
    /// Waits until it is done.
    ///
    /// Every flow has limits of its own, so the wait ends: with the user's patience where there is a user to wait
    /// for (the browser's time-out, the end of a device code), else within a few minutes however bad the network is.
    ///
    /// # Errors
    ///
    /// Those of the awaited call, and `transport_unusable` when the system has no thread or no descriptors left, or when
    /// it is called by a task on the thread `silentry-blocking`, which a transport of the program's own may have spawned.
    fn wait(self) -> Result<T, Error> {
        drive(self.into_future(), None)
    }

    /// Waits until it is done, but no longer than `limit`; then it is cancelled, as by dropping its future.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Wait::wait), and `request_timeout` when the time is up.
    fn wait_timeout(self, limit: Duration) -> Result<T, Error> {
        drive(self.into_future(), Some(limit))
    }
}

impl<T, F: IntoFuture<Output = Result<T, Error>>> Wait<T> for F {}

fn drive<T>(
    work: impl Future<Output = Result<T, Error>>,
    limit: Option<Duration>,
) -> Result<T, Error> {
    let reactor = reactor::handle().map_err(|error| {
        let message = format!("this thread cannot wait for a sign-in: {error}");
        Error::new(Code::TransportUnusable, Stage::Request, message)
    })?;
    // What the work opens belongs to our reactor, even on a thread of somebody else's runtime; and its share of that
    // runtime's turns is none of our business: when it is used up, a future that minds it is never ready again.
    let _entered = reactor.enter();
    let mut work = pin!(tokio::task::unconstrained(work));

    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    let alarm = Arc::new(Alarm::of_this_thread());
    let waker = Waker::from(Arc::clone(&alarm));
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return result;
        }
        if !alarm.sleep(end) {
            let message = format!("no answer within {:?}", limit.unwrap_or_default());
            return Err(Error::new(Code::RequestTimeout, Stage::Request, message));
        }
    }
}

/// Wakes the thread that made it.
struct Alarm {
    thread: Thread,
    /// A thread may be woken for other reasons, and by a wait inside this one.
    rung: AtomicBool,
}

impl Alarm {
    fn of_this_thread() -> Self {
        Alarm {
            thread: thread::current(),
            rung: AtomicBool::new(false),
        }
    }

    /// Sleeps until it rings, or until `end`: then it returns `false`.
    fn sleep(&self, end: Option<Instant>) -> bool {
        while !self.rung.swap(false, Ordering::Acquire) {
            match end.map(|end| end.saturating_duration_since(Instant::now())) {
                None => thread::park(),
                Some(Duration::ZERO) => return false,
                Some(left) => thread::park_timeout(left),
            }
        }
        true
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thread_that_watches_never_waits_for_itself() {
        let task = async { async { Ok(()) }.wait() };
        let task = reactor::handle().unwrap().spawn(task);
        let answer = async { Ok(task.await.unwrap()) }.wait().unwrap();
        assert_eq!(answer.unwrap_err().code(), "transport_unusable");
    }

    #[test]
    fn a_wait_inside_a_wait_takes_no_ringing_from_the_outer_one() {
        let nap = || tokio::time::sleep(Duration::from_millis(20));
        let outer = async {
            let long = tokio::spawn(async move { nap().await });
            // Rings for the outer wait while the inner one sleeps.
            let inner = async {
                nap().await;
                nap().await;
                Ok(7)
            };
            let seven = inner.wait()?;
            long.await.unwrap();
            Ok(seven)
        };
        assert_eq!(outer.wait().unwrap(), 7);
    }
}
