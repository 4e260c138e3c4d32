//! A cache in a file: read with suspicion, written whole or not at all.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use silentry_protocol::cache::MAX_CACHE_BYTES;
use silentry_protocol::secret::Secret;
use zeroize::Zeroizing;

use super::super::{StoreError, StoreErrorKind, StoreKind, shown};
use super::lock::{Lock, beside};
use super::locked::{Glance, Locked, Medium, locked_store};
use super::os::{self, Destination};

/// The largest cache that is read, in whatever form, and so the largest that is written.
const LARGEST: u64 = MAX_CACHE_BYTES as u64;

/// After this time the next change of a file gets another modification time, on every file system in
/// use (FAT counts in steps of 2 s).
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Keeps a token cache in a file that is not encrypted, but readable by its owner only.
///
/// The format is that of `FilePersistence` in MSAL Python's and MSAL Node's extensions and of MSAL.NET's
/// unprotected files: the JSON of the unified schema. The folder is made with mode 0700 when it is not
/// there, the file always gets mode 0600. On Windows both inherit the rights of the folder above.
///
/// A symbolic link of this user to a file of this user is followed. Any other link, a file of another user and one that
/// others may write to are refused with [`StoreErrorKind::Denied`].
pub struct FileStore(Locked<PlainFile>, StoreKind);

impl FileStore {
    /// Keeps the cache in that file; nothing is read or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let kind = StoreKind::File(path.clone());
        Self(Locked::new(PlainFile(CacheFile::new(path))), kind)
    }

    /// The same where the system has no other place: in the folder of the session.
    #[cfg(target_os = "linux")]
    pub(super) fn of_session(path: impl Into<PathBuf>) -> Self {
        let Self(file, _) = Self::new(path);
        Self(file, StoreKind::System)
    }
}

locked_store!(FileStore, |store| store.1.clone());

struct PlainFile(CacheFile);

impl Medium for PlainFile {
    fn file(&self) -> &CacheFile {
        &self.0
    }

    fn glance(&self) -> Result<Glance, StoreError> {
        self.0.glance()
    }

    fn load(&self) -> Result<Secret, StoreError> {
        self.0.read().map(|bytes| text(&bytes))
    }

    fn save(&self, text: &Secret, lock: &Lock) -> Result<(), StoreError> {
        self.0.write(text.expose().as_bytes(), lock)
    }

    fn set_aside(&self) -> Result<String, StoreError> {
        self.0.set_aside()
    }
}

/// Returns the bytes as text; what is not UTF-8 is no JSON, and its reader shall say so.
pub(super) fn text(bytes: &[u8]) -> Secret {
    Secret::from(String::from_utf8_lossy(bytes).into_owned())
}

/// A file that holds a cache, in whatever form.
pub(super) struct CacheFile {
    path: PathBuf,
    /// Whether it was said that others can read it; it is looked at several times a sign-in.
    open_told: AtomicBool,
}

impl CacheFile {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            open_told: AtomicBool::new(false),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns where the file is when symbolic links are followed, of those that may be.
    pub(super) fn real(&self) -> Result<PathBuf, StoreError> {
        match os::follow(&self.path) {
            Ok(Destination::Itself) => Ok(self.path.clone()),
            Ok(Destination::File(path)) => Ok(path),
            Ok(Destination::Refused(why)) => Err(self.denied(&why)),
            Err(error) => Err(self.failure("read", &error)),
        }
    }

    /// Makes the folder of the file, which its lock is in as well.
    pub(super) fn create_folder(&self) -> Result<(), StoreError> {
        let folder = folder_of(&self.path);
        if folder.is_dir() {
            return Ok(());
        }
        os::create_folder(folder).map_err(|error| self.failure("make the folder of", &error))
    }

