//! The stores among programs of others: MSAL Python's extensions, and a real Secret Service.
//!
//! Needs Debian's `python3-msal-extensions`, `python3-gi`, `gir1.2-secret-1`, `libsecret-tools`,
//! `gnome-keyring` and `dbus`. Another Python, with other versions of
//! MSAL's extensions, can be named by `SILENTRY_TEST_PYTHON`.
//!
//! What needs a session bus runs in one of its own: the test starts itself again inside
//! `dbus-run-session`, with an empty home folder, and only then does its work.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use silentry::Secret;
use silentry::cache::store::{
    FileStore, MsalDotnetStorage, StoreErrorKind, TokenStore, default_store, msal_python_store,
};

/// Set in the copy of this test that has a session bus: what its keyring is like.
const SESSION: &str = "SILENTRY_TEST_SESSION";

/// Adds an entry for each line that it is told, and answers when it is written.
const TAKE_TURNS: &str = r#"
import sys
from msal_extensions import FilePersistence, PersistedTokenCache

cache = PersistedTokenCache(FilePersistence(sys.argv[1]))
for line in sys.stdin:
    cache.modify("AppMetadata", {
        "client_id": line.strip(), "environment": "login.microsoftonline.com"}, {"family_id": ""})
    print("written", flush=True)
"#;

/// Adds numbered entries to a cache through `PersistedTokenCache`, as an application of MSAL Python does.
const ADD_ENTRIES: &str = r#"
import sys, time
from msal_extensions import FilePersistence, PersistedTokenCache

cache = PersistedTokenCache(FilePersistence(sys.argv[1]))
for number in range(int(sys.argv[2])):
    cache.modify("AppMetadata", {
        "client_id": "python-%d" % number, "environment": "login.microsoftonline.com"}, {"family_id": ""})
    time.sleep(0.003)
"#;

/// Reads or writes through the encrypted persistence of MSAL Python.
const PERSISTENCE: &str = r#"
import sys
from msal_extensions import build_encrypted_persistence

persistence = build_encrypted_persistence(sys.argv[1])
if len(sys.argv) > 2:
    persistence.save(sys.argv[2])
else:
    sys.stdout.write(persistence.load())
"#;

fn python(program: &str) -> Command {
    let python = std::env::var_os("SILENTRY_TEST_PYTHON");
    let mut command = Command::new(python.unwrap_or_else(|| "/usr/bin/python3".into()));
    command.args(["-c", program]).stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) -> String {
    run(command).0
}

fn run(command: &mut Command) -> (String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8_lossy(&stderr).into_owned(),
    );
    assert!(
        status.success(),
        "{command:?}: {status}\n{stdout}\n{stderr}"
    );
    (stdout, stderr)
}

fn text(store: &dyn TokenStore) -> String {
    store.read(None).unwrap().unwrap().0.expose().to_owned()
}

fn put(store: &dyn TokenStore, text: &str) {
    store.update(&mut |_| Some(Secret::from(text))).unwrap();
}

/// MSAL Python looks at the time of the file to see whether it must read it again, and compares that with
/// a finer clock than the one by which files are dated: our change comes right after its own.
#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn msal_python_sees_each_of_our_changes() {
    const TURNS: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("msal.cache");
    let store = FileStore::new(&path);
    let mut theirs = python(TAKE_TURNS);
    let theirs = theirs
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut theirs = theirs.spawn().unwrap();
    let mut ask = theirs.stdin.take().unwrap();
    let mut answers = BufReader::new(theirs.stdout.take().unwrap()).lines();
    for turn in 0..TURNS {
        writeln!(ask, "python-{turn}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "written");
        add_entry(&store, &format!("ours-{turn}"));
    }
    drop(ask);
    assert!(theirs.wait().unwrap().success());
    assert_eq!(entries(&store, "python"), TURNS);
    assert_eq!(entries(&store, "ours"), TURNS);
}

