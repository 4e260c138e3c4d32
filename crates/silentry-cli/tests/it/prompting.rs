//! The modes that ask the user: a device code, the browser, a password.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use silentry_lab::Person;

use crate::support::{Place, Said, Waiting};

const DEVICE_LOGIN: &str = "https://microsoft.com/devicelogin";
const PATIENCE: Duration = Duration::from_secs(120);

/// What opens addresses on this desktop: it only writes down which.
fn desktop(place: &Place, command: &mut Command) {
    command
        .env("PATH", path_with_opener(place, "xdg-open"))
        .env("DISPLAY", ":7");
}

/// Returns a search path on which a program of this name writes down the last word that it is given.
fn path_with_opener(place: &Place, name: &str) -> String {
    let folder = place.folder.path().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let opener = folder.join(name);
    let file = address_file(place);
    let script = format!(
        "#!/bin/sh\nfor last; do :; done\nprintf %s \"$last\" > '{0}.new'\nmv '{0}.new' '{0}'\n",
        file.display()
    );
    std::fs::write(&opener, script).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    format!("{}:{path}", folder.display())
}

fn address_file(place: &Place) -> std::path::PathBuf {
    place.folder.path().join("opened")
}

fn opened(file: &Path) -> String {
    let started = Instant::now();
    loop {
        if let Ok(address) = std::fs::read_to_string(file) {
            return address;
        }
        assert!(started.elapsed() < PATIENCE, "no address was opened");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_device_code_is_told_on_stderr_and_nothing_else() {
    let place = Place::new();
    let arguments = ["token", "--mode", "silent,devicecode", "-o", "json"];
    let mut waiting = Waiting::start(place.silentry(&arguments));
    let code = waiting.code();
    let alice = Person::new(place.lab.user()).with_user_code(code);
    assert_eq!(place.sign_in(DEVICE_LOGIN, &alice), None);
    let said = waiting.end();
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    let token = said.json();
    assert_eq!(token["flow"], "device_code");
    assert_eq!(token["username"], "alice@contoso.test");
    // And the next time nobody has to act.
    let again = place.run_without_ticket(&arguments).json();
    assert_eq!(again["access_token"], token["access_token"]);
}

#[test]
fn a_device_code_can_be_declined_and_interrupted() {
    let place = Place::new();
    let arguments = ["token", "--mode", "devicecode", "-o", "json"];
    let mut waiting = Waiting::start(place.silentry(&arguments));
    let code = waiting.code();
    let nobody = Person::new(place.lab.user())
        .with_user_code(code)
        .cancelling();
    place.sign_in(DEVICE_LOGIN, &nobody);
    let error = waiting.end().error(3);
    assert_eq!(error["error"], "authorization_declined");
    assert_eq!(error["attempts"][0]["mode"], "devicecode");

    let mut waiting = Waiting::start(place.silentry(&arguments));
    waiting.code();
    waiting.interrupt();
    assert_eq!(waiting.end().error(130)["error"], "interrupted");
}

#[test]
fn the_browser_is_sent_where_the_user_is_expected() {
    let place = Place::new();
    let mut command = place.silentry(&[
        "token",
        "--mode=web",
        "-o=json",
        "--username=alice@contoso.test",
        "--domain-hint=contoso.test",
        "--prompt=select-account",
    ]);
    desktop(&place, &mut command);
    let waiting = Waiting::start(command);
    let address = opened(&address_file(&place));
    for parameter in [
        "login_hint=alice%40contoso.test",
        "domain_hint=contoso.test",
        "prompt=select_account",
        "code_challenge_method=S256",
    ] {
        assert!(address.contains(parameter), "{address}");
    }
    let alice = Person::new(place.lab.user());
    assert_eq!(place.sign_in(&address, &alice), None);
    let said = waiting.end();
    // It can be opened elsewhere too, and the user knows how long there is.
    let told: Vec<_> = said.stderr.lines().collect();
    assert_eq!(told[1..], [&*address], "{}", said.stderr);
    assert!(told[0].contains("browser"), "{}", told[0]);
    assert!(told[0].contains("within 5 minutes"), "{}", told[0]);
    let token = said.json();
    assert_eq!(token["flow"], "interactive");
    assert_eq!(token["username"], "alice@contoso.test");
}

#[test]
fn the_browser_comes_back_to_the_port_that_is_named() {
    let place = Place::new();
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let port_argument = format!("--port={port}");
    let mut command = place.silentry(&["login", "--mode=web", &*port_argument]);
    desktop(&place, &mut command);
    let waiting = Waiting::start(command);
    let address = opened(&address_file(&place));
    let redirect = format!("redirect_uri=http%3A%2F%2Flocalhost%3A{port}");
    assert!(address.contains(&redirect), "{address}");
    place.sign_in(&address, &Person::new(place.lab.user()));
    assert_eq!(waiting.end().ok(), "signed in as alice@contoso.test\n");
}

/// Signs alice in at the address that the command tells, and returns what it told.
fn signed_in_by_hand(place: &Place, command: Command) -> String {
    let mut waiting = Waiting::start(command);
    let address = waiting.address();
    assert_eq!(
        place.sign_in(&address, &Person::new(place.lab.user())),
        None
    );
    let said = waiting.end();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    said.stderr
}

#[test]
fn the_variable_browser_counts() {
    let place = Place::new();
    let path = path_with_opener(&place, "my-browser");
    for list in [
        "my-browser",
        "no-such-browser:my-browser %s",
        "false:my-browser --new-window",
        "my-browser '--app=none' %s",
    ] {
        let _ = std::fs::remove_file(address_file(&place));
        let mut command = place.silentry(&["token", "--mode=web", "-o=none"]);
        command.env("PATH", &path).env("BROWSER", list);
        let mut waiting = Waiting::start(command);
        let address = opened(&address_file(&place));
        assert_eq!(address, waiting.address(), "{list}");
        place.sign_in(&address, &Person::new(place.lab.user()));
        assert_eq!(waiting.end().code, Some(0), "{list}");
    }
}

#[test]
fn inside_wsl_the_browser_is_that_of_windows() {
    let place = Place::new();
    let mut command = place.silentry(&["token", "--mode=web", "-o=none"]);
    command
        .env("PATH", path_with_opener(&place, "wslview"))
        .env("WSL_DISTRO_NAME", "Debian");
    let waiting = Waiting::start(command);
    let address = opened(&address_file(&place));
    place.sign_in(&address, &Person::new(place.lab.user()));
    waiting.end().ok();
}

#[test]
fn a_launcher_that_fails_is_one_line_and_the_address_still_works() {
    let place = Place::new();
    let arguments = [
        "token",
        "--mode=web",
        "-o=none",
        "--username=alice@contoso.test",
        "--browser-timeout=90",
    ];
    let mut command = place.silentry(&arguments);
    command.env("BROWSER", "false");
    let told = signed_in_by_hand(&place, command);
    assert!(told.contains("within 90 s"), "{told}");
    let lines: Vec<_> = told
        .lines()
        .filter(|line| !line.starts_with("https"))
        .collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[1].contains("`false` failed with exit code 1"),
        "{told}"
    );
    assert!(!lines[1].contains("alice"), "{told}");

    // Where another way follows, nobody has to do anything by hand.
    let mut command = place.silentry(&["token", "--mode=web,devicecode", "-o=none"]);
    command.env("BROWSER", "false");
    let mut waiting = Waiting::start(command);
    let alice = Person::new(place.lab.user()).with_user_code(waiting.code());
    place.sign_in(DEVICE_LOGIN, &alice);
    waiting.end().ok();
}

#[test]
fn without_browser_the_address_is_only_told() {
    let place = Place::new();
    let mut command = place.silentry(&["token", "--mode=web", "-o=none", "--no-browser"]);
    desktop(&place, &mut command);
    let told = signed_in_by_hand(&place, command);
    assert!(told.contains("open this address"), "{told}");
    assert!(!address_file(&place).exists());
}

#[test]
fn nobody_who_comes_ends_the_waiting() {
    let place = Place::new();
    let mut command = place.silentry(&["token", "--mode=web", "--browser-timeout=1", "-o=json"]);
    desktop(&place, &mut command);
    let error = Said::from(command.output().unwrap()).error(3);
    assert_eq!(error["error"], "authentication_timed_out");
}

/// Whoever can connect could fill the terminal.
#[test]
fn answers_to_other_sign_ins_are_told_once() {
    let place = Place::new();
    let command = place.silentry(&["token", "--mode=web", "-o=none", "--no-browser"]);
    let mut waiting = Waiting::start(command);
    let address = waiting.address();
    for _ in 0..5 {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port_in(&address))).unwrap();
        stream
            .write_all(b"GET /?code=theirs&state=other HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        assert!(page.starts_with("HTTP/1.1 400"), "{page}");
    }
    let alice = Person::new(place.lab.user());
    assert_eq!(place.sign_in(&address, &alice), None);
    let said = waiting.end();
    assert_eq!(said.stderr.matches("another sign-in").count(), 1);
    said.ok();
}

