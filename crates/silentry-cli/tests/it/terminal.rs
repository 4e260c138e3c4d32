//! What a person at a terminal sees, and how the terminal is left.

use std::io::{Read, Write};
use std::process::{Child, Stdio};

use silentry_lab::Person;

use crate::support::Place;

const DEVICE_LOGIN: &str = "https://microsoft.com/devicelogin";

/// The command below `script(1)`, which gives it a terminal and shows here what stands there.
fn start(place: &Place, arguments: &str) -> Child {
    let program = assert_cmd::cargo::cargo_bin("silentry");
    // What it leaves of the terminal is told at the end, by a shell that outlives the signals.
    let command = format!(
        "trap : INT QUIT; {} {arguments}; code=$?; stty -a; exit $code",
        program.display()
    );
    start_shell(place, &command)
}

fn start_shell(place: &Place, command: &str) -> Child {
    let template = place.silentry(&[""; 0]);
    // What hangs ends, so that the test does.
    let mut script = place.lab.command("timeout");
    script.args(["300", "script", "--quiet", "--return"]);
    script.args(["--log-out", "/dev/null", "--command", command]);
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => script.env(name, value),
            None => script.env_remove(name),
        };
    }
    script.env("SHELL", "/bin/sh");
    let script = script.stdin(Stdio::piped()).stdout(Stdio::piped());
    script.spawn().unwrap()
}

const PROMPT: &str = "Password of alice@contoso.test: ";

/// Reads the terminal until it shows `word`.
fn until(child: &mut Child, word: &str) -> String {
    let mut seen = Vec::new();
    let stdout = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while stdout.read(&mut byte).unwrap() == 1 {
        seen.push(byte[0]);
        if seen.ends_with(word.as_bytes()) {
            return String::from_utf8(seen).unwrap();
        }
    }
    panic!("{word} was not shown: {}", String::from_utf8_lossy(&seen));
}

fn end(mut child: Child) -> (Option<i32>, String) {
    let mut rest = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut rest).unwrap();
    (child.wait().unwrap().code(), rest)
}

#[test]
fn a_password_is_asked_for_and_not_shown() {
    let place = Place::new();
    let alice = place.lab.user();
    let arguments = format!(
        "token --mode silent,password --username {} -o json",
        alice.upn
    );
    let mut child = start(&place, &arguments);
    until(&mut child, PROMPT);
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(format!("{}\r", alice.password).as_bytes())
        .unwrap();
    let (code, shown) = end(child);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("\"username_password\""), "{shown}");
    assert!(!shown.contains(alice.password), "{shown}");
    drop(stdin);
}

fn is_given_back(shown: &str) {
    for mode in [" echo ", " icanon ", "isig "] {
        assert!(shown.contains(mode), "{mode}: {shown}");
    }
}

#[test]
fn an_interrupted_prompt_gives_the_terminal_back() {
    let place = Place::new();
    // Ctrl+C and Ctrl+\, and as often as they may come too early or too late for somebody.
    for (key, expected) in [(b"\x03", 130), (b"\x1c", 131)].repeat(5) {
        let mut child = start(
            &place,
            "token --mode password --username alice@contoso.test",
        );
        until(&mut child, PROMPT);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(key).unwrap();
        let (code, shown) = end(child);
        assert_eq!(code, Some(expected), "{shown}");
        assert!(shown.contains("interrupted"), "{shown}");
        is_given_back(&shown);
        drop(stdin);
    }
}

#[test]
fn a_suspended_prompt_lends_the_terminal_and_asks_again() {
    let place = Place::new();
    let alice = place.lab.user();
    let program = assert_cmd::cargo::cargo_bin("silentry");
    let command = format!(
        "set -m; {} token --mode password --username {} -o json; echo stopped by $?; stty -a; echo end of stty; \
         fg; code=$?; stty -a; exit $code",
        program.display(),
        alice.upn
    );
    let mut child = start_shell(&place, &command);
    until(&mut child, PROMPT);
    let mut stdin = child.stdin.take().unwrap();
    // What was typed before is forgotten.
    stdin.write_all(b"wrong").unwrap();
    stdin.write_all(b"\x1a").unwrap();
    let shown = until(&mut child, "end of stty");
    is_given_back(&shown);
    until(&mut child, PROMPT);
    let password = format!("{}\r", alice.password);
    stdin.write_all(password.as_bytes()).unwrap();
    let (code, shown) = end(child);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("\"username_password\""), "{shown}");
    assert!(!shown.contains(alice.password), "{shown}");
    is_given_back(&shown);
    drop(stdin);
}

#[test]
fn nobody_is_stopped_whom_nobody_lets_go_on() {
    let place = Place::new();
    let alice = place.lab.user();
    let arguments = format!("token --mode password --username {} -o none", alice.upn);
    let mut child = start(&place, &arguments);
    until(&mut child, PROMPT);
    let mut stdin = child.stdin.take().unwrap();
    // Ctrl+U, as Ctrl+Z is no part of the line.
    let typed = format!("\x1a\x15{}\r", alice.password);
    stdin.write_all(typed.as_bytes()).unwrap();
    let (code, shown) = end(child);
    assert_eq!(code, Some(0), "{shown}");
    drop(stdin);
}

#[test]
fn a_terminal_never_shows_what_is_typed_into_stdin() {
    let place = Place::new();
    let arguments = "token --mode password --password-stdin --username alice@contoso.test";
    let (code, shown) = end(start(&place, arguments));
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("it is a terminal"), "{shown}");
}

#[test]
fn a_terminal_never_shows_what_is_typed_into_a_descriptor() {
    let place = Place::new();
    let arguments = "token --mode password --username alice@contoso.test --password-fd 0";
    let (code, shown) = end(start(&place, arguments));
    assert_eq!(code, Some(2), "{shown}");
    assert!(shown.contains("would show it"), "{shown}");
}

/// What the environment says may be anything.
#[test]
fn a_name_steers_no_terminal_at_the_prompt() {
    let place = Place::new();
    let name = "al\u{1b}]0;x\u{7}\u{202e}ice@contoso.test\n\n";
    let mut child = start(
        &place,
        &format!("token --mode password --username '{name}'"),
    );
    let shown = until(&mut child, "ice@contoso.test");
    assert!(
        !shown.contains(['\u{1b}', '\u{7}', '\u{202e}']),
        "{shown:?}"
    );
    drop(child.stdin.take());
    let (_, shown) = end(child);
    assert!(!shown.contains(['\u{7}', '\u{202e}']), "{shown:?}");
}

#[test]
fn the_device_code_counts_down() {
    let place = Place::new();
    let mut child = start(&place, "token --mode devicecode -o none");
    let shown = until(&mut child, "waiting, the code is good for 14:5");
    let (_, rest) = shown.split_once("enter the code ").unwrap();
    let code = rest.split_whitespace().next().unwrap();
    let alice = Person::new(place.lab.user()).with_user_code(code);
    place.sign_in(DEVICE_LOGIN, &alice);
    let (code, shown) = end(child);
    assert_eq!(code, Some(0), "{shown}");
    // The line is gone at the end.
    let (last, _) = shown.split_once("speed").unwrap();
    assert!(
        last.trim_end_matches(['\r', '\n']).ends_with("\r\u{1b}[K"),
        "{last:?}"
    );
}
