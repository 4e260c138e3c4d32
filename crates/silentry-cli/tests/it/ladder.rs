//! The ladder of `silentry token`, and the token cache that it begins with.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{self, Place};

const JSON: [&str; 3] = ["token", "-o", "json"];
const SILENT: [&str; 5] = ["token", "-o", "json", "--mode", "silent"];

fn with(arguments: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    [arguments, more].concat()
}

fn modes(error: &Value) -> Vec<&str> {
    let attempts = error["attempts"].as_array().unwrap().iter();
    attempts.map(|one| one["mode"].as_str().unwrap()).collect()
}

#[test]
fn a_second_process_finds_the_token_without_any_network() {
    let place = Place::new();
    let first = place.run(&JSON).json();
    assert_eq!(first["flow"], "integrated_windows");
    assert_eq!(first["from_cache"], false);
    let asked = place.lab.journal().len();
    for mode in ["silent", "silent,iwa"] {
        let mut command = place.silentry(&with(&JSON, &["--mode", mode]));
        // A connection would end here.
        command.env("https_proxy", "http://127.0.0.1:1");
        let second = support::Said::from(command.output().unwrap());
        assert_eq!(second.stderr, "");
        let second = second.json();
        assert_eq!(second["access_token"], first["access_token"]);
        assert_eq!(second["flow"], "silent");
        assert_eq!(second["from_cache"], true);
        assert_eq!(second["username"], "alice@contoso.test");
    }
    assert_eq!(place.lab.journal().len(), asked);
}

