//! Unix: `flock`, modes and owners.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::{Pid, Resource, geteuid, getrlimit, test_kill_process};

const OTHERS_MAY_WRITE: u32 = 0o002;
const OTHERS_MAY_READ: u32 = 0o044;

/// More than anybody makes on purpose.
const MOST_LINKS: usize = 8;

/// Makes the lock file and holds it, unless there is one already.
pub(in super::super) fn create_lock(path: &Path) -> io::Result<Option<File>> {
    match create_private(path) {
        Ok(file) => hold(file, path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

/// Holds a lock file that somebody left behind, unless somebody does hold it.
pub(in super::super) fn take_lock_over(path: &Path) -> io::Result<Option<File>> {
    match reading().write(true).open(path) {
        Ok(file) => hold(file, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file that was opened may have been deleted by its owner before it could be locked here; then
/// the next process makes another, and this one is nobody's.
fn hold(file: File, path: &Path) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        // A file system without locks: that only one can make the file has to do.
        Err(TryLockError::Error(error)) if has_no_locks(&error) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(is_at(&file, path)?.then_some(file))
}

/// NFS without a lock daemon says `ENOLCK`.
fn has_no_locks(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error())
}

/// Returns whether the open file is the one of that name.
pub(in super::super) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match path.symlink_metadata() {
        Ok(named) => Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Deletes the lock file, which is still held: nobody can lock what is deleted already.
pub(in super::super) fn delete_lock(path: &Path) {
    // Without the right to delete it, others take it over after a while.
    let _ = fs::remove_file(path);
}

/// Returns whether a process has that number.
pub(in super::super) fn is_running(pid: u32) -> Option<bool> {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return Some(false);
    };
    // One of another user may not be sent signals, but is there.
    Some(test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Deletes a lock file with this mark that somebody left behind, unless somebody does hold it, and says whether it is gone.
///
/// What is in it is not touched: the name may be a second one (a hard link) of another file.
pub(in super::super) fn delete_orphan(path: &Path, mark: &[u8]) -> io::Result<bool> {
    let Some(file) = take_lock_over(path)? else {
        return Ok(false);
    };
    // Between the look at it and here another process may have made one of its own.
    if super::mark(&file.metadata()?) != mark {
        return Ok(false);
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

/// Returns the other user whose file it is, if it is not this user's.
pub(in super::super) fn other_owner(metadata: &Metadata) -> Option<u32> {
    let user = geteuid().as_raw();
    (metadata.uid() != user).then(|| metadata.uid())
}

/// Where a path leads to.
pub(in super::super) enum Destination {
    /// To what has this name, or to nothing.
    Itself,
    /// By symbolic links of this user to a file of this user.
    File(PathBuf),
    /// By a link that is not followed, for this reason.
    Refused(String),
}

/// Follows symbolic links as people make them to keep their settings in one place. One of another user decides where this
/// user's tokens go, and is refused, as is one to another user's file.
pub(in super::super) fn follow(path: &Path) -> io::Result<Destination> {
    let mut at = path.to_owned();
    for links in 0..=MOST_LINKS {
        let metadata = match at.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(match links {
                    0 => Destination::Itself,
                    _ => Destination::Refused("it is a symbolic link to nothing".to_owned()),
                });
            }
            metadata => metadata?,
        };
        let whose = other_owner(&metadata);
        if !metadata.is_symlink() {
            return Ok(match whose {
                _ if links == 0 => Destination::Itself,
                Some(user) => {
                    Destination::Refused(format!("it is a symbolic link to a file of user {user}"))
                }
                None if !metadata.is_file() => Destination::Refused(
                    "it is a symbolic link to something other than a regular file".to_owned(),
                ),
                None => Destination::File(fs::canonicalize(at)?),
            });
        }
        if let Some(user) = whose {
            return Ok(Destination::Refused(format!(
                "it is a symbolic link of user {user}"
            )));
        }
        let target = fs::read_link(&at)?;
        at = at.parent().unwrap_or(Path::new("")).join(target);
    }
    Ok(Destination::Refused(
        "it is a symbolic link to too many others".to_owned(),
    ))
}

/// Opens a file to read it: no symbolic link, and without waiting for the other end of a pipe.
pub(in super::super) fn open_to_read(path: &Path) -> io::Result<File> {
    reading().open(path)
}

fn reading() -> OpenOptions {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    options
}

/// Returns whether a file of this size may be written. Beyond the limit of the process the kernel does not only refuse, it
/// ends the process (`SIGXFSZ`).
pub(in super::super) fn check_size_limit(bytes: usize) -> io::Result<()> {
    let limit = getrlimit(Resource::Fsize).current;
    match limit {
        Some(limit) if bytes as u64 > limit => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has {bytes} bytes, and this process may write {limit} (ulimit -f)"),
        )),
        _ => Ok(()),
    }
}

/// Makes a file that only this user can read; there must be none.
pub(in super::super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    options.mode(0o600).open(path)
}

/// Takes the file away from everybody but this user.
pub(in super::super) fn make_private(path: &Path) -> io::Result<()> {
    open_to_read(path)?.set_permissions(Permissions::from_mode(0o600))
}

/// Makes a folder, with those above it, that only this user can look into; an existing one stays as it
/// is.
pub(in super::super) fn create_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes sure that a new name in the folder outlasts a power cut.
pub(in super::super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces one file by another, in one step.
pub(in super::super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Says what is wrong with the owner and mode of a cache, if anything is.
///
/// Who may write a cache decides whose tokens a program uses. That others may read it is no reason to
/// refuse it (MSAL Node wrote caches so for years), and the next write ends it.
pub(in super::super) fn distrust(path: &Path, metadata: &Metadata) -> Option<String> {
    if let Some(other) = other_owner(metadata) {
        let user = geteuid().as_raw();
        return Some(format!(
            "it belongs to user {other}, and this is user {user}"
        ));
    }
    silentry_files::others_may_write(path, metadata).then(|| {
        let mode = metadata.mode() & 0o777;
        match mode & OTHERS_MAY_WRITE {
            0 => format!("its group may write to it (mode {mode:04o})"),
            _ => format!("every user may write to it (mode {mode:04o})"),
        }
    })
}

/// Returns whether other users may read the file.
pub(in super::super) fn is_open_to_others(metadata: &Metadata) -> bool {
    metadata.mode() & OTHERS_MAY_READ != 0
}

/// Returns what tells two files of the same length and time apart.
pub(super) fn identity(metadata: &Metadata) -> Vec<u8> {
    [metadata.dev(), metadata.ino()]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect()
}
