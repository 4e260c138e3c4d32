//! `--username` binds, `--login-hint` leads, and without a name the ticket's user comes first.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use silentry_lab::{CLIENT_ID, Person, TENANT_ID, user};

use crate::support::{Place, Said};

const ALICE: &str = "alice@contoso.test";
const BOB: &str = "bob@managed.test";
const CAROL: &str = "carol@contoso.test";
const ERIN: &str = "erin@contoso.test";
/// The principal of alice's ticket.
const PRINCIPAL: &str = "alice@CORP.CONTOSO.TEST";

/// Which ticket there is.
const TICKETS: [Option<&str>; 3] = [Some(ALICE), Some(ERIN), None];

fn token(place: &Place, ticket: Option<&str>, arguments: &[&str]) -> Said {
    let arguments = [&["token", "-o", "json"][..], arguments].concat();
    match ticket {
        Some(user) => place.run_as(user, &arguments),
        None => place.run_without_ticket(&arguments),
    }
}

fn username(said: Said) -> String {
    said.json()["username"].as_str().unwrap().to_owned()
}

/// The error, which names both.
#[track_caller]
fn is_mismatch(said: &Said, names: [&str; 2]) -> Value {
    let error = said.error(3);
    assert_eq!(error["error"], "user_mismatch");
    let message = error["message"].as_str().unwrap();
    assert!(names.iter().all(|name| message.contains(name)), "{message}");
    assert!(
        error["mitigation"]
            .as_str()
            .unwrap()
            .contains("--login-hint")
    );
    error
}

fn nothing_is_kept(place: &Place) {
    assert_eq!(place.run(&["accounts", "-o", "json"]).json(), json!([]));
}

#[test]
fn a_ticket_gives_no_token_to_somebody_else() {
    for mode in ["silent,iwa", "iwa"] {
        let place = Place::new();
        for (name, is_theirs) in [
            (CAROL, false),
            ("erin@contoso.test", false),
            ("alice.archer@contoso.test", false),
            (ALICE, true),
            ("ALICE@Contoso.Test", true),
            (PRINCIPAL, true),
            ("alice@corp.contoso.test", true),
        ] {
            let said = token(&place, Some(ALICE), &["--mode", mode, "--username", name]);
            if is_theirs {
                assert_eq!(username(said), ALICE, "{mode} {name}");
            } else {
                // From the first to the last.
                is_mismatch(&said, [ALICE, name]);
                nothing_is_kept(&place);
            }
        }
        // What is in the cache by now does not help.
        let said = token(&place, Some(ALICE), &["--mode", mode, "--username", CAROL]);
        is_mismatch(&said, [ALICE, CAROL]);
    }
}

/// Who is named may be found by a way that comes later.
#[test]
fn a_ladder_goes_on_to_the_user_who_is_named() {
    let place = Place::new();
    place.login("bob");
    let modes = ["--mode", "iwa,silent", "--login-hint", ALICE];
    let named = |name| {
        token(
            &place,
            Some(ALICE),
            &[&modes[..], &["--username", name]].concat(),
        )
    };
    assert_eq!(username(named(BOB)), BOB);
    let error = named(CAROL).error(4);
    assert_eq!(error["attempts"][0]["error"], "user_mismatch");
    assert_eq!(error["attempts"][1]["error"], "no_account_for_login_hint");
}

#[test]
fn a_login_hint_only_leads() {
    let place = Place::new();
    let hint = |hint| token(&place, Some(ALICE), &["--login-hint", hint]);
    assert_eq!(username(hint(CAROL)), ALICE);
    assert_eq!(
        username(hint(BOB)),
        ALICE,
        "from the cache, where nothing leads"
    );
    let iwa = ["--mode", "iwa", "--login-hint", BOB, "--username", ALICE];
    let error = token(&place, Some(ALICE), &iwa).error(5);
    assert_eq!(
        error["error"],
        "integrated_windows_auth_not_supported_managed_user"
    );
    let mut command = place.silentry(&["token", "-o", "json"]);
    command.env("SILENTRY_LOGIN_HINT", CAROL);
    assert_eq!(username(command.output().unwrap().into()), ALICE);
    let file = place.folder.path().join("config.toml");
    std::fs::write(&file, format!("login-hint = \"{CAROL}\"\nmode = \"iwa\"\n")).unwrap();
    let file = file.display().to_string();
    assert_eq!(
        username(token(&place, Some(ALICE), &["--config", &file])),
        ALICE
    );
}

