//! How values are read.

use super::*;

#[test]
fn a_tilde_is_the_home_in_the_file_in_variables_and_behind_an_equals_sign() {
    let home = Home::of("cache = \"~/kept/tokens.json\"\n");
    let accounts = ["accounts", "-o", "json"];
    let mut command = home.silentry(&accounts);
    assert_eq!(command.output().unwrap().stdout, b"[]\n");
    // A file that is not a cache is refused, which shows that it was opened.
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
        "force-refresh = true\nallow-ntlm = true\nno-channel-binding = true\nno-seamless-sso = true\n",
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
        &[
            "--no-allow-ntlm",
            "--channel-binding",
            "--seamless-sso",
            "--force-refresh=no",
        ],
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
