//! What the command says before any network.

use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// The command with nothing of this machine's in it: no settings, no proxy, no ticket.
pub(crate) fn silentry() -> Command {
    let mut command = Command::cargo_bin("silentry").unwrap();
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("KRB5CCNAME", "FILE:/nonexistent/ccache");
    command
}

fn run(arguments: &[&str]) -> Output {
    silentry().args(arguments).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const APP: [&str; 5] = [
    "token",
    "--client-id=11111111-2222-3333-4444-555555555555",
    "--scope=https://graph.microsoft.com/User.Read",
    "-o",
    "json",
];

#[test]
fn help_shows_an_example_first() {
    for arguments in [
        &["--help"][..],
        &["token", "--help"],
        &["login", "--help"],
        &["accounts", "--help"],
        &["logout", "--help"],
        &["inspect", "--help"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        let help = text(&output.stdout);
        assert!(help.starts_with("Examples:\n  silentry "), "{help}");
        let examples: Vec<_> = help
            .lines()
            .skip(1)
            .take_while(|line| !line.is_empty())
            .collect();
        for line in &examples {
            assert!(line.chars().count() <= 80, "{line}");
        }
        // As they are pasted.
        #[cfg(unix)]
        {
            let mut shell = std::process::Command::new("sh");
            let read = shell.arg("-nc").arg(examples.join("\n")).output().unwrap();
            assert!(read.status.success(), "{}", text(&read.stderr));
        }
    }
}

#[test]
fn nothing_to_do_is_a_usage_error() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn what_is_missing_is_named_with_its_three_places() {
    let output = run(&["token"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    // All of it at once.
    for word in [
        "--client-id",
        "--scope",
        "SILENTRY_CLIENT_ID",
        "SILENTRY_SCOPE",
        "config file",
    ] {
        assert!(said.contains(word), "{said}");
    }
    let output = run(&["login", "--mode", "password"]);
    let said = text(&output.stderr);
    assert!(said.contains("--client-id and --username"), "{said}");
    let said = text(&run(&["token", "--mode", "password"]).stderr);
    assert!(
        said.contains("--client-id, --scope and --username"),
        "{said}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_failure_is_one_json_object_on_stderr() {
    for arguments in [
        &["token", "-o", "json"][..],
        &["token", "-o", "json", "--nonsense"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        for member in ["error", "message", "mitigation", "stage"] {
            assert!(
                said[member].as_str().is_some_and(|text| !text.is_empty()),
                "{said}"
            );
        }
        assert!(said["correlation_id"].is_null());
        assert!(said["aadsts"].as_array().unwrap().is_empty());
    }
}

/// Returns the error object of a run with usage that cannot be.
fn refused(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    serde_json::from_slice(&output.stderr).unwrap()
}

#[test]
fn what_is_no_ladder_is_refused_with_the_choices() {
    for mode in ["broker", "", "iwa,", "silent,silent", "silent iwa"] {
        let said = refused(&[&APP[..], &["--mode", mode]].concat());
        let message = said["message"].as_str().unwrap();
        assert!(
            message.contains("silent, iwa, devicecode, web, password"),
            "{said}"
        );
    }
    let output = silentry()
        .args(APP)
        .env("SILENTRY_MODE", "wam")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let contradictions: [&[&str]; 9] = [
        // The ticket gives nobody else's token.
        &["--account", "x.y", "--mode", "silent,iwa"],
        // Nobody is named whose password it is.
        &["--mode", "password", "--password-stdin"],
        // A password that nothing has a use for.
        &["--mode", "silent,iwa", "--password-stdin"],
        &["--password-fd", "3"],
        &[
            "--password-stdin",
            "--password-fd",
            "3",
            "--mode",
            "password",
        ],
        &["--port", "0"],
        &["--prompt", "please"],
        &["--language", "de_DE.UTF-8"],
        &["--cache-format", "encrypted", "--cache", "x"],
    ];
    for arguments in contradictions {
        if cfg!(unix) || !arguments.contains(&"--password-fd") {
            refused(&[&APP[..], arguments].concat());
        }
    }
}

#[test]
fn a_wrong_argument_steers_no_terminal() {
    for wrong in [
        "\u{9b}31mx",
        "a\u{202e}b",
        "\u{1b}]0;x\u{7}",
        &"x".repeat(100_000),
    ] {
        for arguments in [
            &["token", "--port", wrong][..],
            &["token", "--prompt", wrong],
            &["token", "--port", wrong, "-ojson"],
            &["token", &format!("--{wrong}")],
            &["token", wrong],
            &["accounts", "--output", wrong],
            &["logout", "one", wrong],
            &[wrong],
        ] {
            let output = run(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            let said = text(&output.stderr);
            let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
            assert!(!said.contains(steers), "{said:?}");
            assert!(said.len() < 5000, "{} bytes", said.len());
        }
        let output = silentry().arg("token").env("SILENTRY_PORT", wrong).output();
        let said = text(&output.unwrap().stderr);
        assert!(!said.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{said:?}");
    }
}

/// `--username "$NAME"` of a script where the variable is not set.
#[test]
fn a_flag_without_a_value_is_refused() {
    for flag in [
        "--username",
        "--account",
        "--tenant",
        "--client-id",
        "--login-hint",
        "--claims",
    ] {
        for value in ["", "  "] {
            let said = refused(&["token", "--mode=silent", flag, value, "-ojson"]);
            assert_eq!(said["message"], format!("{flag} is empty"));
        }
    }
    for arguments in [
        &["logout", ""][..],
        &["logout", " "],
        &["logout", "--account", ""],
        &["logout", "--account", " "],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2));
    }
}

/// A token on the command line is a mistake, and an error text ends in logs.
#[test]
fn a_token_as_an_argument_is_not_repeated() {
    let token = format!("eyJ{}.eyJ{}.x", "a".repeat(40), "b".repeat(40));
    let with_equals = format!("--cache-format={token}");
    for arguments in [
        &["inspect", &token][..],
        &["inspect", "error", "-", &token],
        &[&token],
        &["token", &token],
        &["token", "--mode", &token],
        &["token", "--port", &token],
        &["accounts", &with_equals],
        &["token", &token, "-ojson"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(!said.contains("eyJ"), "{said}");
    }
}

#[test]
fn a_password_has_no_place_where_others_can_see_it() {
    let hunter = "hunter2";
    for given in [
        "--password hunter2",
        "--password=hunter2",
        "--password-stdin=hunter2",
        "--password-fd hunter2",
        "--password-fd=hunter2 -ojson",
    ] {
        let given: Vec<_> = given.split(' ').collect();
        let output = run(&[&APP[..], &given].concat());
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(!said.contains(hunter), "{said}");
    }
    let output = silentry()
        .args(APP)
        .args(["--mode=password", "--username=ana@contoso.com"])
        .env("SILENTRY_PASSWORD", hunter)
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"], "password_required");
    for (command, setting) in [("token", "password"), ("login", "password-stdin")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, format!("{setting} = \"{hunter}\"\n")).unwrap();
        let output = silentry()
            .args([command, "--config"])
            .arg(&file)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn tenants_that_cannot_do_it_are_refused_before_any_network() {
    for authority in [
        "common",
        "consumers",
        "9188040d-6c67-4c5b-b112-36a304b66dad",
    ] {
        let output = silentry()
            .args(APP)
            .arg(format!("--authority=https://login.microsoftonline.com/{authority}"))
            // A connection would end here, with another code.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(said["error"], "missing_tenanted_authority");
        assert_eq!(said["aadsts"], serde_json::json!([90010]));
        assert!(
            said["mitigation"]
                .as_str()
                .unwrap()
                .contains("/organizations")
        );
    }
}

#[test]
fn personal_accounts_are_refused_before_any_network() {
    let output = silentry()
        .args(APP)
        .arg("--username=ana@outlook.com")
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(5));
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"], "ropc_not_supported_for_msa");
}

#[test]
fn settings_come_from_line_environment_and_file_in_that_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(
        &file,
        "client-id = \"x\"\nscope = [\"a/.default\"]\ntenant = \"common\"\n",
    )
    .unwrap();
    let code = |command: &mut Command| {
        let output = command
            .args(["token", "-o", "json", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        said["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(code(&mut silentry()), "missing_tenanted_authority");
    assert_eq!(
        code(silentry().env("SILENTRY_TENANT", "no tenant")),
        "invalid_authority"
    );
    let mut both = silentry();
    both.env("SILENTRY_TENANT", "no tenant")
        .args(["token", "--tenant", "consumers"]);
    let output = both
        .args(["-o", "json", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"], "missing_tenanted_authority");
}

#[test]
fn a_config_file_that_cannot_be_read_says_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "client-id = \"x\"\npassword = \"hunter2\"\n").unwrap();
    let output = silentry()
        .args(["token", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("config.toml") && said.contains("password"),
        "{said}"
    );
    let output = silentry()
        .args(["token", "--config", "/nonexistent/config.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn flags_without_a_value_can_stand_in_the_environment() {
    for (value, code) in [
        ("1", "missing_tenanted_authority"),
        ("false", "missing_tenanted_authority"),
    ] {
        let output = silentry()
            .args(APP)
            .args(["--tenant", "common"])
            .env("SILENTRY_NO_CHANNEL_BINDING", value)
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(said["error"], code);
    }
}

#[cfg(unix)]
#[test]
fn arguments_that_are_no_unicode_are_a_usage_error() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let output = silentry()
        .args(["token", "-o", "json", "--tenant"])
        .arg(OsStr::from_bytes(b"\xff"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(said["error"], "usage");
}

#[test]
fn a_config_file_is_read_however_windows_saved_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = "client-id = \"x\"\r\nscope = [\"a/.default\"]\r\ntenant = \"common\"\r\n";
    let utf16 = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [format!("\u{feff}{text}").into_bytes(), utf16] {
        std::fs::write(&file, bytes).unwrap();
        let output = silentry()
            .args(["token", "-o", "json", "--config"])
            .arg(&file)
            .output()
            .unwrap();
        let said: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(said["error"], "missing_tenanted_authority");
    }
}

/// The signal of a limit on the size of files ends nothing.
#[cfg(unix)]
#[test]
fn a_limit_of_the_size_of_files_is_an_error_and_no_signal() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::write(
        folder.path().join("reply"),
        "<t:RequestSecurityTokenResponse xmlns:t='http://schemas.xmlsoap.org/ws/2005/02/trust'>\
         <t:RequestedSecurityToken><a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'/>\
         </t:RequestedSecurityToken></t:RequestSecurityTokenResponse>",
    )
    .unwrap();
    for (arguments, code) in [
        ("inspect wstrust reply --assertion-out out", Some(1)),
        ("--no-such-flag 2>usage", Some(2)),
        ("token 2>missing", Some(2)),
    ] {
        let program = assert_cmd::cargo::cargo_bin("silentry");
        let line = format!("ulimit -f 0; {} {arguments}", program.display());
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", &line]).current_dir(folder.path());
        let ended = shell.output().unwrap();
        assert_eq!(
            ended.status.code(),
            code,
            "{arguments}: {}",
            text(&ended.stderr)
        );
    }
    assert!(!out.exists());
    let left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(left.count(), 3, "a piece of the assertion stays");
}
