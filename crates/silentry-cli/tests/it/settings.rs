//! Where settings come from, and who may have written them.

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

/// The settings were taken, and there is no token.
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

#[cfg(unix)]
#[test]
fn settings_that_others_can_write_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (changed, mode) in [
        (".config/silentry/config.toml", 0o666),
        (".config/silentry/config.toml", 0o602),
        (".config/silentry", 0o777),
        (".config", 0o757),
    ] {
        let home = Home::of(NOTHING_FOUND);
        let changed = home.path().join(changed);
        set_mode(&changed, mode);
        let said = refused(home.silentry(&["token"]).output().unwrap(), 2);
        for word in [
            "invalid_config_file",
            changed.to_str().unwrap(),
            "chmod go-w",
        ] {
            assert!(said.contains(word), "{said}");
        }
        // Also where the command line names it.
        let file = home.path().join(".config/silentry/config.toml");
        let file = file.to_str().unwrap();
        let output = home.silentry(&["accounts", "--config", file]).output();
        refused(output.unwrap(), 2);
    }
}

#[cfg(unix)]
#[test]
fn settings_of_somebody_else_are_refused_also_for_root() {
    use std::os::unix::fs::lchown;

    for strange in [
        ".config/silentry/config.toml",
        ".config/silentry",
        ".config",
    ] {
        let home = Home::of(NOTHING_FOUND);
        if lchown(home.path().join(strange), Some(12345), None).is_err() {
            return; // Only root can give files away.
        }
        let said = refused(home.silentry(&["token"]).output().unwrap(), 2);
        assert!(said.contains("uid 12345"), "{said}");
    }
    // A link of somebody else leads where he wants.
    let home = Home::new();
    let file = home.write("settings.toml", NOTHING_FOUND);
    std::fs::create_dir_all(home.path().join(".config/silentry")).unwrap();
    let link = home.path().join(".config/silentry/config.toml");
    std::os::unix::fs::symlink(file, &link).unwrap();
    found_nothing(home.silentry(&["token"]).output().unwrap());
    lchown(&link, Some(12345), None).unwrap();
    refused(home.silentry(&["token"]).output().unwrap(), 2);
}

