//! `login`, `accounts`, `logout`: who has signed in.

use serde_json::{Value, json};

use crate::support::{self, Place};

fn usernames(list: &Value) -> Vec<&str> {
    let accounts = list.as_array().unwrap().iter();
    accounts
        .map(|one| one["username"].as_str().unwrap())
        .collect()
}

#[test]
fn a_login_tells_who_it_was_and_no_token() {
    let place = Place::new();
    assert_eq!(
        place.run(&["login"]).ok(),
        "signed in as alice@contoso.test\n"
    );
    let said = place.run(&["login", "--mode=iwa", "-o=json"]);
    assert_eq!(said.stderr, "");
    let text = said.ok();
    assert!(!text.contains("eyJ"), "{text}");
    let login: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(login["username"], "alice@contoso.test");
    assert_eq!(login["flow"], "integrated_windows");
    let accounts = place.run(&["accounts", "-o", "json"]).json();
    let account = &accounts.as_array().unwrap()[0];
    for member in ["username", "home_account_id", "environment"] {
        assert_eq!(account[member], login[member], "{member}");
    }
}

#[test]
fn a_login_without_a_scope_serves_what_is_asked_for_later() {
    let place = Place::new();
    let mut login = place.silentry(&["login", "-o", "json"]);
    login.env_remove("SILENTRY_SCOPE");
    support::Said::from(login.output().unwrap()).ok();
    let mark = place.lab.journal().len();
    let token = place.run(&["token", "--mode=silent", "-o=json"]).json();
    assert_eq!(token["flow"], "silent");
    let scopes = token["scopes"].to_string();
    assert!(
        scopes.contains("https://api.contoso.test/user_impersonation"),
        "{scopes}"
    );
    let stages = place.lab.exchanges();
    let stages: Vec<_> = stages[mark..].iter().map(|one| &*one.stage).collect();
    assert_eq!(stages, ["token"]);
}

#[test]
fn a_login_signs_in_anew() {
    let place = Place::new();
    place.run(&["token"]).ok();
    let mark = place.lab.journal().len();
    place.run(&["login", "--mode=silent,iwa"]).ok();
    assert!(place.lab.journal().len() > mark);
    let error = place.run(&["login", "--mode=silent", "-o=json"]).error(2);
    assert!(error["mitigation"].as_str().unwrap().contains("devicecode"));
    // A machine without a desktop: the browser is tried, and says so.
    let said = place.run_without_ticket(&["login", "-o", "json"]);
    let attempts = said.error(3)["attempts"].clone();
    assert_eq!(attempts[0]["mode"], "iwa");
    assert_eq!(attempts[1]["error"], "no_browser");
}

#[test]
fn accounts_are_listed_for_people_and_programs() {
    let place = Place::new();
    let nobody = place.run(&["accounts"]);
    assert_eq!(nobody.stderr, "nobody has signed in\n");
    assert_eq!(nobody.ok(), "");
    assert_eq!(place.run(&["accounts", "-o", "json"]).json(), json!([]));
    place.login("alice");
    place.login("bob");
    let list = place.run(&["accounts", "-o", "json"]).json();
    assert_eq!(usernames(&list), ["alice@contoso.test", "bob@managed.test"]);
    let table = place.run(&["accounts"]).ok();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[0].starts_with("USERNAME"));
    let column = lines[0].find("CLOUD").unwrap();
    for line in &lines[1..] {
        assert_eq!(&line[column..], "login.microsoftonline.com");
    }
    // Neither a client id nor a ticket is needed.
    let mut bare = place.silentry(&["accounts"]);
    bare.env_remove("SILENTRY_CLIENT_ID")
        .env_remove("SILENTRY_SCOPE");
    assert_eq!(support::Said::from(bare.output().unwrap()).ok(), table);
    let mut other = place.silentry(&["accounts", "-o", "json"]);
    other.args([
        "--authority",
        "https://login.microsoftonline.us/organizations",
    ]);
    assert_eq!(
        support::Said::from(other.output().unwrap()).json(),
        json!([])
    );
}

#[test]
fn a_logout_forgets_whom_it_names_and_is_content_when_nobody_is_left() {
    let place = Place::new();
    for user in ["alice", "bob", "erin"] {
        place.login(user);
    }
    let list = place.run(&["accounts", "-o", "json"]).json();
    let erin = list[2]["home_account_id"].as_str().unwrap();

    // Of several one must be named, and only one way.
    for arguments in [
        &["logout"][..],
        &["logout", "bob@managed.test", "--all"],
        &["logout", "--all", "--account", erin],
    ] {
        assert_eq!(place.run(arguments).code, Some(2), "{arguments:?}");
    }
    assert_eq!(
        place.run(&["logout", "BOB@managed.test"]).ok(),
        "forgot bob@managed.test\n"
    );
    let again = place.run(&["logout", "bob@managed.test"]);
    assert!(
        again.stderr.contains("nothing to forget"),
        "{}",
        again.stderr
    );
    assert_eq!(again.ok(), "");
    let removed = place
        .run(&["logout", "--account", erin, "-o", "json"])
        .json();
    assert_eq!(usernames(&removed["removed"]), ["erin@contoso.test"]);
    let none = place
        .run(&["logout", "--account", erin, "-o", "json"])
        .json();
    assert_eq!(none, json!({ "removed": [] }));

    // The only one needs no name.
    assert_eq!(place.run(&["logout"]).ok(), "forgot alice@contoso.test\n");
    let text = std::fs::read_to_string(place.cache()).unwrap();
    for secret in ["eyJ", "alice", "RefreshToken\":{\""] {
        assert!(!text.contains(secret), "{secret}");
    }
    place.run(&["token", "--mode=silent", "-o=json"]).error(4);
    place.login("alice");
    place.login("bob");
    assert_eq!(place.run(&["logout", "--all"]).ok().lines().count(), 2);
    place.run(&["logout", "--all"]).ok();
}