/// Returns where the browser comes back to.
fn port_in(address: &str) -> u16 {
    let (_, port) = address.split_once("localhost%3A").unwrap();
    port.split('&').next().unwrap().parse().unwrap()
}

/// As a program with too many open files.
#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_cannot_be_accepted_ends_nothing() {
    use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

    let place = Place::new();
    let command = place.silentry(&["token", "--mode=web", "-o=none", "--no-browser"]);
    let mut waiting = Waiting::start(command);
    let address = waiting.address();
    let id = Pid::from_child(&waiting.child);
    let limit = |current| {
        let limits = Rlimit {
            current: Some(current),
            maximum: getrlimit(Resource::Nofile).maximum,
        };
        prlimit(Some(id), Resource::Nofile, limits).unwrap();
    };
    // No file descriptor is left: the connection stays in the queue, and the browser waits.
    limit(0);
    let mut early = std::net::TcpStream::connect(("127.0.0.1", port_in(&address))).unwrap();
    early
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    limit(1024);
    let mut page = String::new();
    early.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 400"), "{page}");
    assert_eq!(
        place.sign_in(&address, &Person::new(place.lab.user())),
        None
    );
    waiting.end().ok();
}

#[test]
fn without_a_desktop_the_next_way_is_tried() {
    let place = Place::new();
    let alone = place.run(&["token", "--mode=web", "-o=json"]).error(3);
    assert_eq!(alone["error"], "no_browser");
    let mut waiting = Waiting::start(place.silentry(&["token", "--mode=web,devicecode"]));
    let code = waiting.code();
    let alice = Person::new(place.lab.user()).with_user_code(code);
    place.sign_in(DEVICE_LOGIN, &alice);
    waiting.end().ok();
}