/// Whoever has the lock keeps the others out.
#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn msal_python_and_we_write_one_file_and_lose_nothing() {
    const EACH: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("msal.cache");
    let mut theirs = python(ADD_ENTRIES);
    let mut theirs = theirs.arg(&path).arg(EACH.to_string()).spawn().unwrap();
    let ours: Vec<_> = ["one", "two"]
        .map(|name| (name, path.clone()))
        .map(|(name, path)| std::thread::spawn(move || add_entries(&path, name, EACH)))
        .into();
    for thread in ours {
        thread.join().unwrap();
    }
    assert!(theirs.wait().unwrap().success());
    let store = FileStore::new(&path);
    let counts = ["python", "one", "two"].map(|name| entries(&store, name));
    assert_eq!(counts, [EACH, EACH, EACH]);
}

fn add_entries(path: &Path, name: &str, count: usize) {
    let store = FileStore::new(path);
    for number in 0..count {
        let started = Instant::now();
        add_entry(&store, &format!("{name}-{number}"));
        // MSAL Python looks four times a second whether the lock is free, and for five seconds only.
        std::thread::sleep(started.elapsed() * 3);
    }
}

fn add_entry(store: &FileStore, client: &str) {
    store
        .update(&mut |text| Some(with_entry(text, client)))
        .unwrap();
}

/// Counts the entries of the clients whose names begin so.
fn entries(store: &FileStore, name: &str) -> usize {
    let document: serde_json::Value = serde_json::from_str(&text(store)).unwrap();
    let entries = document["AppMetadata"].as_object().unwrap().values();
    entries
        .filter(|entry| entry["client_id"].as_str().unwrap().starts_with(name))
        .count()
}

fn with_entry(text: &Secret, client: &str) -> Secret {
    let mut document = match text.expose() {
        "" => serde_json::json!({}),
        text => serde_json::from_str(text).unwrap(),
    };
    let environment = "login.microsoftonline.com";
    document["AppMetadata"][format!("appmetadata-{environment}-{client}")] =
        serde_json::json!({"client_id": client, "environment": environment, "family_id": ""});
    Secret::from(document.to_string())
}

/// Starts one of the tests below again, with a bus and a home folder of its own.
///
/// Returns that folder if this is the copy.
fn in_a_session(test: &str, keyring: &str) -> Option<PathBuf> {
    if std::env::var_os(SESSION).is_some() {
        return Some(std::env::var_os("HOME").unwrap().into());
    }
    let home = tempfile::tempdir().unwrap();
    let runtime = home.path().join("run");
    std::fs::create_dir(&runtime).unwrap();
    let data = home.path().join("data");
    std::fs::create_dir_all(data.join("dbus-1/services")).unwrap();
    let mut command = Command::new("dbus-run-session");
    command.args(["--", "sh", "-c"]);
    command.arg(format!(
        "{keyring}\nexec \"$0\" --ignored --exact third_party::stores::{test} --nocapture"
    ));
    command.arg(std::env::current_exe().unwrap());
    command
        .env(SESSION, "yes")
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", runtime)
        .env("XDG_DATA_HOME", data);
    for variable in [
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XDG_STATE_HOME",
        "GNOME_KEYRING_CONTROL",
    ] {
        command.env_remove(variable);
    }
    let (output, errors) = run(command.stdin(Stdio::null()));
    assert!(output.contains("1 passed"), "no test is called {test}");
    // What GLib says of calls that it should not have been given.
    assert!(!errors.contains("CRITICAL"), "{errors}");
    None
}

/// GNOME Keyring with the login keyring unlocked, as after signing in at a desktop.
const UNLOCKED: &str =
    "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null";
/// The same, locked afterwards.
const LOCKED: &str = "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null
dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
    org.freedesktop.Secret.Service.Lock \
    array:objpath:/org/freedesktop/secrets/collection/login >/dev/null";