#[test]
fn a_guest_is_found_by_the_name_that_a_token_tells_and_in_any_case() {
    const GUEST: &str = "alice_contoso.test#EXT#@fabrikam.onmicrosoft.com";
    let place = Place::new();
    place.login("alice");
    let mut cache: Value =
        serde_json::from_str(&std::fs::read_to_string(place.cache()).unwrap()).unwrap();
    let rows = cache["Account"].as_object_mut().unwrap();
    let mut row = rows.values().next().unwrap().clone();
    row["realm"] = "0b2ec4ff-6b1a-4d6b-8a3f-2f0a1b9d7c11".into();
    row["username"] = GUEST.into();
    rows.insert("guest".to_owned(), row);
    for row in rows.values_mut() {
        if row["username"] != GUEST {
            row["username"] = "Ålice@contoso.test".into();
        }
    }
    std::fs::write(place.cache(), cache.to_string()).unwrap();
    for name in [GUEST, "åLICE@contoso.test"] {
        let token = place.run(&["token", "--mode=silent", "--account", name, "-o=json"]);
        assert_eq!(token.json()["from_cache"], true, "{name}");
    }
    let removed = place
        .run(&["logout", &GUEST.to_uppercase(), "-o=json"])
        .json();
    assert_eq!(usernames(&removed["removed"]), ["Ålice@contoso.test"]);
    assert_eq!(place.run(&["accounts", "-o=json"]).json(), json!([]));
}

#[test]
fn a_name_of_several_guests_forgets_none_of_them() {
    const NAMES: [&str; 2] = ["Ålice@contoso.test", "ålice@CONTOSO.test"];
    let place = Place::new();
    let mut rows = serde_json::Map::new();
    for (at, name) in NAMES.into_iter().enumerate() {
        let home = format!("{at}6666666-1111-2222-3333-444444444444.{}", uuid(0));
        for (realm, username) in [
            (uuid(0), format!("user{at}@fabrikam.test")),
            (uuid(1), name.to_owned()),
        ] {
            rows.insert(
                format!("{at} {realm}"),
                json!({"home_account_id": home, "environment": "login.windows.net", "realm": realm,
                    "username": username}),
            );
        }
    }
    std::fs::write(place.cache(), json!({ "Account": rows }).to_string()).unwrap();
    let several = place.run(&["logout", &NAMES[0].to_uppercase(), "-o=json"]);
    assert_eq!(
        several.error(4)["error"],
        "multiple_accounts_for_login_hint"
    );
    let left = place.run(&["accounts", "-o=json"]).json();
    assert_eq!(usernames(&left).len(), 2);
    // The id says which; one of Entra has no case.
    let id = left[1]["home_account_id"].as_str().unwrap().to_uppercase();
    let removed = place.run(&["logout", "--account", &id, "-o=json"]).json();
    assert_eq!(usernames(&removed["removed"]), ["user1@fabrikam.test"]);
    let removed = place.run(&["logout", NAMES[1], "-o=json"]).json();
    assert_eq!(usernames(&removed["removed"]), ["user0@fabrikam.test"]);
    let text = std::fs::read_to_string(place.cache()).unwrap();
    assert!(!text.contains("user"), "{text}");
}

#[test]
fn a_listed_name_has_no_case_in_any_alphabet() {
    let place = Place::new();
    let row = json!({"home_account_id": "u.t", "environment": "login.windows.net", "username": "Ålice@contoso.test"});
    std::fs::write(place.cache(), json!({"Account": {"a": row}}).to_string()).unwrap();
    assert_eq!(
        place.run(&["logout", "åLICE@contoso.test"]).ok(),
        "forgot Ålice@contoso.test\n"
    );
}

fn uuid(digit: u8) -> String {
    format!("{digit}1111111-2222-3333-4444-555555555555")
}

#[test]
fn what_is_forgotten_is_no_longer_the_signed_in_users() {
    let place = Place::new();
    place.run(&["token"]).ok();
    place.run(&["logout"]).ok();
    let silent = place.run(&["token", "--mode=silent", "-o=json"]);
    assert_eq!(silent.error(4)["error"], "no_account_for_login_hint");
}

#[test]
fn without_a_cache_there_is_nobody_to_list() {
    let place = Place::new();
    for command in ["accounts", "logout"] {
        let none = place.run(&[command, "--cache=none", "-o=json"]);
        assert_eq!(none.error(2)["error"], "usage");
        let default = place.run(&[command, "--cache=default", "-o=json"]);
        assert_eq!(default.error(1)["error"], "token_cache_failed");
    }
}
