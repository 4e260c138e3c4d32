use std::collections::BTreeSet;

use tempfile::TempDir;

use super::super::super::TokenStore;
use super::*;

const CACHE: &str = r#"{"AccessToken":{}}"#;

fn folder() -> (TempDir, PathBuf, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below").join("msal.cache");
    let store = FileStore::new(&path);
    (folder, path, store)
}

fn set(store: &FileStore, text: &str) -> super::super::super::StoreVersion {
    store.update(&mut |_| Some(Secret::from(text))).unwrap()
}

fn read(store: &FileStore) -> String {
    store.read(None).unwrap().unwrap().0.expose().to_owned()
}

/// Makes the file look as if it had been written long ago.
fn settle(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .unwrap();
}

#[test]
fn what_is_not_there_is_empty_and_reading_makes_nothing() {
    let (folder, _, store) = folder();
    assert_eq!(read(&store), "");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn a_text_comes_back_as_it_was_written() {
    let (_folder, path, store) = folder();
    set(&store, CACHE);
    assert_eq!(read(&store), CACHE);
    assert_eq!(fs::read_to_string(&path).unwrap(), CACHE);
    let names: BTreeSet<_> = path
        .parent()
        .unwrap()
        .read_dir()
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, BTreeSet::from(["msal.cache".into()]));
}

#[test]
fn only_a_text_that_changed_is_read_again() {
    let (_folder, path, store) = folder();
    let version = set(&store, CACHE);
    assert!(store.read(Some(&version)).unwrap().is_none());
    // Another program writes as many bytes within the same tick of the clock.
    fs::write(&path, CACHE.replace("Access", "accesS")).unwrap();
    let (text, changed) = store.read(Some(&version)).unwrap().unwrap();
    assert_eq!(text.expose(), CACHE.replace("Access", "accesS"));
    assert!(store.read(Some(&changed)).unwrap().is_none());
    assert!(store.read(Some(&version)).unwrap().is_some());
}

/// The tokens of 10,000 accounts are not to be read for nothing.
#[cfg(unix)]
#[test]
fn a_file_of_long_ago_is_not_even_opened() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, path, store) = folder();
    set(&store, CACHE);
    settle(&path);
    let (_, version) = store.read(None).unwrap().unwrap();
    // Root may open anything; but a file that everybody may write to is refused when it is opened.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(store.read(Some(&version)).unwrap().is_none());
    assert!(store.read(None).is_err());
}

#[test]
fn a_file_at_rest_is_read_whoever_holds_the_lock() {
    let (_folder, path, store) = folder();
    set(&store, CACHE);
    settle(&path);
    let _other = Lock::acquire(&path).unwrap();
    assert_eq!(read(&store), CACHE);
}

#[test]
fn a_change_to_nothing_new_writes_nothing() {
    let (_folder, path, store) = folder();
    set(&store, CACHE);
    settle(&path);
    let before = path.metadata().unwrap().modified().unwrap();
    set(&store, CACHE);
    store.update(&mut |_| None).unwrap();
    assert_eq!(path.metadata().unwrap().modified().unwrap(), before);
}

/// MSAL Python and Node compare the time with their own clocks, Node in milliseconds.
#[test]
fn the_time_of_a_change_is_later_than_the_clock_before_it() {
    let (_folder, path, store) = folder();
    for round in 0..20 {
        let before = SystemTime::now();
        set(&store, &round.to_string());
        let time = path.metadata().unwrap().modified().unwrap();
        assert!(time >= before + Duration::from_millis(1), "{round}");
    }
}

#[test]
fn damage_is_handed_over_and_set_aside_once() {
    let (_folder, path, store) = folder();
    set(&store, CACHE);
    fs::write(&path, b"\xff\xfe{not a cache").unwrap();
    let (text, seen) = store.read(None).unwrap().unwrap();
    assert!(text.expose().ends_with("{not a cache"));
    let place = store.set_aside(&seen).unwrap().unwrap();
    assert!(
        place.starts_with(&format!("{}.damaged-", path.display())),
        "{place}"
    );
    assert_eq!(fs::read(&place).unwrap(), b"\xff\xfe{not a cache");
    assert_eq!(read(&store), "");
    set(&store, CACHE);
    assert_eq!(store.set_aside(&seen).unwrap(), None);
    assert_eq!(read(&store), CACHE);
    fs::write(&path, b"\xff\xfe{not a cache").unwrap();
    let second = store.set_aside(&seen).unwrap().unwrap();
    assert_ne!(second, place);
    assert!(Path::new(&place).exists() && Path::new(&second).exists());
}

#[test]
fn what_a_killed_writer_left_is_no_obstacle() {
    let (_folder, path, store) = folder();
    set(&store, CACHE);
    fs::write(beside(&path, ".new"), "{\"half").unwrap();
    set(&store, "{}");
    assert_eq!(read(&store), "{}");
    assert!(!beside(&path, ".new").exists());
}

#[test]
fn a_file_too_large_for_a_cache_is_not_read() {
    let (_folder, path, store) = folder();
    set(&store, CACHE);
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(LARGEST + 1)
        .unwrap();
    let error = store.read(None).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Io);
    assert!(error.to_string().contains("134217729 bytes"), "{error}");
}

#[cfg(unix)]
mod on_unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o777
    }

    fn refusal(store: &FileStore) -> String {
        let read = store.read(None).unwrap_err();
        let mut asked = 0;
        let write = store.update(&mut |_| {
            asked += 1;
            Some(Secret::from("{}"))
        });
        assert_eq!(asked, 0);
        assert_eq!(read.kind(), StoreErrorKind::Denied);
        assert_eq!(write.unwrap_err(), read);
        read.to_string()
    }

    #[test]
    fn folder_and_file_are_private() {
        let (_folder, path, store) = folder();
        set(&store, CACHE);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_file_that_others_can_read_is_read_and_becomes_private() {
        let (_folder, path, store) = folder();
        set(&store, CACHE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&store), CACHE);
        set(&store, "{}");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_file_that_everybody_may_write_to_is_refused() {
        let (_folder, path, store) = folder();
        set(&store, CACHE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o606)).unwrap();
        assert!(refusal(&store).ends_with("every user may write to it"));
    }

    #[test]
    fn a_symbolic_link_is_refused_and_its_end_untouched() {
        let (folder, path, store) = folder();
        set(&store, CACHE);
        let end = folder.path().join("end");
        fs::rename(&path, &end).unwrap();
        symlink(&end, &path).unwrap();
        assert!(refusal(&store).ends_with("it is a symbolic link"));
        assert_eq!(fs::read_to_string(end).unwrap(), CACHE);
    }

    #[test]
    fn a_folder_or_a_pipe_is_refused_without_waiting() {
        let (_folder, path, store) = folder();
        fs::create_dir_all(&path).unwrap();
        assert!(refusal(&store).ends_with("it is no regular file"));
        fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(refusal(&store).ends_with("it is no regular file"));
    }

    /// Only root can give a file away; the full test runs as root.
    #[test]
    fn a_file_of_another_user_is_refused() {
        let (_folder, path, store) = folder();
        set(&store, CACHE);
        if std::os::unix::fs::chown(&path, Some(65534), None).is_err() {
            return;
        }
        assert!(refusal(&store).contains("it belongs to user 65534"));
    }

    #[test]
    fn a_folder_that_may_not_be_written_to_can_be_read() {
        let (_folder, path, store) = folder();
        set(&store, CACHE);
        let folder = path.parent().unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o500)).unwrap();
        let text = read(&store);
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(text, CACHE);
    }
}
