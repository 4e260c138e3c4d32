//! An open file descriptor by its number, without an unsafe call.

use std::fs::File;
use std::io;

/// Returns a duplicate of the descriptor, which shares its file offset.
#[cfg(target_os = "linux")]
pub(super) fn duplicate(number: u32) -> io::Result<File> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

    let number_of_kernel = i32::try_from(number).map_err(|_| io::ErrorKind::InvalidInput)?;
    let own = pidfd_open(getpid(), PidfdFlags::empty());
    let duplicate =
        own.and_then(|own| pidfd_getfd(own, number_of_kernel, PidfdGetfdFlags::empty()));
    match duplicate {
        Ok(file) => Ok(file.into()),
        // Linux 5.5 and older, and sandboxes that forbid it.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => open(number),
        Err(error) => Err(error.into()),
    }
}

/// Returns a duplicate of the descriptor, which shares its file offset: that is what opening `/dev/fd/N` gives here.
#[cfg(not(target_os = "linux"))]
pub(super) fn duplicate(number: u32) -> io::Result<File> {
    open(number)
}

fn open(number: u32) -> io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
}