    pub(super) fn glance(&self) -> Result<Glance, StoreError> {
        let metadata = match self.real()?.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Glance::Absent),
            Err(error) => return Err(self.failure("read", &error)),
        };
        let age = metadata
            .modified()
            .map(|time| SystemTime::now().duration_since(time));
        Ok(Glance::File {
            mark: os::mark(&metadata),
            settled: matches!(age, Ok(Ok(age)) if age > SETTLED_AFTER),
        })
    }

    /// Reads the whole file; none is as good as an empty one.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let path = self.real()?;
        let Some(file) = self.open(&path)? else {
            return Ok(Zeroizing::default());
        };
        let metadata = file
            .metadata()
            .map_err(|error| self.failure("read", &error))?;
        self.check(&path, &metadata)?;
        // One more than there is, so that reading to the end never moves what has been read.
        let length = usize::try_from(metadata.len()).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
        (&file)
            .take(LARGEST)
            .read_to_end(&mut bytes)
            .map_err(|error| self.failure("read", &error))?;
        Ok(bytes)
    }

    fn open(&self, path: &Path) -> Result<Option<File>, StoreError> {
        match path.symlink_metadata() {
            Ok(metadata) if !metadata.is_file() => {
                return Err(self.denied("it is not a regular file"));
            }
            _ => {}
        }
        match os::open_to_read(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failure("read", &error)),
        }
    }

    fn check(&self, path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
        if !metadata.is_file() {
            return Err(self.denied("it is not a regular file"));
        }
        if let Some(reason) = os::distrust(path, metadata) {
            return Err(self.denied(&reason));
        }
        if os::is_open_to_others(metadata) && !self.open_told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                path = shown(&self.path),
                "other users can read this token cache, until it is written the next time"
            );
        }
        self.check_length(metadata.len())
    }

    fn check_length(&self, bytes: u64) -> Result<(), StoreError> {
        if bytes <= LARGEST {
            return Ok(());
        }
        let place = self.path.display();
        let problem =
            format!("{place} has {bytes} bytes, and no token cache has more than {LARGEST}");
        Err(StoreError::new(StoreErrorKind::Io, problem))
    }

    /// Writes a file beside this one and puts it in its place, so that whoever reads sees the old one or
    /// the new one, also after a power cut.
    ///
    /// Its name is always the same: there is one writer, and what a killed one left behind goes with the
    /// next.
    pub(super) fn write(&self, bytes: &[u8], lock: &Lock) -> Result<(), StoreError> {
        let path = self.real()?;
        if let Some(file) = self.open(&path)? {
            let metadata = file
                .metadata()
                .map_err(|error| self.failure("write", &error))?;
            if let Some(reason) = os::distrust(&path, &metadata) {
                return Err(self.denied(&reason));
            }
        }
        self.check_length(bytes.len() as u64)?;
        let new = beside(&path, ".new");
        write_new(&new, bytes).map_err(|error| {
            // It may not even be there.
            let _ = fs::remove_file(&new);
            self.failure("write", &error)
        })?;
        if !lock.is_held() {
            let problem = format!(
                "{} was locked by another process meanwhile",
                self.path.display()
            );
            return Err(StoreError::new(StoreErrorKind::Locked, problem));
        }
        os::replace(&new, &path).map_err(|error| {
            // There are tokens in it.
            let _ = fs::remove_file(&new);
            self.failure("write", &error)
        })?;
        os::sync_folder(folder_of(&path)).map_err(|error| self.failure("write", &error))
    }

    /// Renames the file to `<cache>.damaged-<Unix time>`, with a number when that exists.
    pub(super) fn set_aside(&self) -> Result<String, StoreError> {
        let suffix = damaged_suffix();
        let path = self.real()?;
        let mut place = beside(&path, &suffix);
        for number in 2.. {
            if place.symlink_metadata().is_err() {
                break;
            }
            place = beside(&path, &format!("{suffix}-{number}"));
        }
        // There are tokens in it, which others could read so far.
        let moved = os::make_private(&path).and_then(|()| os::replace(&path, &place));
        moved
            // A link would lead to nothing, and would not be followed.
            .and_then(|()| match path == self.path {
                true => Ok(()),
                false => os::create_private(&path).map(drop),
            })
            .map_err(|error| self.failure("set aside", &error))?;
        Ok(place.display().to_string())
    }

    /// Gives the file the time of now, and makes it when it is not there: other programs look at the time
    /// of this file to see that a cache which is kept elsewhere has changed.
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    pub(super) fn touch(&self) -> Result<(), StoreError> {
        let path = self.real()?;
        let touched = match self.open(&path)? {
            Some(_) => File::options().write(true).open(&path),
            None => os::create_private(&path),
        };
        let touched = touched.and_then(|file| file.set_modified(tell_tale_time()));
        touched.map_err(|error| self.failure("touch", &error))
    }

    fn failure(&self, verb: &str, error: &io::Error) -> StoreError {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreErrorKind::Denied
            }
            _ => StoreErrorKind::Io,
        };
        StoreError::new(
            kind,
            format!("cannot {verb} {}: {error}", self.path.display()),
        )
    }

    fn denied(&self, reason: &str) -> StoreError {
        let problem = format!(
            "{} is not used as a token cache: {reason}",
            self.path.display()
        );
        StoreError::new(StoreErrorKind::Denied, problem)
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_new(new: &Path, bytes: &[u8]) -> io::Result<()> {
    os::check_size_limit(bytes.len())?;
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = os::create_private(new)?;
    file.write_all(bytes)?;
    file.set_modified(tell_tale_time())?;
    file.sync_all()
}

/// Returns the modification time for what is written now: one millisecond ahead.
///
/// MSAL Python and MSAL Node read a cache again only if its time is later than that of their last look,
/// which they take from a finer clock than the one by which file systems date files (4 ms behind on
/// Linux), and which Node cuts to milliseconds. With the time of the file system they miss a change soon
/// after their own, and overwrite it.
fn tell_tale_time() -> SystemTime {
    SystemTime::now() + Duration::from_millis(1)
}

/// Returns what is added to the name of a damaged cache.
pub(super) fn damaged_suffix() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    format!(".damaged-{}", now.unwrap_or_default().as_secs())
}

#[cfg(test)]
mod tests;
