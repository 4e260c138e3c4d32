//! Many processes on one file store: nothing is lost, nothing is torn, whenever one is killed.
//!
//! The processes are this test itself, started again: [`worker`] does nothing unless it is told to.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use silentry::Secret;
use silentry::cache::store::{FileStore, StoreErrorKind, TokenStore};

const WORKER: &str = "SILENTRY_TEST_STORE_WORKER";
/// However busy the machine is.
const HANGS: Duration = Duration::from_secs(600);
const FILLING: usize = 200_000;

/// How often each worker has counted itself in a text, then something that makes the text long, then a
/// last line without which it is not whole.
type Counts = BTreeMap<String, u64>;

fn parse(text: &Secret) -> Counts {
    let text = text.expose();
    if text.is_empty() {
        return Counts::new();
    }
    let (counts, filling) = text.split_once("--\n").expect("a whole text");
    assert_eq!(filling.len(), FILLING + 1);
    assert!(filling.ends_with('\n'), "half a text");
    counts
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(name, count)| (name.to_owned(), count.parse().unwrap()))
        .collect()
}

fn format(counts: &Counts) -> Secret {
    let lines: String = counts
        .iter()
        .map(|(name, count)| format!("{name} {count}\n"))
        .collect();
    Secret::from(format!("{lines}--\n{}\n", "x".repeat(FILLING)))
}

fn start(folder: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store_hammer::worker",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(WORKER, folder.join(name))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Counts itself up in the cache beside its own file until that file is there to stop it, and leaves in
/// it how often it did.
#[test]
fn worker() {
    let Some(own) = std::env::var_os(WORKER) else {
        return;
    };
    let own = Path::new(&own);
    let name = own.file_name().unwrap().to_str().unwrap();
    let store = FileStore::new(own.with_file_name("cache"));
    let stop = own.with_file_name("stop");
    let mut done = 0u64;
    while !stop.exists() {
        let updated = store.update(&mut |text| {
            let mut counts = parse(text);
            *counts.entry(name.to_owned()).or_default() += 1;
            Some(format(&counts))
        });
        match updated {
            Ok(_) => done += 1,
            // On a busy machine the lock may always be another's for as long as is waited: then nothing may be counted.
            Err(error) if error.kind() == StoreErrorKind::Locked => {}
            Err(error) => panic!("{error}"),
        }
    }
    std::fs::write(own, done.to_string()).unwrap();
}

#[test]
fn eight_processes_lose_nothing() {
    eight_processes_for(Duration::from_secs(4));
}

mod thorough {
    #[test]
    #[ignore = "takes half a minute"]
    fn eight_processes_lose_nothing() {
        super::eight_processes_for(std::time::Duration::from_secs(30));
    }
}

fn eight_processes_for(time: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<_> = (0..8).map(|number| format!("worker{number}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| start(folder.path(), name))
        .collect();
    let store = FileStore::new(folder.path().join("cache"));
    let (mut reads, mut known) = (0, None);
    let mut everybody_came = false;
    let started = Instant::now();
    // As long as it takes for each to have been in the middle of the others.
    while started.elapsed() < time || !everybody_came || reads < 3 {
        if let Some((text, version)) = store.read(known.as_ref()).unwrap() {
            let counts = parse(&text);
            everybody_came = names.iter().all(|name| counts.get(name) >= Some(&5));
            known = Some(version);
            reads += 1;
        }
        assert!(started.elapsed() < HANGS, "nobody gets on");
    }
    std::fs::write(folder.path().join("stop"), "").unwrap();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let (text, _) = store.read(None).unwrap().unwrap();
    let counted = parse(&text);
    let claimed: Counts = names
        .iter()
        .map(|name| {
            (
                name,
                std::fs::read_to_string(folder.path().join(name)).unwrap(),
            )
        })
        .map(|(name, count)| (name.clone(), count.parse().unwrap()))
        .collect();
    assert_eq!(counted, claimed);
    assert_eq!(left_behind(folder.path()), Vec::<String>::new());
}

/// A killed process may leave its lock and the file that it was writing; the next one clears both away.
#[test]
fn killed_processes_leave_whole_caches_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("cache"));
    let mut before = 0;
    let mut locks_left = 0;
    // As often as it takes to meet one that has the lock.
    for round in 0..200u64 {
        if round >= 12 && locks_left > 0 {
            break;
        }
        let mut child = start(folder.path(), "victim");
        let started = Instant::now();
        while count(&store) == before {
            assert!(started.elapsed() < HANGS, "round {round} does not begin");
        }
        // Another moment of the update every time.
        thread::sleep(Duration::from_micros(round % 12 * 1_700));
        child.kill().unwrap();
        child.wait().unwrap();
        locks_left += u32::from(folder.path().join("cache.lockfile").exists());
        let now = count(&store);
        assert!(now > before, "{now} after {before}");
        before = now;
    }
    assert!(locks_left > 0, "never killed under the lock: hardly a test");
    // For so long nobody takes over a lock of whom nothing is known.
    const TWO_MINUTES: Duration = Duration::from_secs(120);
    let started = Instant::now();
    store
        .update(&mut |text| Some(format(&parse(text))))
        .unwrap();
    assert!(started.elapsed() < TWO_MINUTES, "blocked by a dead process");
    assert_eq!(count(&store), before);
    println!("killed under the lock {locks_left} times");
}

fn count(store: &FileStore) -> u64 {
    let (text, _) = store.read(None).unwrap().unwrap();
    parse(&text).values().sum()
}

/// Returns what is in the folder beside the cache and what the test put there.
fn left_behind(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "cache" && name != "stop" && !name.starts_with("worker"))
        .collect()
}
