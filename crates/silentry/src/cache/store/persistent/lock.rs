//! The lock that all MSALs put beside a cache: `<cache>.lockfile`.
//!
//! One file serves three protocols, read in the sources of the libraries and tried with them:
//!
//! - MSAL.NET's extensions open or create it, hold it with `flock(LOCK_EX | LOCK_NB)` (on Windows by
//!   sharing it for reading only), and delete it on closing; 100 ms between tries, 60 s in all.
//! - MSAL Python's extensions create it exclusively. With portalocker they then hold it with `flock`, and
//!   after 5 s of trying to create it take an existing file by `flock` alone; without portalocker the
//!   file that exists is the whole lock. Either way they delete it afterwards.
//! - MSAL Node's extensions create it exclusively and delete it; 100 ms between tries, 50 s in all.
//!
//! Therefore we create it exclusively, for Node and Python, hold it with `flock` as well, for .NET, write
//! `pid name` into it as all do, and delete it before we let go of it.
//!
//! A process that was killed leaves the file behind, and nothing tells it from the lock of a living Node
//! but the process id inside. See [`Watched::is_orphan`] for when such a file is taken over.
//!
//! The lock is never held while anything waits for the network: no MSAL does, and those that wait for it
//! give up after seconds.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::super::{StoreError, StoreErrorKind, shown};
use super::os::{self, Owner};
use crate::own_thread;

/// How long to wait for a lock; the MSALs take between 10 s (Python) and 60 s (.NET).
const PATIENCE: Duration = Duration::from_secs(30);
/// The same for one that never changes hands: those who work under it need milliseconds.
const SAME_HOLDER: Duration = Duration::from_secs(10);
/// The same for one of another user: as root may have it for a moment, under whose name others are.
const OTHER_USER: Duration = Duration::from_millis(250);
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// Shorter than the MSALs' 100 ms and 250 ms, for the lock is held for a few milliseconds only, and
/// whoever has waited long must not be the one who looks seldom.
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// How old the file of a dead process must be; none of the MSALs works that long under the lock, in
/// case the process lives where this one cannot see it (a container that shares the home folder).
const DEAD_AFTER: Duration = Duration::from_secs(1);
/// The same when it cannot be told whether the process lives; MSAL Python waits as long.
const UNKNOWN_AFTER: Duration = Duration::from_secs(5);
/// The same for a living process: by then another process has got the number of the one that died.
const REUSED_AFTER: Duration = Duration::from_secs(120);

/// The lock of one cache, held until this is dropped.
pub(super) struct Lock {
    path: PathBuf,
    file: File,
    /// The same beside the file that a symbolic link leads to: others may know the cache by that name.
    of_target: Option<Box<Lock>>,
}

impl Lock {
    /// Waits for the lock of the cache whose file (or signal file) this is; its folder must exist.
    pub(super) fn acquire(cache: &Path) -> Result<Lock, StoreError> {
        Self::acquire_within(cache, PATIENCE)
    }

    /// The same for a cache with a second name, to which the first one leads as a symbolic link.
    pub(super) fn acquire_both(cache: &Path, target: &Path) -> Result<Lock, StoreError> {
        let mut lock = Self::acquire(cache)?;
        if target != cache {
            lock.of_target = Some(Box::new(Self::acquire(target)?));
        }
        Ok(lock)
    }

    fn acquire_within(cache: &Path, patience: Duration) -> Result<Lock, StoreError> {
        let path = beside(cache, ".lockfile");
        let give_up = Instant::now() + patience;
        let mut watched: Option<Watched> = None;
        let mut pause = SHORTEST_PAUSE;
        loop {
            if let Some(file) = os::create_lock(&path).map_err(|error| failure(&path, &error))? {
                return Ok(Lock::sign(file, path));
            }
            let owner = os::lock_owner(&path).map_err(|error| failure(&path, &error))?;
            watched = owner.map(|owner| Watched::again(watched, owner));
            if let Some(watched) = &watched {
                watched.check_user(&path)?;
                if watched.is_orphan() {
                    let deleted = os::delete_orphan(&path, &watched.owner.mark);
                    if deleted.map_err(|error| failure(&path, &error))? {
                        tracing::debug!(
                            path = shown(&path),
                            "deleted a lock that its owner left behind"
                        );
                        continue;
                    }
                }
            }
            let never_changes = watched
                .as_ref()
                .is_some_and(|watched| watched.since.elapsed() >= SAME_HOLDER);
            if never_changes || Instant::now() >= give_up {
                return Err(held(&path, watched));
            }
            own_thread::sign_of_life();
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Writes whose lock it is. That it cannot (a full disk) does not matter: it is held all the same.
    fn sign(mut file: File, path: PathBuf) -> Lock {
        let signature = format!("{} {}", std::process::id(), program());
        let _ = os::check_size_limit(signature.len())
            .and_then(|()| file.write_all(signature.as_bytes()));
        Lock {
            path,
            file,
            of_target: None,
        }
    }

    /// Returns whether the lock is still this one: a process that stood still for minutes may find
    /// that another has taken it over.
    pub(super) fn is_held(&self) -> bool {
        self.is_at_its_place() && self.of_target.as_ref().is_none_or(|lock| lock.is_held())
    }

    fn is_at_its_place(&self) -> bool {
        os::is_at(&self.file, &self.path).unwrap_or(false)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_at_its_place() {
            os::delete_lock(&self.path);
        }
    }
}

/// A lock file of somebody else, and since when nothing has happened to it.
struct Watched {
    owner: Owner,
    since: Instant,
}

impl Watched {
    fn again(before: Option<Watched>, owner: Owner) -> Watched {
        match before {
            Some(before) if before.owner.mark == owner.mark => before,
            _ => Watched {
                owner,
                since: Instant::now(),
            },
        }
    }

    /// A cache belongs to one user. The lock of another one (in a folder that both may write to) is none that lets go
    /// soon, and often none that this user may look into or take over.
    fn check_user(&self, path: &Path) -> Result<(), StoreError> {
        match self.owner.other_user {
            Some(user) if self.since.elapsed() >= OTHER_USER => Err(StoreError::new(
                StoreErrorKind::Denied,
                format!(
                    "{} is the lock of another user (user {user}), who has to remove it",
                    path.display()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Returns whether whoever made the file is gone, if nobody holds it by `flock`, which taking it over
    /// finds out.
    fn is_orphan(&self) -> bool {
        let limit = match self.owner.pid {
            // Our own threads hold it by flock; without that it is of one who had our number.
            Some(pid) if pid == std::process::id() => DEAD_AFTER,
            Some(pid) => match os::is_running(pid) {
                Some(true) => REUSED_AFTER,
                Some(false) => DEAD_AFTER,
                None => UNKNOWN_AFTER,
            },
            None => UNKNOWN_AFTER,
        };
        self.since.elapsed() >= limit || self.owner.age >= limit
    }
}

/// Returns the path of a file beside another, named after it.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(file);
    path.push(suffix);
    PathBuf::from(path)
}

fn program() -> String {
    std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .unwrap_or_else(|| "silentry".to_owned())
}

fn failure(path: &Path, error: &io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreErrorKind::Denied
        }
        _ => StoreErrorKind::Io,
    };
    StoreError::new(kind, format!("cannot lock {}: {error}", path.display()))
}

fn held(path: &Path, watched: Option<Watched>) -> StoreError {
    let holder = match watched.and_then(|watched| watched.owner.pid) {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    StoreError::new(
        StoreErrorKind::Locked,
        format!("{holder} does not let go of {}", path.display()),
    )
}

#[cfg(test)]
mod tests;
