//! Windows: sharing modes and deletion on closing.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION};

const FILE_SHARE_READ: u32 = 1;
const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;

/// How often a file is replaced that a reader has open, 20 ms apart; MSAL.NET tries 20 times, 200 ms
/// apart.
const REPLACE_TRIES: u32 = 100;

/// Makes the lock file and holds it, unless there is one already.
///
/// As in MSAL.NET it may be read by others and goes with its last handle, so that of a killed process
/// as well.
pub(in super::super) fn create_lock(path: &Path) -> io::Result<Option<File>> {
    for last in [false, true] {
        match holding().create_new(true).open(path) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) if !is_in_use(&error) => return Err(error),
            // A file on its way out gives "access denied", and so does a folder without the right to
            // write; of the first it is soon gone.
            Err(error) if last && is_absent(path) => return Err(error),
            Err(_) if is_absent(path) => {}
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

/// Holds a lock file that somebody left behind, unless somebody does hold it.
pub(in super::super) fn take_lock_over(path: &Path) -> io::Result<Option<File>> {
    match holding().open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_in_use(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn holding() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).share_mode(FILE_SHARE_READ);
    options.custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
    options
}

fn is_in_use(error: &io::Error) -> bool {
    let code = error
        .raw_os_error()
        .and_then(|code| u32::try_from(code).ok());
    matches!(code, Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION))
}

fn is_absent(path: &Path) -> bool {
    path.symlink_metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// A held file cannot be replaced.
pub(in super::super) fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// It goes with its handle.
pub(in super::super) fn delete_lock(_: &Path) {}

/// Windows tells whether a process runs only to those who may open it.
pub(in super::super) fn is_running(_: u32) -> Option<bool> {
    None
}

/// Deletes a lock file that somebody left behind, unless somebody does hold it, and says whether it is gone.
pub(in super::super) fn delete_orphan(path: &Path, _mark: &[u8]) -> io::Result<bool> {
    // It goes with its handle.
    take_lock_over(path).map(|file| file.is_some())
}

/// Files belong to whom their access lists name.
pub(in super::super) fn other_owner(_: &Metadata) -> Option<u32> {
    None
}

/// Where a path leads to.
pub(in super::super) enum Destination {
    /// To what has this name, or to nothing.
    Itself,
    /// By symbolic links to a file; never on Windows, where making one takes a privilege.
    #[expect(dead_code, reason = "for Unix")]
    File(PathBuf),
    /// By a link that is not followed, for this reason.
    Refused(String),
}

/// Looks whether it is a symbolic link.
pub(in super::super) fn follow(path: &Path) -> io::Result<Destination> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            Ok(Destination::Refused("it is a symbolic link".to_owned()))
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(Destination::Itself),
    }
}

/// Windows has no such limit.
pub(in super::super) fn check_size_limit(_: usize) -> io::Result<()> {
    Ok(())
}

/// Opens a file to read it.
pub(in super::super) fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Makes a file with the rights of its folder; there must be none.
pub(in super::super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
}

/// Files have the rights of their folder.
pub(in super::super) fn make_private(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes a folder, with those above it.
pub(in super::super) fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// NTFS keeps a journal of names.
pub(in super::super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Replaces one file by another, in one step; waits for those who are reading the old one.
pub(in super::super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 1..REPLACE_TRIES {
        match fs::rename(from, to) {
            Err(error) if is_in_use(&error) => thread::sleep(Duration::from_millis(20)),
            result => return result,
        }
    }
    fs::rename(from, to)
}

/// The user's folders have the rights that their files inherit; nothing to check.
pub(in super::super) fn distrust(_: &Path, _: &Metadata) -> Option<String> {
    None
}

/// See [`distrust`].
pub(in super::super) fn is_open_to_others(_: &Metadata) -> bool {
    false
}

/// Returns what tells two files of the same length and time apart.
pub(super) fn identity(metadata: &Metadata) -> Vec<u8> {
    metadata.creation_time().to_le_bytes().to_vec()
}
