//! `silentry inspect` without a lab.

use std::process::Output;

use serde_json::Value;

use crate::command_line::{silentry, text};

/// Runs `inspect token` with this on its stdin.
fn inspected(arguments: &[&str], stdin: &str) -> Output {
    let command = silentry()
        .args(["inspect", "token"])
        .args(arguments)
        .write_stdin(stdin)
        .output();
    command.unwrap()
}

#[test]
fn what_is_given_to_inspect_token_is_never_repeated() {
    for (arguments, stdin) in [
        (&["hunter2.hunter2.hunter2"][..], ""),
        (&["Bearer", "hunter2"], ""),
        (&["authorization:", "bearer", "hunter2", "-o", "json"], ""),
        (&["-"], "hunter2.hunter2.hunter2"),
        (&[], "{\"access_token\":\"hunter2\"}"),
    ] {
        let output = inspected(arguments, stdin);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
        let error: Value = serde_json::from_str(&said).unwrap();
        assert!(
            error["mitigation"].as_str().unwrap().contains("stdin") || !stdin.is_empty(),
            "{said}"
        );
    }
}

#[test]
fn inspect_takes_the_output_that_it_has() {
    let token = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJhIn0.";
    for arguments in [
        &["-o", "json"][..],
        &["--output=json"],
        &["-", "-o", "json"],
    ] {
        let output = inspected(arguments, token);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["claims"]["aud"], "a");
    }
    let before = silentry()
        .args(["inspect", "-o", "json", "token"])
        .write_stdin(token)
        .output()
        .unwrap();
    assert!(before.status.success());
    assert_eq!(inspected(&["-o", "text"], token).status.code(), Some(2));
}
