//! The command lines that the README tells people to type, typed.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::Place;

/// Returns the one line of the README with curl in it.
fn line_with_curl() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let lines = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    $ "));
    let lines: Vec<_> = lines.filter(|line| line.contains("curl ")).collect();
    let [line] = lines[..] else {
        panic!("{lines:?}");
    };
    line.to_owned()
}

/// Puts a program of this name in front of the real one; it writes down every command line that there is by then, of
/// the processes that have it on their search path.
fn watch(place: &Place, name: &str, program: &Path) {
    let folder = place.folder.path().join("bin");
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!(
        "#!/bin/sh\n\
         for one in /proc/[0-9]*; do\n\
         grep -qaF '{}' $one/environ && cat $one/cmdline\n\
         done 2>/dev/null > '{}'\n\
         exec '{}' \"$@\"\n",
        folder.display(),
        seen(place, name).display(),
        program.display(),
    );
    let file = folder.join(name);
    std::fs::write(&file, script).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn seen(place: &Place, name: &str) -> PathBuf {
    place.folder.path().join(format!("seen by {name}"))
}

/// Types the line, with the settings in the environment as the README has them in a file.
fn type_line(place: &Place, line: &str, ticket: bool) -> Output {
    watch(place, "silentry", &assert_cmd::cargo::cargo_bin("silentry"));
    let path = std::env::var("PATH").unwrap();
    let mut folders = std::env::split_paths(&path);
    let curl = folders.find_map(|folder| Some(folder.join("curl")).filter(|file| file.exists()));
    watch(
        place,
        "curl",
        &curl.expect("the package curl must be installed"),
    );
    let template = place.silentry(&[""; 0]);
    let mut shell = Command::new("sh");
    shell.args(["-c", line]);
    for (name, value) in template.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if !ticket {
        shell.env("KRB5CCNAME", "FILE:/nonexistent/ccache");
    }
    let folder = place.folder.path().join("bin");
    shell
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("SILENTRY_SCOPE", "https://graph.microsoft.com/User.Read");
    shell.output().unwrap()
}

#[test]
fn curl_gets_the_token_and_nobody_sees_it() {
    let place = Place::new();
    let output = type_line(&place, &line_with_curl(), true);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let me: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(me["userPrincipalName"], "alice@contoso.test");
    for name in ["silentry", "curl"] {
        let lines = std::fs::read(seen(&place, name)).unwrap();
        let lines = String::from_utf8_lossy(&lines).into_owned();
        assert!(lines.contains(name), "nothing was seen: {lines}");
        assert!(!lines.contains("eyJ"), "{lines}");
    }
}

#[test]
fn curl_is_not_run_when_there_is_no_token() {
    let place = Place::new();
    let output = type_line(&place, &line_with_curl(), false);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("kerberos_no_ticket"), "{said}");
    assert!(!seen(&place, "curl").exists());
}

#[test]
fn the_watch_sees_a_token_in_a_command_line() {
    let place = Place::new();
    let line = r#"curl -s -H "$(silentry token -o header)" https://graph.microsoft.com/v1.0/me"#;
    assert!(type_line(&place, line, true).status.success());
    let lines = std::fs::read(seen(&place, "curl")).unwrap();
    assert!(String::from_utf8_lossy(&lines).contains("eyJ"));
}
