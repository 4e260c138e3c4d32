//! A session bus that does not answer costs moments, and the token comes all the same.
//!
//! Without libsecret on the machine nobody asks the bus, and the commands do the same.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Place, Said};

/// Without a limit the commands wait for ever; this is what a machine with much else to do may need for several.
const SOON: Duration = Duration::from_secs(60);

/// What a bus does with a connection.
type Behaviour = fn(UnixStream);

/// Reads, and says nothing.
fn silent(mut connection: UnixStream) {
    let _ = std::io::copy(&mut connection, &mut std::io::sink());
}

/// Lets everybody in (D-Bus Specification, "Authentication Protocol"), and answers no call.
fn welcoming(mut connection: UnixStream) {
    let mut lines = BufReader::new(connection.try_clone().unwrap());
    let mut line = Vec::new();
    while lines
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        let said = String::from_utf8_lossy(&line);
        let answer = match said.trim_start_matches('\0').split_whitespace().next() {
            Some("AUTH") if said.split_whitespace().count() < 3 => "REJECTED EXTERNAL\r\n",
            Some("AUTH") => "OK 1234deadbeef1234deadbeef12345678\r\n",
            Some("NEGOTIATE_UNIX_FD") => "AGREE_UNIX_FD\r\n",
            Some("BEGIN") => break,
            _ => "ERROR\r\n",
        };
        connection.write_all(answer.as_bytes()).unwrap();
        line.clear();
    }
    let _ = lines.read_to_end(&mut Vec::new());
}

/// Reads nothing and lets the connection be.
fn deaf(connection: UnixStream) {
    std::mem::forget(connection);
}

/// Starts such a bus in the folder of the place and returns its address.
fn bus(place: &Place, name: &str, behaviour: Behaviour) -> String {
    let path = place.folder.path().join(name);
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let connection = connection.unwrap();
            std::thread::spawn(move || behaviour(connection));
        }
    });
    format!("unix:path={}", path.display())
}

fn on_bus(place: &Place, address: &str, arguments: &[&str]) -> Command {
    let mut command = place.silentry(arguments);
    command
        .env("SILENTRY_CACHE", "default")
        .env("DBUS_SESSION_BUS_ADDRESS", address);
    command
}

fn run(mut command: Command) -> Said {
    command.output().unwrap().into()
}

#[test]
fn a_bus_that_never_answers_stops_no_command() {
    let behaviours: [(&str, Behaviour); 3] =
        [("silent", silent), ("welcoming", welcoming), ("deaf", deaf)];
    let place = Place::new();
    for (name, behaviour) in behaviours {
        let address = bus(&place, name, behaviour);
        let started = Instant::now();
        let token = run(on_bus(&place, &address, &["token", "-v"]));
        assert_eq!(
            token.stderr.matches("no Secret Service").count(),
            1,
            "{name}: {}",
            token.stderr
        );
        token.ok();
        for command in ["accounts", "logout", "login"] {
            let said = run(on_bus(&place, &address, &[command, "-o=json"]));
            let error = said.error(1);
            assert_eq!(error["error"], "token_cache_failed", "{name} {command}");
        }
        assert!(started.elapsed() < SOON, "{name}: {:?}", started.elapsed());
    }
}

#[test]
fn after_it_comes_the_next_place() {
    let place = Place::new();
    let address = bus(&place, "silent", silent);
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(memory.path(), private).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = on_bus(&place, &address, arguments);
        command.env("XDG_RUNTIME_DIR", memory.path());
        run(command)
    };
    let login = command(&["login", "--mode=iwa"]);
    assert_eq!(login.stderr, "");
    login.ok();
    let silent = command(&["token", "--mode=silent", "-v", "-o=json"]);
    let told = silent.stderr.matches("no_keyring").count();
    assert_eq!(told, 1, "{}", silent.stderr);
    assert_eq!(silent.json()["flow"], "silent");
    assert!(command(&["accounts"]).ok().contains("alice@contoso.test"));
    command(&["logout"]).ok();
    assert_eq!(command(&["accounts"]).ok(), "");
}
