use std::fs;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

const SOON: Duration = Duration::from_millis(300);
const LATER: Duration = Duration::from_secs(20);

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("msal.cache");
    (folder, cache)
}

/// A lock file as a program leaves it that holds no file open: MSAL Node and, without portalocker, MSAL
/// Python.
fn lock_of(cache: &Path, text: &str, age: Duration) -> PathBuf {
    let path = beside(cache, ".lockfile");
    fs::write(&path, text).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
    path
}

/// A process that lives until it is dropped.
#[cfg(unix)]
struct Living(Child);

#[cfg(unix)]
impl Living {
    fn start() -> Self {
        let sleep = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn();
        Self(sleep.unwrap())
    }
}

#[cfg(unix)]
impl Drop for Living {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn is_blocked(cache: &Path) -> bool {
    match Lock::acquire_within(cache, SOON) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), StoreErrorKind::Locked, "{error}");
            true
        }
    }
}

#[test]
fn the_lock_says_whose_it_is_and_goes_when_it_is_dropped() {
    let (_folder, cache) = folder();
    let lock = Lock::acquire(&cache).unwrap();
    let path = beside(&cache, ".lockfile");
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with(&format!("{} ", std::process::id())),
        "{text}"
    );
    assert!(is_blocked(&cache));
    drop(lock);
    assert!(!path.exists());
    assert!(!is_blocked(&cache));
}

#[test]
fn threads_of_one_process_keep_each_other_out() {
    let (_folder, cache) = folder();
    let inside = std::sync::atomic::AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let _lock = Lock::acquire(&cache).unwrap();
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    thread::yield_now();
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
}

#[cfg(unix)]
#[test]
fn a_living_process_keeps_its_lock_and_a_dead_one_loses_it() {
    let (_folder, cache) = folder();
    for form in ["{}", "{} node", "\u{feff}{} dotnet\n"] {
        let living = Living::start();
        let text = form.replace("{}", &living.0.id().to_string());
        let path = lock_of(&cache, &text, Duration::from_secs(10));
        assert!(is_blocked(&cache), "{form}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{form}");
        drop(living);
        assert!(!is_blocked(&cache), "{form}");
    }
}

#[test]
fn a_lock_just_made_is_no_orphan_whatever_it_says() {
    let (_folder, cache) = folder();
    for text in ["", "4194304999 gone", "no number"] {
        lock_of(&cache, text, Duration::ZERO);
        assert!(is_blocked(&cache), "{text}");
    }
}

#[test]
fn a_lock_that_does_not_say_whose_it_is_is_taken_over_after_a_while() {
    let (_folder, cache) = folder();
    lock_of(&cache, "", UNKNOWN_AFTER);
    assert!(!is_blocked(&cache));
}

/// A clock that was set back must not make an orphan immortal.
#[test]
fn a_lock_from_the_future_is_taken_over_after_having_been_watched() {
    let (_folder, cache) = folder();
    let path = lock_of(&cache, "", Duration::ZERO);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3600))
        .unwrap();
    // On Windows whoever has it open to write holds it.
    drop(file);
    let started = Instant::now();
    Lock::acquire_within(&cache, LATER).unwrap();
    assert!(started.elapsed() >= UNKNOWN_AFTER);
}

#[cfg(unix)]
#[test]
fn the_number_of_a_dead_process_may_have_been_given_to_another() {
    let (_folder, cache) = folder();
    let living = Living::start();
    lock_of(&cache, &living.0.id().to_string(), REUSED_AFTER);
    assert!(!is_blocked(&cache));
}

/// As MSAL.NET and portalocker hold it, whatever number is in it.
#[cfg(unix)]
#[test]
fn what_is_held_by_flock_is_never_taken_over() {
    let (_folder, cache) = folder();
    let path = lock_of(&cache, "4194304 gone", Duration::from_secs(3600));
    let holder = File::open(&path).unwrap();
    holder.try_lock().unwrap();
    assert!(is_blocked(&cache));
    drop(holder);
    assert!(!is_blocked(&cache));
}

/// MSAL.NET opens what is there, locks it and believes; it must not find our file unlocked.
#[cfg(unix)]
#[test]
fn the_lock_is_held_by_flock_as_well() {
    let (_folder, cache) = folder();
    let _lock = Lock::acquire(&cache).unwrap();
    let other = File::open(beside(&cache, ".lockfile")).unwrap();
    assert!(matches!(
        other.try_lock(),
        Err(fs::TryLockError::WouldBlock)
    ));
}

/// MSAL Python deletes the file after it has let go of it, which may hit the one of the next.
#[cfg(unix)]
#[test]
fn a_lock_that_was_deleted_is_not_held_and_deletes_nothing() {
    let (_folder, cache) = folder();
    let lock = Lock::acquire(&cache).unwrap();
    let path = beside(&cache, ".lockfile");
    fs::remove_file(&path).unwrap();
    assert!(!lock.is_held());
    let other = Lock::acquire(&cache).unwrap();
    drop(lock);
    assert!(other.is_held());
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_an_error_at_once() {
    let (folder, cache) = folder();
    let path = beside(&cache, ".lockfile");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
    let error = Lock::acquire(&cache).err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Io);
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert!(!folder.path().join("elsewhere").exists());
}

/// A name in a shared folder may be a second one of a file that matters.
#[cfg(unix)]
#[test]
fn what_else_is_called_like_the_lock_keeps_its_content() {
    let (folder, cache) = folder();
    let precious = folder.path().join("precious");
    fs::write(&precious, "4194304 years of work").unwrap();
    let lock = beside(&cache, ".lockfile");
    fs::hard_link(&precious, &lock).unwrap();
    let file = File::options().write(true).open(&precious).unwrap();
    file.set_modified(SystemTime::now() - UNKNOWN_AFTER)
        .unwrap();
    drop(Lock::acquire_within(&cache, LATER).unwrap());
    assert_eq!(
        fs::read_to_string(&precious).unwrap(),
        "4194304 years of work"
    );
    // Longer than any lock, it is not deleted either.
    fs::write(&lock, "x".repeat(5000)).unwrap();
    let error = Lock::acquire_within(&cache, LATER).err().unwrap();
    assert!(
        error.to_string().contains("it is not a lock file"),
        "{error}"
    );
    assert_eq!(fs::read(&lock).unwrap().len(), 5000);
}

/// Only root can give a file away; `cargo xtask test --all` runs as root.
#[cfg(unix)]
#[test]
fn the_lock_of_another_user_is_an_error_and_no_long_wait() {
    let (_folder, cache) = folder();
    for text in [String::new(), std::process::id().to_string()] {
        let lock = lock_of(&cache, &text, Duration::ZERO);
        if std::os::unix::fs::chown(&lock, Some(65534), None).is_err() {
            return;
        }
        let error = Lock::acquire_within(&cache, LATER).err().unwrap();
        assert_eq!(error.kind(), StoreErrorKind::Denied);
        assert!(
            error.to_string().contains("another user (user 65534)"),
            "{error}"
        );
        assert!(lock.exists());
        fs::remove_file(lock).unwrap();
    }
}