/// The shell hands it over as a pipe.
#[cfg(unix)]
#[test]
fn settings_may_come_from_a_pipe() {
    let home = Home::new();
    home.write("settings.toml", NOTHING_FOUND);
    let silentry = assert_cmd::cargo::cargo_bin("silentry");
    let line = format!(
        "'{}' token --config <(cat settings.toml)",
        silentry.display()
    );
    let mut command = Command::new("bash");
    command
        .args(["-c", &line])
        .current_dir(home.path())
        .env_clear();
    let output = command
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .output();
    found_nothing(output.unwrap());
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
fn a_tilde_is_the_home_in_the_file_in_variables_and_behind_an_equals_sign() {
    let home = Home::of("cache = \"~/kept/tokens.json\"\n");
    let accounts = ["accounts", "-o", "json"];
    let mut command = home.silentry(&accounts);
    assert_eq!(command.output().unwrap().stdout, b"[]\n");
    // What is no cache is refused, which tells that it was looked at.
    home.write("broken.json", "no cache");
    let is_read = |command: &mut Command| {
        let output = command.output().unwrap();
        !String::from_utf8_lossy(&output.stderr).contains("No such file")
            && !home.path().join("~").exists()
    };
    assert!(is_read(
        home.silentry(&accounts)
            .env("SILENTRY_CACHE", "~/broken.json")
    ));
    assert!(is_read(
        &mut home.silentry(&["accounts", "--cache=~/broken.json"])
    ));
    for setting in ["ca-bundle", "federation-metadata"] {
        let home = Home::of(&format!("{NOTHING_FOUND}{setting} = \"~/missing.pem\"\n"));
        let said = error(&home.silentry(&["token"]).output().unwrap());
        let path = home.path().join("missing.pem");
        assert_eq!(said["error"], "file_not_readable", "{said}");
        assert!(
            said["message"]
                .as_str()
                .unwrap()
                .contains(path.to_str().unwrap()),
            "{said}"
        );
    }
    let home = Home::new();
    home.write("settings.toml", NOTHING_FOUND);
    let mut command = home.silentry(&["token"]);
    let output = command.env("SILENTRY_CONFIG", "~/settings.toml").output();
    found_nothing(output.unwrap());
}

/// The scopes of the token that a run prints.
fn scopes(said: Said) -> BTreeSet<String> {
    let said = said.json();
    let scopes = said["scopes"].as_array().unwrap();
    scopes
        .iter()
        .map(|scope| scope.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn scopes_have_any_blanks_around_and_between() {
    let place = Place::new();
    let graph = |name: &str| format!("https://graph.microsoft.com/{name}");
    let (read, mail) = (graph("User.Read"), "openid".to_owned());
    let arguments = ["token", "-o", "json", "--cache=none"];
    let expected =
        scopes(place.run(&[&arguments[..], &["--scope", &read, "--scope", &mail]].concat()));
    assert!(expected.len() > 1, "{expected:?}");
    for written in [
        format!("{read} {mail}"),
        format!("  {read}\t{mail}\r\n"),
        format!("\n{read}\n\n{mail}\n"),
    ] {
        let mut command = place.silentry(&arguments);
        let said = command.env("SILENTRY_SCOPE", &written).output().unwrap();
        assert_eq!(scopes(said.into()), expected, "{written:?}");
        let said = place.run(&[&arguments[..], &["--scope", &written]].concat());
        assert_eq!(scopes(said), expected, "{written:?}");
    }
    for line in [
        format!("scope = \"{read} {mail}\""),
        format!("scope = [\"{read}\", \"{mail}\"]"),
        format!("scope = \"\"\"\n  {read}\n  {mail}\n\"\"\""),
    ] {
        let file = place.folder.path().join("settings.toml");
        std::fs::write(&file, &line).unwrap();
        let mut command = place.silentry(&arguments);
        command
            .arg("--config")
            .arg(&file)
            .env_remove("SILENTRY_SCOPE");
        assert_eq!(scopes(command.output().unwrap().into()), expected, "{line}");
    }
    let mut command = place.silentry(&arguments);
    let output = command.env("SILENTRY_SCOPE", " \t\r\n").output().unwrap();
    assert_eq!(Said::from(output).error(2)["error"], "usage");
}

#[test]
fn a_switch_of_the_file_or_a_variable_can_be_turned_off() {
    let place = Place::new();
    let file = place.folder.path().join("settings.toml");
    std::fs::write(
        &file,
        "force-refresh = true\nallow-ntlm = true\nno-channel-binding = true\n",
    )
    .unwrap();
    let from_cache = |arguments: &[&str], variable: Option<&str>| {
        let mut command = place.silentry(&["token", "-o", "json", "--config"]);
        command.arg(&file).args(arguments);
        if let Some(value) = variable {
            command.env("SILENTRY_FORCE_REFRESH", value);
        }
        Said::from(command.output().unwrap()).json()["from_cache"]
            .as_bool()
            .unwrap()
    };
    assert!(!from_cache(&[], None));
    for arguments in [
        &["--no-force-refresh"][..],
        &["--force-refresh=false"],
        &["--force-refresh", "--no-force-refresh"],
        &["--no-allow-ntlm", "--channel-binding", "--force-refresh=no"],
    ] {
        assert!(from_cache(arguments, None), "{arguments:?}");
        assert!(from_cache(arguments, Some("1")), "{arguments:?}");
    }
    assert!(from_cache(&[], Some("false")));
    assert!(!from_cache(&[], Some("")));
    assert!(!from_cache(&["--force-refresh"], Some("0")));
    assert!(!from_cache(
        &["--no-force-refresh", "--force-refresh"],
        Some("0")
    ));
    let output = place
        .silentry(&["token"])
        .env("SILENTRY_ALLOW_NTLM", "flase")
        .output();
    assert_eq!(Said::from(output.unwrap()).code, Some(2));
}

#[test]
fn one_variable_and_one_line_name_the_output_of_all_commands() {
    let place = Place::new();
    place.login("alice");
    let run = |arguments: &[&str], form: &str| {
        let mut command = place.silentry(arguments);
        command.env("SILENTRY_OUTPUT", form);
        Said::from(command.output().unwrap())
    };
    let file = place.folder.path().join("settings.toml");
    let run_with_line = |arguments: &[&str], form: &str| {
        std::fs::write(&file, format!("output = \"{form}\"\n")).unwrap();
        let mut command = place.silentry(arguments);
        Said::from(command.arg("--config").arg(&file).output().unwrap())
    };
    for run in [&run as &dyn Fn(&[&str], &str) -> Said, &run_with_line] {
        assert!(run(&["token"], "json").json().is_object());
        assert!(run(&["accounts"], "json").json().is_array());
        assert!(
            run(&["token"], "header")
                .ok()
                .starts_with("Authorization: Bearer ")
        );
        assert_eq!(run(&["token"], "none").ok(), "");
        // What another command knows leaves this one as it is.
        assert!(run(&["accounts"], "header").ok().starts_with("USERNAME"));
        assert!(run(&["token"], "text").ok().starts_with("ey"));
        // The flag wins, and a failure is told in the same form.
        assert!(
            run(&["token", "-o", "token"], "json")
                .ok()
                .starts_with("ey")
        );
        run(&["token", "--cache=none", "--mode=silent"], "json").error(4);
        assert_eq!(run(&["token"], "yaml").code, Some(2));
        assert_eq!(run(&["accounts", "-o", "header"], "json").code, Some(2));
    }
}

/// Blanks of a script or a service file; `none ` would be a file with tokens in it.
#[test]
fn blanks_around_a_path_and_capitals_of_a_word_are_no_part_of_it() {
    let place = Place::new();
    let folder = place.folder.path();
    for cache in ["none ", " none", "None", "NONE", "none\n"] {
        let mut command = place.silentry(&["token", "--mode=iwa"]);
        command.env("SILENTRY_CACHE", cache).current_dir(folder);
        Said::from(command.output().unwrap()).ok();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{cache:?}");
    }
    let home = Home::of(NOTHING_FOUND);
    let file = home.path().join(".config/silentry/config.toml");
    let named = format!("{}\n", file.display());
    found_nothing(
        home.silentry(&["token", "--config", &named])
            .output()
            .unwrap(),
    );
}

/// As a service file or a script leaves them.
#[test]
fn blanks_around_the_value_of_a_variable_are_no_part_of_it() {
    let home = Home::of(NOTHING_FOUND);
    for (name, value) in [
        ("SILENTRY_MODE", " silent\n"),
        ("SILENTRY_OUTPUT", "json "),
        ("SILENTRY_PORT", " 8400 "),
        ("SILENTRY_BROWSER_TIMEOUT", "60\n"),
        ("SILENTRY_PROMPT", " login"),
        ("SILENTRY_MUTUAL_AUTH", "when-offered\t"),
        ("SILENTRY_CACHE_FORMAT", " os "),
        ("SILENTRY_ALLOW_NTLM", " true "),
        ("SILENTRY_NO_BROWSER", "false\n"),
        ("SILENTRY_FORCE_REFRESH", " no"),
        ("SILENTRY_NO_CHANNEL_BINDING", "1 "),
        ("SILENTRY_LANGUAGE", " de-DE "),
        ("SILENTRY_LOG", " warn "),
    ] {
        let mut command = home.silentry(&["token"]);
        found_nothing(command.env(name, value).output().unwrap());
    }
    // The form for failures before anything else is read, and one of other commands.
    let mut command = home.silentry(&["token", "--nonsense"]);
    let output = command.env("SILENTRY_OUTPUT", " json\n").output().unwrap();
    assert_eq!(error(&output)["error"], "usage");
    let mut command = home.silentry(&["accounts", "--cache=x.json"]);
    let output = command.env("SILENTRY_OUTPUT", " header ").output().unwrap();
    assert!(output.status.success());
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
