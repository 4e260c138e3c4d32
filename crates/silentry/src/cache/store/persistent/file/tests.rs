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
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

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
        assert!(refusal(&store).contains("every user may write to it (mode 0606)"));
    }

    /// The group of root, or of a user whose group has another name, may be anybody.
    #[test]
    fn a_file_that_its_group_may_write_to_is_refused() {
        let (_folder, path, store) = folder();
        set(&store, CACHE);
        // As root this is root's group; a developer's own group may well be alone.
        if path.metadata().unwrap().uid() != 0 {
            return;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        assert!(refusal(&store).contains("its group may write to it (mode 0660)"));
    }

    /// A cache elsewhere, and a link to it (by another link) where the store looks.
    fn linked() -> (TempDir, PathBuf, PathBuf, FileStore) {
        let (folder, path, store) = folder();
        set(&store, CACHE);
        let dotfiles = folder.path().join("dotfiles");
        fs::create_dir(&dotfiles).unwrap();
        let file = dotfiles.join("cache");
        fs::rename(&path, &file).unwrap();
        symlink("../dotfiles/cache", path.with_file_name("between")).unwrap();
        symlink("between", &path).unwrap();
        (folder, path, file, store)
    }

    #[test]
    fn a_link_of_the_user_to_a_file_of_the_user_is_followed() {
        let (_folder, path, file, store) = linked();
        assert_eq!(read(&store), CACHE);
        let version = set(&store, "{}");
        assert!(path.symlink_metadata().unwrap().is_symlink());
        assert!(file.symlink_metadata().unwrap().is_file());
        assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
        assert_eq!(mode(&file), 0o600);
        assert!(store.read(Some(&version)).unwrap().is_none());
        settle(&file);
        let (_, version) = store.read(None).unwrap().unwrap();
        fs::write(&file, CACHE).unwrap();
        assert!(store.read(Some(&version)).unwrap().is_some());
        assert_eq!(file.parent().unwrap().read_dir().unwrap().count(), 1);
        // What cannot be read any more is set aside where it is, and the link still leads to a cache.
        let (_, seen) = store.read(None).unwrap().unwrap();
        let place = store.set_aside(&seen).unwrap().unwrap();
        let real = file.canonicalize().unwrap();
        assert!(place.starts_with(&*real.to_string_lossy()), "{place}");
        assert_eq!(read(&store), "");
        set(&store, "{}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "{}");
    }

    /// Whoever knows the file by its own name has the lock there, whoever knows the link there.
    #[test]
    fn both_names_of_a_linked_cache_are_locked() {
        let (_folder, path, file, store) = linked();
        let locked = |path: &Path| beside(path, ".lockfile").exists();
        let mut seen = false;
        let written = store.update(&mut |_| {
            seen = locked(&path) && locked(&file);
            None
        });
        written.unwrap();
        assert!(seen);
        assert!(!locked(&path) && !locked(&file));
    }

    #[test]
    fn links_that_lead_elsewhere_are_refused_and_their_ends_untouched() {
        let (folder, path, file, store) = linked();
        let to = |target: &Path| {
            fs::remove_file(&path).unwrap();
            symlink(target, &path).unwrap();
            let why = refusal(&store);
            assert!(path.symlink_metadata().unwrap().is_symlink());
            why
        };
        assert!(to(&folder.path().join("none")).ends_with("it is a symbolic link to nothing"));
        assert!(!folder.path().join("none").exists());
        assert!(to(folder.path()).ends_with("to something other than a regular file"));
        assert!(to(&path).ends_with("a symbolic link to too many others"));
        // Only root can give away files and links; `cargo xtask test --all` runs as root.
        if std::os::unix::fs::chown(&file, Some(65534), None).is_ok() {
            assert!(to(&file).ends_with("a symbolic link to a file of user 65534"));
            std::os::unix::fs::chown(&file, Some(0), None).unwrap();
            to_link_of_another_user(&path, &file);
            assert!(refusal(&store).ends_with("it is a symbolic link of user 65534"));
        }
        assert_eq!(fs::read_to_string(file).unwrap(), CACHE);
    }

    fn to_link_of_another_user(path: &Path, file: &Path) {
        fs::remove_file(path).unwrap();
        symlink(file, path).unwrap();
        std::os::unix::fs::lchown(path, Some(65534), None).unwrap();
    }

    #[test]
    fn a_folder_or_a_pipe_is_refused_without_waiting() {
        let (_folder, path, store) = folder();
        fs::create_dir_all(&path).unwrap();
        assert!(refusal(&store).ends_with("it is not a regular file"));
        fs::remove_dir(&path).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        assert!(refusal(&store).ends_with("it is not a regular file"));
    }

    /// Only root can give a file away; `cargo xtask test --all` runs as root.
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
