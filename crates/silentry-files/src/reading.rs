//! Reading a file that somebody named, which may be anything.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use crate::owner::{Owners, Untrusted, open_trusted};

/// The most that is read of any file, in bytes: bundles of certificate authorities, the largest that people name, have
/// less than 1 MiB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Reads a regular file or a pipe, such as that of `<(command)`, of at most `max_bytes` and within five seconds.
///
/// # Errors
///
/// When it cannot be read, when it is a device, a folder or a socket, and when it is too large or too slow.
pub fn read(path: &Path, max_bytes: usize) -> io::Result<Vec<u8>> {
    // Before it is opened, as opening alone makes some devices do something.
    check_kind(&path.metadata()?)?;
    let file = open(path)?;
    let metadata = file.metadata()?;
    check_kind(&metadata)?;
    read_open(file, &metadata, max_bytes)
}

/// Reads a file as [`read`] does, if nobody but `owners` can change it. A pipe must be theirs.
///
/// # Errors
///
/// As [`read`] and [`check`](crate::check).
pub fn read_trusted(path: &Path, owners: Owners, max_bytes: usize) -> Result<Vec<u8>, Untrusted> {
    let failed = |error| Untrusted::io(path, error);
    #[cfg(unix)]
    if is_pipe(&path.metadata().map_err(failed)?) {
        let file = open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        check_kind(&metadata).map_err(failed)?;
        crate::owner::unix::check_open(path, &metadata, owners)?;
        return read_open(file, &metadata, max_bytes).map_err(failed);
    }
    let file = open_trusted(path, owners)?;
    let metadata = file.metadata().map_err(failed)?;
    read_open(file, &metadata, max_bytes).map_err(failed)
}

/// Reads the first `length` bytes of a regular file, or as many as it has, without waiting: some files of the kernel
/// look regular and empty, and keep whoever reads them waiting.
///
/// # Errors
///
/// When it cannot be read at once, and when it is not a regular file of a file system.
pub fn read_start(path: &Path, length: usize) -> io::Result<Vec<u8>> {
    let metadata = path.metadata()?;
    check_kind(&metadata)?;
    if is_pipe(&metadata) {
        return Err(io::Error::other("it is a pipe, not a file"));
    }
    let file = open(path)?;
    let metadata = file.metadata()?;
    check_kind(&metadata)?;
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    let mut bytes = Vec::with_capacity(length);
    let read = file.take(limit).read_to_end(&mut bytes);
    let waits = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
    if read.as_ref().is_err_and(waits) || (metadata.len() == 0 && !bytes.is_empty()) {
        return Err(io::Error::other("it is a file of the kernel"));
    }
    read.map(|_| bytes)
}

fn check_kind(metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() || is_pipe(metadata) {
        return Ok(());
    }
    let what = if kind.is_dir() {
        "a folder"
    } else {
        "a device or a socket"
    };
    Err(io::Error::other(format!("it is {what}, not a file")))
}

#[cfg(unix)]
fn is_pipe(metadata: &Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

fn read_open(file: File, metadata: &Metadata, max_bytes: usize) -> io::Result<Vec<u8>> {
    let known = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if known > max_bytes {
        return Err(too_large(max_bytes));
    }
    let limit = u64::try_from(max_bytes)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::with_capacity(known.saturating_add(1));
    read_all(file.take(limit), &mut bytes)?;
    match bytes.len() > max_bytes {
        true => Err(too_large(max_bytes)),
        false => Ok(bytes),
    }
}

fn too_large(max_bytes: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it is larger than {max_bytes} bytes"),
    )
}

/// Opens without waiting for whoever writes into a FIFO.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(not(unix))]
fn read_all(mut file: io::Take<File>, bytes: &mut Vec<u8>) -> io::Result<()> {
    file.read_to_end(bytes).map(drop)
}

/// Reads until the end, and waits for more no longer than five seconds altogether.
#[cfg(unix)]
fn read_all(mut file: io::Take<File>, bytes: &mut Vec<u8>) -> io::Result<()> {
    use std::time::{Duration, Instant};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// From the first byte to the last.
    const TIME_LIMIT: Duration = Duration::from_secs(5);
    /// Before the next attempt: some files of the kernel look regular and always ready, and have nothing to read.
    const PAUSE: Duration = Duration::from_millis(10);

    let end = Instant::now() + TIME_LIMIT;
    let late = || {
        let seconds = TIME_LIMIT.as_secs();
        let message = format!("nothing more came from it within {seconds} seconds");
        io::Error::new(io::ErrorKind::TimedOut, message)
    };
    let mut chunk = [0; 8192];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let wait = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(file.get_ref(), PollFlags::IN)];
        match poll(&mut ready, Some(&wait)) {
            Ok(0) => return Err(late()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match file.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if Instant::now() >= end {
                    return Err(late());
                }
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
