//! The lock of one token: who is getting it, while other processes wait for it to be in the cache.
//!
//! It is ours alone, a file of its own for each token (`<cache>.flight-<hash>`), since the MSALs' lock is never held over
//! the network. The file lock of the operating system is what counts: it ends with its process, so that the file of a
//! killed one stops nobody. The file goes with the lock.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::{FlightLock, StoreError, StoreErrorKind};
use super::lock::beside;
use super::os;

/// Bytes of the hash in the name: enough that different tokens do not wait for each other.
const NAME_BYTES: usize = 8;

/// Takes the lock of the token that `key` names, in the cache whose file this is, unless somebody holds it.
pub(super) fn try_lock(cache: &Path, key: &str) -> Result<Option<FlightLock>, StoreError> {
    let path = path(cache, key);
    hold(&path)
        .map(|file| file.map(|file| FlightLock::new(Held { path, file })))
        .map_err(|error| {
            let message = format!("cannot lock a token of {}: {error}", cache.display());
            StoreError::new(StoreErrorKind::Io, message)
        })
}

fn path(cache: &Path, key: &str) -> PathBuf {
    let hash = Sha256::digest(key);
    let name: String = hash[..NAME_BYTES]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    beside(cache, &format!(".flight-{name}"))
}

/// A file that exists is that of a process which holds it, or which was killed.
fn hold(path: &Path) -> io::Result<Option<File>> {
    match os::create_lock(path)? {
        Some(file) => Ok(Some(file)),
        None => os::take_lock_over(path),
    }
}

struct Held {
    path: PathBuf,
    file: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        if os::is_at(&self.file, &self.path).unwrap_or(false) {
            os::delete_lock(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn one_process_at_a_time_gets_a_token_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache.json");
        let held = try_lock(&cache, "alice").unwrap().unwrap();
        assert!(try_lock(&cache, "alice").unwrap().is_none());
        let other = try_lock(&cache, "bob").unwrap();
        assert!(other.is_some(), "another token waits for nobody");
        assert_eq!(files(folder.path()), 2);
        drop((held, other));
        assert_eq!(files(folder.path()), 0);
        assert!(try_lock(&cache, "alice").unwrap().is_some());
    }

    #[test]
    fn the_file_of_a_killed_process_stops_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache.json");
        std::fs::write(path(&cache, "alice"), "").unwrap();
        let held = try_lock(&cache, "alice").unwrap();
        assert!(held.is_some());
        assert!(try_lock(&cache, "alice").unwrap().is_none());
        drop(held);
        assert_eq!(files(folder.path()), 0);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_open_it() {
        use std::os::unix::fs::MetadataExt;

        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("cache.json");
        let _held = try_lock(&cache, "alice").unwrap().unwrap();
        let mode = path(&cache, "alice").metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
