#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A file in a folder in a folder, all of which only this user can write.
fn file() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("folder");
    fs::create_dir(&folder).unwrap();
    set_mode(&folder, 0o755);
    let path = folder.join("file");
    fs::write(&path, "text").unwrap();
    set_mode(&path, 0o644);
    (place, path)
}

fn refused(path: &Path) -> Untrusted {
    open_trusted(path, Owners::RootOrUser).unwrap_err()
}

#[test]
fn a_file_of_the_users_own_is_believed() {
    let (_place, path) = file();
    check(&path, Owners::RootOrUser).unwrap();
    open_trusted(&path, Owners::RootOrUser).unwrap();
    open_trusted(Path::new("/etc/passwd"), Owners::Root).unwrap();
}

#[test]
fn whoever_can_write_the_file_or_a_folder_above_is_told() {
    for (mode, by_all) in [(0o666, true), (0o646, true), (0o622, true)] {
        let (_place, path) = file();
        set_mode(&path, mode);
        let error = refused(&path);
        assert!(
            matches!(&error, Untrusted::Writable { path: at, mode: seen, by_all: all }
                if *at == path && *seen == mode && *all == by_all),
            "{error}"
        );
        assert!(error.to_string().contains("0"), "{error}");
    }
    let (_place, path) = file();
    let folder = path.parent().unwrap();
    set_mode(folder, 0o777);
    let error = refused(&path);
    assert!(
        matches!(&error, Untrusted::Writable { path: at, .. } if at == folder),
        "{error}"
    );
    // As in /tmp, nobody else can put another in the place of this user's file.
    set_mode(folder, 0o1777);
    check(&path, Owners::RootOrUser).unwrap();
}

#[test]
fn a_folder_is_looked_at_as_a_file_is() {
    let (place, path) = file();
    let folder = path.parent().unwrap();
    check_folder(folder, Owners::RootOrUser).unwrap();
    check_folder(Path::new("/"), Owners::Root).unwrap();
    assert!(check_folder(&path, Owners::RootOrUser).is_err());
    assert!(
        check_folder(&place.path().join("missing"), Owners::RootOrUser)
            .unwrap_err()
            .is_absent()
    );
    for mode in [0o777, 0o1777] {
        set_mode(folder, mode);
        let error = check_folder(folder, Owners::RootOrUser).unwrap_err();
        assert!(matches!(error, Untrusted::Writable { .. }), "{error}");
    }
}

#[test]
fn links_are_followed_as_the_kernel_does() {
    let (place, path) = file();
    let absolute = place.path().join("absolute");
    symlink(&path, &absolute).unwrap();
    let relative = place.path().join("relative");
    symlink("./folder/../absolute", &relative).unwrap();
    let folder = place.path().join("shortcut");
    symlink("folder", &folder).unwrap();
    for link in [&absolute, &relative, &folder.join("file")] {
        check(link, Owners::RootOrUser).unwrap();
    }
    // The folder behind the link counts, too.
    set_mode(path.parent().unwrap(), 0o777);
    for link in [&absolute, &relative, &folder.join("file")] {
        let error = refused(link);
        assert!(matches!(error, Untrusted::Writable { .. }), "{error}");
    }
    let loop_of_one = place.path().join("loop");
    symlink("loop", &loop_of_one).unwrap();
    assert!(refused(&loop_of_one).to_string().contains("symbolic links"));
}

#[test]
fn what_is_not_there_is_absent_and_what_is_no_file_is_not_opened() {
    let (place, path) = file();
    assert!(refused(&path.with_file_name("missing")).is_absent());
    assert!(refused(&place.path().join("nowhere/file")).is_absent());
    for other in [place.path(), Path::new("/"), Path::new("/dev/null")] {
        let error = refused(other);
        assert!(!error.is_absent());
        assert!(matches!(error, Untrusted::NoFile { .. }), "{error}");
    }
    let error = refused(&path.join("below"));
    assert!(!error.is_absent(), "{error}");
}

/// Only root can give files away.
#[test]
fn a_file_of_somebody_else_is_refused_also_for_root() {
    if !rustix::process::geteuid().is_root() {
        let (_place, path) = file();
        let error = open_trusted(&path, Owners::Root).unwrap_err();
        assert!(matches!(error, Untrusted::Owner { .. }), "{error}");
        return;
    }
    let (place, path) = file();
    let folder = path.parent().unwrap();
    let link = place.path().join("link");
    symlink(&path, &link).unwrap();
    for strange in [path.as_path(), folder, link.as_path()] {
        std::os::unix::fs::lchown(strange, Some(12345), None).unwrap();
        let error = refused(&link);
        assert!(
            matches!(&error, Untrusted::Owner { path: at, uid: 12345 } if at == strange),
            "{error}"
        );
        std::os::unix::fs::lchown(strange, Some(0), None).unwrap();
    }
    check(&link, Owners::Root).unwrap();
    // The group of root is no exception.
    set_mode(&path, 0o664);
    let error = refused(&path);
    assert!(
        matches!(error, Untrusted::Writable { by_all: false, .. }),
        "{error}"
    );
}

/// `daemon` is of every Unix, in a group of his own.
#[test]
fn a_group_of_one_counts_as_its_owner() {
    use std::os::unix::fs::chown;
    let daemon = nix::unistd::User::from_name("daemon").unwrap().unwrap();
    let (uid, gid) = (daemon.uid.as_raw(), daemon.gid.as_raw());
    let (_place, path) = file();
    set_mode(&path, 0o664);
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let is_of_owner = |uid, gid| {
        chown(&path, Some(uid), Some(gid)).unwrap();
        unix::is_group_of_owner(&path, &path.metadata().unwrap())
    };
    assert!(is_of_owner(uid, gid));
    // A group of others, and one that nobody knows.
    assert!(!is_of_owner(uid, 0));
    assert!(!is_of_owner(uid, 54321));
    assert!(!is_of_owner(54321, gid));
    assert!(!is_of_owner(0, 0));
}
