//! What people are told when there is no token: once, in words that can be followed.

use serde_json::Value;

use crate::support::Place;

/// Controls, and what reorders or hides text.
fn could_steer(c: char) -> bool {
    c != '\n' && silentry::text::is_invisible(c)
}

#[test]
fn what_needs_the_user_ends_with_the_line_that_cures_it() {
    let place = Place::of("mfa");
    let error = place
        .run(&["token", "--mode", "iwa", "-o", "json"])
        .error(3);
    let claims = error["claims"].as_str().unwrap();
    let line = format!("silentry login --mode web --claims '{claims}'");
    assert_eq!(error["command"], line);
    let text = place.run(&["token", "--mode", "iwa"]).stderr;
    assert!(text.contains(&format!("\n      {line}\n")), "{text}");
    // What the command line said is said again, what the environment says is not.
    let scope = "https://graph.microsoft.com/.default";
    let other = ["token", "-o", "json", "--scope", scope, "--cache", "none"];
    let error = place.run(&other).error(3);
    let line =
        format!("silentry token --mode web --scope {scope} --cache none --claims '{claims}'");
    assert_eq!(error["command"], line);
}

#[test]
fn a_ladder_tells_each_error_once() {
    let place = Place::new();
    let arguments = ["token", "--mode", "silent,iwa", "-o", "json"];
    let error = place.run_without_ticket(&arguments).error(4);
    let text = place.run_without_ticket(&arguments[..3]).stderr;
    for attempt in error["attempts"].as_array().unwrap() {
        let message = attempt["message"].as_str().unwrap();
        assert_eq!(text.matches(message).count(), 1, "{text}");
    }
}

#[test]
fn whoever_is_throttled_is_told_for_how_long_and_until_when() {
    let place = Place::of("token-429");
    let arguments = ["token", "--mode", "iwa", "-o", "json"];
    let error = place.run(&arguments).error(7);
    assert_eq!(error["retry_after"], 60);
    let until = error["retry_at"].as_str().unwrap();
    assert!(until.contains('T') && until.ends_with('Z'), "{until}");
    assert!(
        error["message"].as_str().unwrap().contains("60 s"),
        "{error}"
    );
    let text = place.run(&arguments[..3]).stderr;
    assert!(text.contains("The next try is due at 20"), "{text}");
}

/// `script` runs the command on a terminal of its own (util-linux, which every Debian has).
#[cfg(target_os = "linux")]
#[test]
fn what_is_told_fits_the_terminal() {
    let place = Place::of("extranet-mex");
    let silentry = place.silentry(&["token"]);
    let program = silentry.get_program().to_string_lossy().into_owned();
    let mut terminal = std::process::Command::new("script");
    let line = format!("stty rows 24 cols 50; {program} token --mode silent,iwa");
    terminal.args(["-qec", &line, "/dev/null"]);
    for (name, value) in silentry.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    let output = terminal
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    assert!(
        told.contains("\nhint: Connect to the corporate network"),
        "{told}"
    );
    for line in told.lines() {
        let has_blank = line
            .trim_start()
            .trim_start_matches(['(', ')'])
            .contains(' ');
        assert!(
            line.chars().count() <= 50 || !has_blank,
            "{line:?} in {told}"
        );
    }
}

fn refused(place: &Place, arguments: &[&str], code: i32) -> Value {
    let arguments = [&["token", "-o", "json", "--cache", "none"], arguments].concat();
    place.run(&arguments).error(code)
}

#[test]
fn a_mistyped_tenant_is_told_as_one() {
    let place = Place::new();
    let error = refused(&place, &["--mode", "iwa", "--tenant", "contso.test"], 4);
    let advice = error["mitigation"].as_str().unwrap();
    assert!(
        advice.contains("`contso.test`") && advice.contains("--tenant"),
        "{advice}"
    );
    assert!(!advice.contains("AppContainer"), "{advice}");
}

#[test]
fn a_resource_without_a_permission_gets_default_suggested() {
    let place = Place::new();
    let scope = ["--mode", "iwa", "--scope", "https://graph.microsoft.com"];
    let error = refused(&place, &scope, 7);
    let advice = error["mitigation"].as_str().unwrap();
    assert!(
        advice.contains("`https://graph.microsoft.com/.default`"),
        "{error}"
    );
}

#[test]
fn the_device_code_endpoint_is_a_stage_of_its_own() {
    let place = Place::new();
    let unknown = [
        "--mode",
        "devicecode",
        "--client-id",
        "00000000-0000-0000-0000-000000000001",
    ];
    let error = refused(&place, &unknown, 7);
    assert_eq!(error["stage"], "devicecode", "{error}");
}

#[test]
fn a_declined_code_is_no_expired_code() {
    let place = Place::of("device-declined");
    let error = refused(&place, &["--mode", "devicecode"], 3);
    let advice = error["mitigation"].as_str().unwrap();
    assert!(
        advice.contains("declined") && !advice.contains("no longer good"),
        "{advice}"
    );
}

#[test]
fn claims_are_taken_as_an_api_sends_them() {
    let place = Place::new();
    // `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`, as WWW-Authenticate has it.
    let claims = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ==";
    place
        .run(&["token", "--mode", "iwa", "--claims", claims])
        .ok();
    let error = refused(&place, &["--mode", "iwa", "--claims", "bm9uZQ=="], 2);
    assert_eq!(error["error"], "invalid_json_claims_format");
}

#[test]
fn names_in_a_cache_steer_no_terminal() {
    let place = Place::new();
    place.run(&["token"]).ok();
    let text = std::fs::read_to_string(place.cache()).unwrap();
    let hostile = r"al\u001b[2J\u009b31m\u202eice@contoso.test";
    let text = text.replace("\"alice@contoso.test\"", &format!("\"{hostile}\""));
    std::fs::write(place.cache(), text).unwrap();
    for output in ["text", "json"] {
        let shown = place.run(&["accounts", "-o", output]).ok();
        assert!(!shown.contains(could_steer), "{shown:?}");
        assert!(shown.contains("ice@contoso.test"), "{shown:?}");
    }
}

#[test]
fn a_token_of_a_cache_that_is_none_is_not_given_out() {
    let place = Place::new();
    let token = place.run(&["token"]).ok();
    let text = std::fs::read_to_string(place.cache()).unwrap();
    let text = text.replace(token.trim(), &format!("{}\\r\\nX-Evil: 1", token.trim()));
    std::fs::write(place.cache(), text).unwrap();
    let header = place.run(&["token", "-o", "header"]).ok();
    assert_eq!(header.lines().count(), 1, "{header:?}");
}