#[test]
fn the_file_is_the_msals_and_its_owners_alone() {
    let place = Place::new();
    place.run(&["token"]).ok();
    let text = std::fs::read(place.cache()).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    for root in ["AccessToken", "RefreshToken", "IdToken", "Account"] {
        assert_eq!(document[root].as_object().unwrap().len(), 1, "{root}");
    }
    let mode = place.cache().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn nobody_gets_the_token_of_another_ticket() {
    let place = Place::new();
    place.run(&["token"]).ok();
    let mut foreign = vec![place.run_without_ticket(&SILENT)];
    foreign.push(place.run_as("erin@contoso.test", &SILENT));
    let erins = place.lab.ccache("erin@contoso.test").unwrap();
    let erins = format!("--ccache=FILE:{}", erins.display());
    let chosen: Vec<&str> = SILENT.into_iter().chain([&*erins]).collect();
    foreign.push(place.run(&chosen));
    for said in foreign {
        assert_eq!(said.error(4)["error"], "no_account_for_login_hint");
    }
    // Who names the account means it.
    let named = with(&SILENT, &["--username", "Alice@contoso.test"]);
    let token = place.run_as("erin@contoso.test", &named).json();
    assert_eq!(token["username"], "alice@contoso.test");
    // Before the ticket too; a hint chooses nothing.
    let before_iwa = with(&JSON, &["--username", "alice@contoso.test"]);
    let token = place.run_without_ticket(&before_iwa).json();
    assert_eq!(token["username"], "alice@contoso.test");
    let hint = with(&JSON, &["--login-hint", "alice@contoso.test"]);
    let said = place.run_without_ticket(&hint);
    assert_eq!(modes(&said.error(4)), ["silent", "iwa"]);
}

#[test]
fn who_signed_in_by_hand_is_found_while_there_is_no_doubt() {
    let place = Place::new();
    assert_eq!(
        place.run(&SILENT).error(4)["error"],
        "no_account_for_login_hint"
    );
    place.login("bob");
    for said in [place.run_without_ticket(&SILENT), place.run(&SILENT)] {
        assert_eq!(said.json()["username"], "bob@managed.test");
    }
    // Nor does a chosen ticket lead to an account by hand.
    let alices = place.lab.ccache("alice@contoso.test").unwrap();
    let alices = format!("--ccache=FILE:{}", alices.display());
    let chosen: Vec<&str> = SILENT.into_iter().chain([&*alices]).collect();
    place.run(&chosen).error(4);

    place.login("alice");
    let said = place.run_without_ticket(&SILENT);
    assert_eq!(said.error(4)["error"], "multiple_accounts_for_login_hint");
    let named = with(&SILENT, &["--username", "bob@managed.test"]);
    let bob = place.run_without_ticket(&named).json();
    let id = bob["home_account_id"].as_str().unwrap().to_owned();
    let by_id = ["token", "-o", "json", "--account", &id];
    assert_eq!(place.run(&by_id).json()["username"], "bob@managed.test");
    let unknown = with(&JSON, &["--account", "nobody"]);
    assert_eq!(modes(&place.run(&unknown).error(4)), ["silent"]);
}

#[test]
fn a_new_token_can_be_forced() {
    let place = Place::new();
    let first = place.run(&JSON).json();
    let mark = place.lab.journal().len();
    let forced = place.run(&with(&SILENT, &["--force-refresh"])).json();
    assert_eq!(forced["from_cache"], false);
    assert_eq!(forced["flow"], "silent");
    assert_ne!(forced["access_token"], first["access_token"]);
    let asked = place.lab.exchanges();
    let stages: Vec<_> = asked[mark..].iter().map(|one| &*one.stage).collect();
    assert_eq!(stages, ["token"]);
    // Entra cannot be reached for it.
    let mut command = place.silentry(&with(&SILENT, &["--force-refresh"]));
    command.env("https_proxy", "http://127.0.0.1:1");
    support::Said::from(command.output().unwrap()).error(6);
}

#[test]
fn the_ticket_alone_signs_in_anew() {
    let place = Place::new();
    let iwa = with(&JSON, &["--mode", "iwa"]);
    let first = place.run(&iwa).json();
    for again in [iwa, with(&JSON, &["--mode", "iwa,silent"])] {
        let again = place.run(&again).json();
        assert_eq!(again["from_cache"], false);
        assert_ne!(again["access_token"], first["access_token"]);
    }
}

#[test]
fn every_attempt_is_told() {
    let place = Place::of("managed-user");
    let user = place.lab.user().upn;
    let arguments = ["token", "--username", user];
    let json: Vec<_> = arguments.into_iter().chain(["-o", "json"]).collect();
    let error = place.run(&json).error(5);
    assert_eq!(modes(&error), ["silent", "iwa"]);
    let attempts = error["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["error"], "no_account_for_login_hint");
    assert_eq!(attempts[1]["error"], error["error"]);
    assert_eq!(attempts[1]["message"], error["message"]);
    let text = place.run(&arguments).stderr;
    for word in ["tried:", "  silent", "  iwa", "no_account_for_login_hint"] {
        assert!(text.contains(word), "{text}");
    }
    // One way alone is told once.
    let alone = ["token", "--mode", "iwa", "--username", user];
    assert!(!place.run(&alone).stderr.contains("tried:"));
}

#[test]
fn a_ladder_has_the_order_that_it_is_given() {
    let place = Place::of("managed-user");
    let user = place.lab.user();
    let arguments = |mode| {
        let arguments = ["token", "-o", "json", "--password-stdin", "--mode", mode];
        let arguments = arguments.into_iter().chain(["--username", user.upn]);
        arguments.collect::<Vec<_>>()
    };
    let password = user.password.as_bytes();
    let last = place.run_with(&arguments("silent,iwa,password"), password);
    assert_eq!(last.json()["flow"], "username_password");
    // The cache, which now has a token, is not asked before.
    let first = place.run_with(&arguments("password,silent"), password);
    assert_eq!(first.json()["flow"], "username_password");
    let second = place.run_with(&arguments("silent,password"), password);
    assert_eq!(second.json()["flow"], "silent");
}

#[test]
fn a_damaged_cache_is_set_aside() {
    let place = Place::new();
    std::fs::write(place.cache(), "{ \"AccessToken\": ").unwrap();
    let said = place.run(&["token"]);
    assert!(said.stderr.contains("set aside"), "{}", said.stderr);
    assert_eq!(said.ok().matches('.').count(), 2);
    let names = std::fs::read_dir(place.folder.path()).unwrap();
    let names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let aside = |name: &String| name.starts_with("tokens.json.damaged-");
    assert!(names.iter().any(aside), "{names:?}");
    place.run(&SILENT).json();
}

#[test]
fn nothing_is_kept_where_nothing_is_wanted_or_possible() {
    let place = Place::new();
    for cache in ["none", "default"] {
        let said = place.run(&["token", "--cache", cache]);
        assert_eq!(said.stderr, "", "{cache}");
        said.ok();
        let again = place.run(&with(&SILENT, &["--cache", cache]));
        again.error(4);
        let login = place.run(&with(
            &["login", "--mode=iwa", "-o", "json"],
            &["--cache", cache],
        ));
        let error = login.error(if cache == "none" { 2 } else { 1 });
        assert!(error["mitigation"].as_str().unwrap().contains("--cache"));
    }
    let told = place.run(&["token", "--cache", "default", "-v"]);
    assert!(told.stderr.contains("no token is kept"), "{}", told.stderr);
    assert!(!place.cache().exists());
}

/// In memory, and this user's alone: what `$XDG_RUNTIME_DIR` is on a real system.
#[cfg(target_os = "linux")]
#[test]
fn the_default_cache_is_in_memory_where_there_is_no_keyring() {
    let place = Place::new();
    let folder = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in("/dev/shm")
        .unwrap();
    let run = |arguments: &[&str]| {
        let mut command = place.silentry(arguments);
        command
            .env("XDG_RUNTIME_DIR", folder.path())
            .env_remove("SILENTRY_CACHE");
        support::Said::from(command.output().unwrap())
    };
    let first = run(&JSON).json();
    let second = run(&SILENT).json();
    assert_eq!(first["access_token"], second["access_token"]);
    assert!(folder.path().join("silentry/tokens.cache").exists());
}

#[test]
fn a_cache_that_cannot_be_used_is_no_obstacle_to_the_ticket() {
    let place = Place::new();
    let cache = format!("--cache={}", place.folder.path().display());
    let said = place.run(&["token", &cache]);
    assert!(said.stderr.contains("could not be kept"), "{}", said.stderr);
    said.ok();
    let silent = place.run(&["token", "-o", "json", "--mode=silent", &cache]);
    assert_eq!(silent.error(1)["error"], "token_cache_failed");
    let login = place.run(&["login", "--mode=iwa", "-o", "json", &cache]);
    assert_eq!(login.error(1)["error"], "token_cache_failed");
}

#[test]
fn a_config_file_may_say_all_of_it() {
    let place = Place::new();
    let file = place.folder.path().join("config.toml");
    let cache = place.folder.path().join("elsewhere.json");
    let text = format!(
        "mode = \"silent,iwa\"\ncache = '{}'\ncache-format = \"plain\"\n",
        cache.display()
    );
    std::fs::write(&file, text).unwrap();
    let run = |command: &str| {
        let mut command = place.silentry(&[command, "--config"]);
        command.arg(&file).env_remove("SILENTRY_CACHE");
        support::Said::from(command.output().unwrap())
    };
    run("token").ok();
    assert!(cache.exists());
    assert!(run("accounts").ok().contains("alice@contoso.test"));
    // A login leaves the cache of the mode out.
    assert_eq!(run("login").ok(), "signed in as alice@contoso.test\n");
}
