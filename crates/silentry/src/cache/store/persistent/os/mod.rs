//! What lock and files need of the operating system, the same for Unix and Windows.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

#[cfg(unix)]
pub(super) use self::unix::*;
#[cfg(windows)]
pub(super) use self::windows::*;

/// MSALs write a number and a name into a lock; whatever is longer is somebody's file with an unlucky name.
const LONGEST_LOCK: u64 = 4096;

/// Whose lock file it is.
pub(super) struct Owner {
    /// Changes when the file is written or made anew.
    pub(super) mark: Vec<u8>,
    /// The process id at its beginning, if there is one yet.
    pub(super) pid: Option<u32>,
    /// The other user whose file it is.
    pub(super) other_user: Option<u32>,
    /// Since it was written, by the clock of the machine; zero when that cannot be.
    pub(super) age: Duration,
}

/// Reads whose lock file it is; `None` when it has just gone, or cannot be read just now.
///
/// # Errors
/// When what is there is no file, so that waiting would be in vain.
pub(super) fn lock_owner(path: &Path) -> io::Result<Option<Owner>> {
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(None);
    };
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    if metadata.len() > LONGEST_LOCK {
        let length = metadata.len();
        return Err(io::Error::other(format!(
            "it is not a lock file: it has {length} bytes"
        )));
    }
    let modified = metadata.modified();
    let age = modified.map(|time| SystemTime::now().duration_since(time).unwrap_or_default());
    Ok(Some(Owner {
        mark: mark(&metadata),
        other_user: other_owner(&metadata),
        pid: open_to_read(path).ok().and_then(|file| pid_in(&file)),
        age: age.unwrap_or_default(),
    }))
}

/// Reads `pid`, `pid name`, or what .NET makes of it with a byte order mark before it.
fn pid_in(file: &File) -> Option<u32> {
    let mut start = Vec::with_capacity(32);
    file.take(32).read_to_end(&mut start).ok()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    let digits = start
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    std::str::from_utf8(&start[..digits]).ok()?.parse().ok()
}

/// Returns what changes when a file is written or replaced.
pub(super) fn mark(metadata: &Metadata) -> Vec<u8> {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let modified = modified.duration_since(SystemTime::UNIX_EPOCH);
    let mut mark = metadata.len().to_le_bytes().to_vec();
    mark.extend(modified.unwrap_or_default().as_nanos().to_le_bytes());
    mark.extend(identity(metadata));
    mark
}