const PASSWORD: [&str; 5] = ["token", "--mode=password", "-o=json", "-vv", "--username"];

#[test]
fn a_password_comes_from_stdin_or_a_descriptor() {
    let place = Place::new();
    for user in ["alice", "bob"] {
        let user = silentry_lab::user(user).unwrap();
        let stdin: Vec<_> = PASSWORD
            .into_iter()
            .chain([user.upn, "--password-stdin"])
            .collect();
        let mut runs = Vec::new();
        for end in ["", "\n", "\r\n"] {
            runs.push(place.run_with(&stdin, format!("{}{end}", user.password).as_bytes()));
        }
        let file = place.folder.path().join("password");
        std::fs::write(&file, user.password).unwrap();
        let mut shell = place.lab.command("sh");
        let program = place.silentry(&PASSWORD);
        shell
            .arg("-c")
            .arg("exec \"$@\" --password-fd 7 7< \"$FILE\"")
            .arg("sh")
            .arg(program.get_program())
            .args(program.get_args())
            .arg(user.upn)
            .env("FILE", &file)
            .env("HOME", place.folder.path())
            .env("SILENTRY_CACHE", "none");
        runs.push(shell.output().unwrap().into());
        // A script has read the line before it.
        std::fs::write(&file, format!("{}\n{}\n", user.upn, user.password)).unwrap();
        let mut shell = place.lab.command("sh");
        shell
            .arg("-c")
            .arg("exec 7< \"$FILE\"; read name <&7; exec \"$@\" \"$name\" --password-fd 7")
            .arg("sh")
            .arg(program.get_program())
            .args(program.get_args())
            .env("FILE", &file)
            .env("HOME", place.folder.path())
            .env("SILENTRY_CACHE", "none");
        runs.push(shell.output().unwrap().into());
        for said in runs {
            assert!(
                said.stderr.contains("exchange"),
                "nothing was told: {}",
                said.stderr
            );
            assert!(!said.stderr.contains(user.password), "{}", said.stderr);
            assert!(!said.stderr.contains("eyJ"), "{}", said.stderr);
            let token = said.json();
            assert_eq!(token["flow"], "username_password");
            assert_eq!(token["username"], user.upn);
        }
    }
}

#[test]
fn what_is_no_password_is_refused_before_any_network() {
    let place = Place::new();
    let stdin = [
        "token",
        "--mode=password",
        "-o=json",
        "--username=alice@contoso.test",
    ];
    let stdin: Vec<_> = stdin.into_iter().chain(["--password-stdin"]).collect();
    let long = vec![b'x'; 5000];
    for bytes in [&b""[..], b"\n", b"\r\n", b"\xff\xfe", &long] {
        let error = place.run_with(&stdin, bytes).error(2);
        assert_eq!(error["error"], "password_required");
    }
    let closed = [
        "token",
        "--mode=password",
        "-o=json",
        "--username=a@b.c",
        "--password-fd=77",
    ];
    assert_eq!(place.run(&closed).error(2)["error"], "password_required");
    // Nobody to ask.
    let asked = ["token", "--mode=password", "-o=json", "--username=a@b.c"];
    let error = place.run(&asked).error(2);
    assert_eq!(error["error"], "password_required");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("--password-stdin")
    );
    assert!(place.lab.journal().is_empty());
}

#[test]
fn a_wrong_password_is_sent_once() {
    let place = Place::new();
    let arguments = [
        "token",
        "--mode=password",
        "-o=json",
        "--username=alice@contoso.test",
    ];
    let arguments: Vec<_> = arguments.into_iter().chain(["--password-stdin"]).collect();
    place.run_with(&arguments, b"wrong").error(3);
    let asked = place.lab.exchanges();
    let sent = asked.iter().filter(|one| one.stage == "wstrust");
    assert_eq!(sent.count(), 1);
}