/// A user who has no keyring yet: the service would have to ask for a password to make one.
const NO_KEYRING: &str = "";
/// The same, with a runtime folder that is in memory.
const MEMORY: &str = "export XDG_RUNTIME_DIR=$(mktemp --directory --tmpdir=/dev/shm)";

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn our_own_item_is_kept_in_the_secret_service() {
    let Some(home) = in_a_session("our_own_item_is_kept_in_the_secret_service", UNLOCKED) else {
        return;
    };
    let store = default_store("test").unwrap();
    assert_eq!(text(&store), "");
    put(&store, r#"{"größe":1}"#);
    assert_eq!(text(&default_store("test").unwrap()), r#"{"größe":1}"#);
    assert_eq!(text(&default_store("other").unwrap()), "");
    let found = succeed(Command::new("secret-tool").args([
        "lookup",
        "cache",
        "test",
        "xdg:schema",
        "silentry.token-cache",
    ]));
    assert_eq!(found, r#"{"größe":1}"#);
    let signal = home.join(".local/state/silentry/test.cache");
    assert_eq!(std::fs::read(signal).unwrap(), b"");
    let (_, seen) = store.read(None).unwrap().unwrap();
    assert!(store.read(Some(&seen)).unwrap().is_none());
    put(&store, "{}");
    assert_eq!(store.set_aside(&seen).unwrap(), None);
    let (_, seen) = store.read(Some(&seen)).unwrap().unwrap();
    let place = store.set_aside(&seen).unwrap().unwrap();
    assert!(
        place.contains("Silentry token cache (test).damaged-"),
        "{place}"
    );
    assert_eq!(text(&store), "");
}

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn several_processes_lose_nothing_in_the_secret_service() {
    let Some(_) = in_a_session(
        "several_processes_lose_nothing_in_the_secret_service",
        UNLOCKED,
    ) else {
        return;
    };
    let threads: Vec<_> = (0..4)
        .map(|number| {
            std::thread::spawn(move || {
                let store = default_store("test").unwrap();
                for round in 0..15 {
                    let line = format!("{number} {round}\n");
                    store
                        .update(&mut |text| Some(Secret::from(text.expose().to_owned() + &line)))
                        .unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(text(&default_store("test").unwrap()).lines().count(), 60);
}

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn msal_dotnet_items_are_found_by_attributes_and_are_base64() {
    let Some(home) = in_a_session(
        "msal_dotnet_items_are_found_by_attributes_and_are_base64",
        UNLOCKED,
    ) else {
        return;
    };
    let attributes = [
        "MsalClientID",
        "Microsoft.Developer.IdentityService",
        "Microsoft.Developer.IdentityService",
        "1.0.0.0",
    ];
    let storage = MsalDotnetStorage::shared_developer_cache().unwrap();
    let store = storage.store().unwrap();
    put(&store, "{\"a\":1}");
    let found = succeed(Command::new("secret-tool").arg("lookup").args(attributes));
    assert_eq!(found, "eyJhIjoxfQ==");
    assert!(home.join(".local/.IdentityService/msal.cache").exists());
    // Whatever schema another program gave it, MSAL.NET and we find it by its attributes.
    succeed(Command::new("secret-tool").arg("clear").args(attributes));
    assert_eq!(text(&store), "");
    let store_base64 = format!(
        "printf eyJiIjoyfQ== | secret-tool store --label=MSALCache {}",
        attributes.join(" ")
    );
    succeed(Command::new("sh").args(["-c", &store_base64]));
    assert_eq!(text(&store), "{\"b\":2}");
}

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn msal_python_reads_our_item_and_we_read_its() {
    let Some(home) = in_a_session("msal_python_reads_our_item_and_we_read_its", UNLOCKED) else {
        return;
    };
    // The name of the item is the hash of what was said, tilde and all.
    let location = "~/python.cache";
    let store = msal_python_store(location).unwrap();
    put(&store, "{\"ours\":1}");
    assert!(home.join("python.cache").exists());
    assert_eq!(succeed(python(PERSISTENCE).arg(location)), "{\"ours\":1}");
    succeed(python(PERSISTENCE).args([location, "{\"theirs\":2}"]));
    assert_eq!(text(&store), "{\"theirs\":2}");
    put(&store, "{\"ours\":3}");
    assert_eq!(succeed(python(PERSISTENCE).arg(location)), "{\"ours\":3}");
    let (_, seen) = store.read(None).unwrap().unwrap();
    store.set_aside(&seen).unwrap().unwrap();
    assert_eq!(text(&store), "");
}

/// Nobody may be asked for the password of a keyring, least of all where nobody is.
#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn a_locked_keyring_is_an_error_and_no_prompt() {
    let Some(_) = in_a_session("a_locked_keyring_is_an_error_and_no_prompt", LOCKED) else {
        return;
    };
    let error = msal_python_store("/nowhere/cache").err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Denied, "{error}");
    assert!(error.to_string().ends_with("is locked"), "{error}");
}

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn without_keyring_and_memory_there_is_no_default() {
    let Some(_) = in_a_session("without_keyring_and_memory_there_is_no_default", NO_KEYRING) else {
        return;
    };
    let error = msal_python_store("/nowhere/cache").err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    let error = default_store("test").err().unwrap();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(
        error.to_string().contains("other users can look into it"),
        "{error}"
    );
}

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn without_a_keyring_the_default_is_in_memory() {
    let Some(_) = in_a_session("without_a_keyring_the_default_is_in_memory", MEMORY) else {
        return;
    };
    let folder = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR").unwrap());
    put(&default_store("test").unwrap(), "{}");
    let written = std::fs::read_to_string(folder.join("silentry/test.cache"));
    std::fs::remove_dir_all(folder).unwrap();
    assert_eq!(written.unwrap(), "{}");
}

/// A service that is started on demand and never comes: D-Bus alone would wait for it for 25 s, at every call.
const NEVER_STARTS: &str = "printf '[D-BUS Service]\\nName=org.freedesktop.secrets\\nExec=/bin/sh -c \"exec sleep 40 >/dev/null 2>&1\"\\n' \\
    >$XDG_DATA_HOME/dbus-1/services/org.freedesktop.secrets.service
dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ReloadConfig >/dev/null";

#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn a_service_that_never_starts_is_given_up_and_then_left_alone() {
    let Some(_) = in_a_session(
        "a_service_that_never_starts_is_given_up_and_then_left_alone",
        NEVER_STARTS,
    ) else {
        return;
    };
    let started = Instant::now();
    let errors = [(); 3].map(|()| msal_python_store("/nowhere/cache").err().unwrap());
    // The limit of D-Bus for one of them.
    assert!(started.elapsed() < Duration::from_secs(25));
    for error in &errors {
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{error}");
    }
    let [first, again, third] = errors.map(|error| error.to_string());
    assert!(first.contains("within 3 s"), "{first}");
    assert!(again.contains("a moment ago"), "{again}");
    assert_eq!(third, again);
}

/// It may stop to answer at any time, also while the lock of the cache is held.
#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn a_service_that_stops_to_answer_is_given_up_and_the_lock_let_go() {
    let Some(home) = in_a_session(
        "a_service_that_stops_to_answer_is_given_up_and_the_lock_let_go",
        UNLOCKED,
    ) else {
        return;
    };
    let store = default_store("test").unwrap();
    put(&store, "{}");
    let service = process_of("org.freedesktop.secrets");
    succeed(Command::new("kill").args(["-STOP", &service]));
    let started = Instant::now();
    let written = store.update(&mut |_| Some(Secret::from("{ }")));
    let read = store.read(None);
    let took = started.elapsed();
    succeed(Command::new("kill").args(["-KILL", &service]));
    let (written, read) = (written.unwrap_err(), read.unwrap_err());
    assert!(written.to_string().contains("within 3 s"), "{written}");
    assert!(read.to_string().contains("a moment ago"), "{read}");
    assert!(took < Duration::from_secs(25), "{took:?}");
    let lock = home.join(".local/state/silentry/test.cache.lockfile");
    assert!(!lock.exists());
}

fn process_of(name: &str) -> String {
    let answer = succeed(Command::new("dbus-send").args([
        "--session",
        "--print-reply=literal",
        "--dest=org.freedesktop.DBus",
        "/",
        "org.freedesktop.DBus.GetConnectionUnixProcessID",
        &format!("string:{name}"),
    ]));
    answer.split_whitespace().last().unwrap().to_owned()
}

/// When the user has logged out, a program that goes on is told so at once.
#[test]
#[ignore = "needs a keyring and MSAL Python"]
fn after_the_end_of_the_session_there_is_an_error() {
    let Some(_) = in_a_session("after_the_end_of_the_session_there_is_an_error", UNLOCKED) else {
        return;
    };
    let store = default_store("test").unwrap();
    put(&store, "{}");
    let bus = process_of("org.freedesktop.DBus");
    succeed(Command::new("kill").arg(bus));
    std::thread::sleep(Duration::from_secs(1));
    let error = store.read(None).unwrap_err();
    assert!(
        matches!(
            error.kind(),
            StoreErrorKind::Unavailable | StoreErrorKind::Io
        ),
        "{error}"
    );
}
