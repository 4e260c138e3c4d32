//! The thread that watches sockets and time for all who wait.

use std::future;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, ThreadId};

use tokio::runtime::{Builder, Handle};

static REACTOR: OnceLock<Reactor> = OnceLock::new();
static STARTING: Mutex<()> = Mutex::new(());

struct Reactor {
    handle: Handle,
    thread: ThreadId,
}

/// Returns the one reactor of this process, which runs as long as the process.
pub(super) fn handle() -> io::Result<&'static Handle> {
    let reactor = match REACTOR.get() {
        Some(reactor) => reactor,
        None => start()?,
    };
    if reactor.thread == thread::current().id() {
        // A task that a transport of the program's own has spawned: nobody would watch what it waits for.
        return Err(io::Error::other(
            "it is this one, and cannot wait for itself",
        ));
    }
    Ok(&reactor.handle)
}

/// One of the first callers starts it, the others wait for that. A failure is not kept: threads and descriptors that
/// are all used today are free tomorrow.
fn start() -> io::Result<&'static Reactor> {
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(reactor) = REACTOR.get() {
        return Ok(reactor);
    }
    // A pair of pipes for signals too, where another user of Tokio in the program turned them on.
    silentry_files::check_descriptors(8)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let thread = thread::Builder::new()
        .name("silentry-blocking".to_owned())
        .spawn(move || runtime.block_on(future::pending::<()>()))?;
    Ok(REACTOR.get_or_init(|| Reactor {
        handle,
        thread: thread.thread().id(),
    }))
}