#[test]
fn the_cache_is_searched_for_the_user_who_is_named() {
    let place = Place::new();
    place.run(&["token"]).ok();
    place.login("bob");
    let asked = place.lab.journal().len();
    for ticket in TICKETS {
        for mode in ["silent,iwa", "silent", "silent,devicecode", "silent,web"] {
            for (name, upn) in [
                (BOB, BOB),
                ("Bob@MANAGED.test", BOB),
                (ALICE, ALICE),
                (PRINCIPAL, ALICE),
            ] {
                let said = token(&place, ticket, &["--mode", mode, "--username", name]);
                let token = said.json();
                assert_eq!(token["username"], upn, "{ticket:?} {mode} {name}");
                assert_eq!(token["from_cache"], true);
            }
        }
        let said = token(&place, ticket, &["--mode", "silent", "--username", CAROL]);
        assert_eq!(said.error(4)["error"], "no_account_for_login_hint");
    }
    assert_eq!(place.lab.journal().len(), asked);
    // An account and a name that is not the account's.
    let bob = token(&place, None, &["--username", BOB]).json();
    let id = bob["home_account_id"].as_str().unwrap();
    let said = token(&place, None, &["--account", id, "--username", ALICE]);
    is_mismatch(&said, [ALICE, BOB]);
    let said = token(
        &place,
        None,
        &["--account", id, "--username", "Bob@managed.test"],
    );
    assert_eq!(username(said), BOB);
}

#[test]
fn who_signs_in_by_hand_is_the_user_who_is_named() {
    let place = Place::new();
    for command in ["token", "login"] {
        for (name, who, is_theirs) in [
            (CAROL, "alice", false),
            ("Carol@contoso.test", "carol", true),
        ] {
            let mode = match command {
                "token" => "silent,devicecode,web",
                _ => "devicecode,web",
            };
            let arguments = [command, "-o", "json", "--mode", mode, "--username", name];
            let person = Person::new(user(who).unwrap());
            let said = place.with_device_code(&arguments, person);
            if is_theirs {
                assert_eq!(username(said), CAROL);
            } else {
                is_mismatch(&said, [ALICE, name]);
                nothing_is_kept(&place);
            }
        }
        place.run(&["logout", "--all"]).ok();
    }
}

#[test]
fn after_a_login_no_ticket_is_asked_for() {
    let place = Place::new();
    let login = ["login", "-o", "json", "--mode", "devicecode"];
    place
        .with_device_code(&login, Person::new(user("carol").unwrap()))
        .ok();
    for arguments in [&["--username", CAROL][..], &[]] {
        assert_eq!(username(token(&place, None, arguments)), CAROL);
    }
    // With a ticket its user comes first, unless somebody else is named.
    assert_eq!(
        username(token(&place, Some(ALICE), &["--username", CAROL])),
        CAROL
    );
    assert_eq!(username(token(&place, Some(ALICE), &[])), ALICE);
}

