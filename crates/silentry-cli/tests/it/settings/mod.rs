//! Where settings come from, and who may have written them.

#[cfg(unix)]
mod owners;
mod values;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Place, Said};

/// Settings with which `silentry token` fails without any network: nothing is in a cache that does not exist.
const NOTHING_FOUND: &str = "client-id = \"11111111-2222-3333-4444-555555555555\"\n\
    scope = \"https://graph.microsoft.com/User.Read\"\nmode = \"silent\"\ncache = \"none\"\noutput = \"json\"\n";

/// A user's home.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn of(config: &str) -> Self {
        let home = Home::new();
        home.write(".config/silentry/config.toml", config);
        home
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) -> PathBuf {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command with this home and nothing else of the machine's.
    fn silentry(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("silentry"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("KRB5CCNAME", "FILE:/nonexistent/ccache")
            .current_dir(self.path());
        command
    }
}

/// Checks that the settings were read, and that there was no token.
#[track_caller]
fn found_nothing(output: Output) {
    refused(output, 4);
}

fn error(output: &Output) -> Value {
    let line = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
}

/// Returns what was said by a run that fails with this code.
fn refused(output: Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    said
}

#[test]
fn the_users_file_completes_the_command_line() {
    let home = Home::of(NOTHING_FOUND);
    found_nothing(home.silentry(&["token"]).output().unwrap());
}

/// The variables that the help names, of all commands.
fn variables() -> BTreeSet<String> {
    let home = Home::new();
    let mut names = BTreeSet::new();
    for command in ["token", "login", "accounts", "logout"] {
        let help = home.silentry(&[command, "--help"]).output().unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let found = help.split("[env: ").skip(1);
        names.extend(found.map(|rest| rest.split([']', '=']).next().unwrap().trim().to_owned()));
    }
    assert!(names.len() >= 35, "{names:?}");
    names
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let home = Home::of(NOTHING_FOUND);
    let unset = home.silentry(&["token"]).output().unwrap();
    for name in variables() {
        for empty in ["", " ", "\t\n"] {
            let output = home.silentry(&["token"]).env(&name, empty).output();
            let output = output.unwrap();
            assert_eq!(output.stderr, unset.stderr, "{name}={empty:?}");
            assert_eq!(
                output.status.code(),
                unset.status.code(),
                "{name}={empty:?}"
            );
        }
    }
    let all = variables().into_iter().map(|name| (name, ""));
    let mut command = home.silentry(&["accounts", "--cache", "x.json"]);
    assert!(command.envs(all).output().unwrap().status.success());
}

#[test]
fn the_help_shows_no_value_of_a_variable() {
    let home = Home::new();
    let mut command = home.silentry(&["token", "--help"]);
    for name in variables() {
        command.env(name, "hunter2");
    }
    let output = command.output().unwrap();
    assert!(
        !String::from_utf8(output.stdout)
            .unwrap()
            .contains("hunter2")
    );
}

#[test]
fn a_home_that_is_no_place_is_that_of_the_password_database() {
    for home in ["", ".", "relative", "~"] {
        let folder = Home::of("nonsense = 1\n");
        folder.write(".config/silentry/config.toml", "nonsense = 1\n");
        folder.write("relative/.config/silentry/config.toml", "nonsense = 1\n");
        folder.write("~/.config/silentry/config.toml", "nonsense = 1\n");
        let mut command = folder.silentry(&["token", "-o", "json"]);
        let said = error(&command.env("HOME", home).output().unwrap());
        assert_eq!(said["error"], "usage", "HOME={home}: {said}");
    }
    // Not absolute, so it counts as little as an empty one (XDG Base Directory Specification).
    let folder = Home::new();
    folder.write("silentry/config.toml", "nonsense = 1\n");
    let mut command = folder.silentry(&["token", "-o", "json"]);
    let said = error(&command.env("XDG_CONFIG_HOME", ".").output().unwrap());
    assert_eq!(said["error"], "usage", "{said}");
}

#[test]
fn an_error_in_the_file_tells_nothing_of_its_text() {
    for text in [
        "port = \"hunter2\"",
        "hunter2",
        "mode = \"hunter2\"",
        "{\"secret\": \"hunter2\"}",
        "client-id = \"hunter2",
        "output = \"hunter2\"",
    ] {
        let home = Home::of(text);
        for arguments in [
            &["token"][..],
            &["token", "-o", "json"],
            &["accounts", "-v"],
        ] {
            let said = refused(home.silentry(arguments).output().unwrap(), 2);
            assert!(said.contains("line 1"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    for header in [
        "hunter2",
        "Authorization: Bearer hunter2=",
        "Authorization: Bearer hunter2",
    ] {
        let home = Home::of(&NOTHING_FOUND.replace("silent", "iwa"));
        let arguments = ["token", "--extra-header", header];
        let output = home.silentry(&arguments).output().unwrap();
        let said = refused(output, 2);
        assert!(!said.contains("hunter2"), "{said}");
        let mut command = home.silentry(&["token"]);
        let output = command.env("SILENTRY_EXTRA_HEADERS", header).output();
        let said = refused(output.unwrap(), 2);
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn an_error_about_the_value_of_a_variable_names_the_variable() {
    let home = Home::of(&NOTHING_FOUND.replace("silent\"", "iwa\""));
    for (name, value, flag) in [
        ("SILENTRY_MODE", "broker", "--mode"),
        ("SILENTRY_OUTPUT", "yaml", "--output"),
        ("SILENTRY_PORT", "0", "--port"),
        ("SILENTRY_BROWSER_TIMEOUT", "soon", "--browser-timeout"),
        ("SILENTRY_PROMPT", "never", "--prompt"),
        ("SILENTRY_MUTUAL_AUTH", "no", "--mutual-auth"),
        ("SILENTRY_CACHE_FORMAT", "json", "--cache-format"),
        ("SILENTRY_ALLOW_NTLM", "flase", "--allow-ntlm"),
        ("SILENTRY_LANGUAGE", "Deutsch (de)", "--language"),
        ("SILENTRY_ACCOUNT", "a.b", "--account"),
        ("SILENTRY_EXTRA_HEADERS", "X-One", "--extra-header"),
        (
            "SILENTRY_EXTRA_QUERY_PARAMETERS",
            "dc",
            "--extra-query-parameter",
        ),
    ] {
        let mut command = home.silentry(&["token"]);
        let said = refused(command.env(name, value).output().unwrap(), 2);
        let first = said.lines().next().unwrap();
        assert!(first.contains(name) && !first.contains(flag), "{said}");
        let mut command = home.silentry(&["token", &format!("{flag}={value}")]);
        let said = refused(command.output().unwrap(), 2);
        assert!(said.contains(flag) && !said.contains(name), "{said}");
    }
}

#[test]
fn a_file_says_nothing_that_a_flag_could_not() {
    for (line, said) in [
        ("port = 0", "--port is 0"),
        ("browser-timeout = 0", "--browser-timeout is 0"),
        ("gssapi-library = \"\"", "--gssapi-library is empty"),
        ("cache = \" \"", "--cache is empty"),
        ("ccache = \"\"", "--ccache is empty"),
        ("tenant = \"a\" \"b\"", "line 1: it is not valid TOML"),
    ] {
        let home = Home::of(line);
        let message = refused(home.silentry(&["token", "-ojson"]).output().unwrap(), 2);
        assert!(message.contains(said), "{line}: {message}");
    }
}

#[test]
fn no_config_file_is_named_as_such() {
    let home = Home::of("tenant = [\n");
    let arguments = ["accounts", "--config=/dev/null", "--cache=none", "-ojson"];
    let error = error(&home.silentry(&arguments).output().unwrap());
    assert!(error["message"].as_str().unwrap().contains("--cache none"));
}

/// `su` and `sudo -u` may leave the HOME of another user.
#[cfg(target_os = "linux")]
#[test]
fn a_home_that_cannot_be_entered_is_told_with_what_to_do() {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can run as somebody else");
        return;
    }
    let home = Home::of(NOTHING_FOUND);
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = home.silentry(&["accounts", "-ojson"]);
    command.current_dir("/").uid(65_534).gid(65_534);
    let error = error(&command.output().unwrap());
    let mitigation = error["mitigation"].as_str().unwrap();
    assert!(
        mitigation.contains("HOME") && mitigation.contains("--config"),
        "{error}"
    );
}
