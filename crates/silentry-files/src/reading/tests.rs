#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::io::{ErrorKind, Write as _};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use super::*;

fn fifo() -> (tempfile::TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    (place, path)
}

#[test]
fn a_file_is_read_up_to_its_limit() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("file");
    std::fs::write(&path, vec![b'x'; 100]).unwrap();
    assert_eq!(read(&path, 100).unwrap().len(), 100);
    let error = read(&path, 99).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    assert!(error.to_string().contains("99 bytes"), "{error}");
    assert_eq!(
        read_trusted(&path, Owners::RootOrUser, 100).unwrap().len(),
        100
    );
    assert!(read_trusted(&path, Owners::RootOrUser, 99).is_err());
    // One that does not know how long it is.
    assert!(
        !read(Path::new("/proc/self/status"), MAX_BYTES)
            .unwrap()
            .is_empty()
    );
    assert!(read(Path::new("/proc/self/status"), 10).is_err());
}

#[test]
fn the_start_of_a_regular_file_is_read() {
    let (place, fifo) = fifo();
    let path = place.path().join("file");
    std::fs::write(&path, "start and end").unwrap();
    assert_eq!(read_start(&path, 5).unwrap(), b"start");
    assert_eq!(read_start(&path, 100).unwrap(), b"start and end");
    std::fs::write(&path, "").unwrap();
    assert_eq!(read_start(&path, 5).unwrap(), b"");
    let devices = ["/dev/zero", "/dev/null", "/proc/self/status", "/proc/kmsg"];
    for path in devices
        .map(Path::new)
        .into_iter()
        .chain([place.path(), &fifo])
    {
        assert!(read_start(path, 1).is_err(), "{}", path.display());
    }
}

#[test]
fn devices_folders_and_sockets_are_not_read() {
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    for path in [
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
        place.path(),
        &socket,
    ] {
        for error in [
            read(path, MAX_BYTES).unwrap_err().to_string(),
            read_trusted(path, Owners::RootOrUser, MAX_BYTES)
                .unwrap_err()
                .to_string(),
        ] {
            assert!(error.contains("file"), "{error}");
        }
    }
}

#[test]
fn a_pipe_is_read_to_its_end_however_it_comes() {
    let (_place, path) = fifo();
    let mut writer = Command::new("sh")
        .args([
            "-c",
            "exec >\"$0\"; printf one; sleep 0.2; printf two",
            path.to_str().unwrap(),
        ])
        .spawn()
        .unwrap();
    assert_eq!(read(&path, MAX_BYTES).unwrap(), b"onetwo");
    writer.wait().unwrap();
    let mut writer = Command::new("sh")
        .args(["-c", "yes >\"$0\"", path.to_str().unwrap()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let error = read(&path, 1 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    writer.wait().unwrap();
}

/// As `<(command)` gives it.
#[test]
fn an_open_pipe_is_read_by_its_number() {
    use std::os::fd::AsRawFd as _;
    let (reader, mut writer) = std::io::pipe().unwrap();
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    writer.write_all(b"text").unwrap();
    drop(writer);
    assert_eq!(
        read_trusted(path.as_ref(), Owners::RootOrUser, 4).unwrap(),
        b"text"
    );
    // Nothing is left, and nobody writes any more.
    assert_eq!(read(path.as_ref(), 4).unwrap(), b"");
}

#[test]
fn nobody_is_waited_for_without_end() {
    let (_place, path) = fifo();
    assert_eq!(
        read(&path, MAX_BYTES).unwrap_err().kind(),
        ErrorKind::TimedOut
    );
    // Somebody who opens it and says nothing more.
    let writer = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path);
    let mut writer = writer.unwrap();
    writer.write_all(b"begun").unwrap();
    assert_eq!(
        read(&path, MAX_BYTES).unwrap_err().kind(),
        ErrorKind::TimedOut
    );
}

#[test]
fn a_pipe_that_others_can_write_is_not_believed() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_place, path) = fifo();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let error = read_trusted(&path, Owners::RootOrUser, MAX_BYTES).unwrap_err();
    assert!(matches!(error, Untrusted::Writable { .. }), "{error}");
}