#[test]
fn a_service_whose_ticket_has_ended_does_not_become_who_signed_in_by_hand() {
    let place = Place::new();
    place.login("bob");
    assert_eq!(username(token(&place, None, &[])), BOB);
    assert_eq!(username(token(&place, Some(ALICE), &[])), ALICE);
    let is_nobody = || {
        for arguments in [&[][..], &["--mode", "silent"]] {
            let error = token(&place, None, arguments).error(4);
            assert_eq!(error["attempts"][0]["mode"], "silent");
        }
    };
    is_nobody();
    // Nor when the account of the ticket is gone.
    place.run(&["logout", ALICE]).ok();
    is_nobody();
    let bob = token(&place, None, &["--username", BOB]).json();
    let id = bob["home_account_id"].as_str().unwrap();
    assert_eq!(username(token(&place, None, &["--account", id])), BOB);
}

/// A cache that another program wrote, with a token that is good for an hour.
fn cache_of(file: &Path, id_claims: &Value, row_username: &str) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let home = format!("66666666-1111-2222-3333-444444444444.{TENANT_ID}");
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(id_claims).unwrap());
    let common = json!({
        "home_account_id": home, "environment": "login.microsoftonline.com",
        "realm": TENANT_ID, "client_id": CLIENT_ID,
    });
    let row = |more: Value| {
        let mut row = common.as_object().unwrap().clone();
        row.extend(more.as_object().unwrap().clone());
        json!({ "row": row })
    };
    let document = json!({
        "Account": row(json!({ "username": row_username })),
        "IdToken": row(json!({
            "credential_type": "IdToken", "secret": format!("eyJhbGciOiJub25lIn0.{claims}.x"),
        })),
        "AccessToken": row(json!({
            "credential_type": "AccessToken", "secret": "a-token", "token_type": "Bearer",
            "target": silentry_lab::DEFAULT_SCOPE,
            "cached_at": now.to_string(), "expires_on": (now + 3600).to_string(),
        })),
    });
    std::fs::write(file, document.to_string()).unwrap();
}

#[test]
fn an_account_of_the_cache_is_found_by_the_names_of_its_tokens_alone() {
    const GUEST: &str = "zoe_fabrikam.test#EXT#@contoso.test";
    let place = Place::new();
    for (claims, row, name, is_theirs) in [
        (json!({ "upn": ALICE }), ALICE, ALICE, true),
        (
            json!({ "upn": "JÖRG@contoso.test" }),
            "jörg@contoso.test",
            "Jörg@CONTOSO.test",
            true,
        ),
        (
            json!({ "unique_name": "CONTOSO\\alice" }),
            ALICE,
            "contoso\\Alice",
            true,
        ),
        (
            json!({ "preferred_username": "zoe@fabrikam.test", "upn": GUEST }),
            "zoe@fabrikam.test",
            GUEST,
            true,
        ),
        (
            json!({ "preferred_username": "zoe@fabrikam.test", "upn": GUEST }),
            GUEST,
            "zoe@fabrikam.test",
            true,
        ),
        // Anybody may set the address.
        (json!({ "email": CAROL }), CAROL, CAROL, false),
        (json!({ "email": CAROL, "upn": ALICE }), CAROL, CAROL, false),
        (json!({ "email": CAROL, "upn": ALICE }), ALICE, CAROL, false),
        (json!({ "email": ALICE, "upn": ALICE }), ALICE, ALICE, true),
        (json!({ "emails": [CAROL] }), CAROL, CAROL, false),
        (
            json!({ "emails": [ALICE, CAROL], "upn": ALICE }),
            CAROL,
            CAROL,
            false,
        ),
        (
            json!({ "emails": [ALICE], "upn": ALICE }),
            ALICE,
            ALICE,
            true,
        ),
        (json!({ "name": CAROL }), ALICE, CAROL, false),
    ] {
        cache_of(&place.cache(), &claims, row);
        let silent = ["--mode", "silent", "--tenant", TENANT_ID];
        let said = token(&place, None, &[&silent[..], &["--username", name]].concat());
        if is_theirs {
            assert_eq!(
                said.json()["access_token"],
                "a-token",
                "{claims} {row} {name}"
            );
        } else {
            assert_eq!(
                said.error(4)["error"],
                "no_account_for_login_hint",
                "{claims} {row}"
            );
        }
    }
}
