//! A real Chromium in which people sign in for a program of ours, on the pages of the lab.
//!
//! The program opens the address as on any desktop, by `xdg-open`. Chromium trusts the lab's authority because it is in
//! the user's certificate store, reaches the lab through its proxy, and the loopback address past it.
//! `interop/browsers/drive.py` is the person.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{Ground, Part, Preparation, Rows, Table};

pub(super) const PART: Part = Part {
    name: "browsers",
    packages: &[
        ("chromium", "a browser to sign in with"),
        ("chromium-driver", "the browser's remote control"),
        ("libnss3-tools", "the browser's certificate store"),
    ],
    prepare,
    run,
};

const ALICE: &str = "alice@contoso.test";
const PASSWORD: &str = "Alice-Passw0rd";
const SIGNED_IN: &str = "You can close this window and return to the application.";

/// What a person does, and what comes of it.
struct Case {
    what: &'static str,
    /// For the browser: `localhost` (the address that it means), `trusts`, and the `visits` with the words of the
    /// program, the person, and by which method the server's answer comes back.
    browser: Value,
    /// What is seen of each visit: texts are part of what is seen, members are among its members.
    seen: Value,
}

fn prepare(preparation: &Preparation) -> Result<()> {
    let workspace = preparation.workspace;
    preparation.run(&mut workspace.cargo("build --package silentry --example sign_in"))?;
    let built = workspace.target.join("debug/examples/sign_in");
    fs::copy(&built, preparation.prepared.join("sign_in")).context("the example sign_in")?;
    let driver = workspace.root.join("interop/browsers/drive.py");
    fs::copy(driver, preparation.prepared.join("drive.py")).context("drive.py")?;
    Ok(())
}

fn run(ground: &Ground) -> Result<Rows> {
    let mut rows = Rows::default();
    for case in cases() {
        let answer = drive(ground, &case);
        let version = answer
            .as_ref()
            .ok()
            .and_then(|answer| answer["version"].as_str());
        let version = version.unwrap_or("?").to_owned();
        let seen = answer.and_then(|answer| compare(&case.seen, &answer["visits"]));
        rows.works(Table::Browsers, ("Chromium", &version), case.what, seen);
    }
    Ok(rows)
}

fn drive(ground: &Ground, case: &Case) -> Result<Value> {
    let mut lab: Command = ground.lab();
    lab.args(["exec", "--", "python3"])
        .arg(ground.prepared.join("drive.py"))
        .arg(ground.prepared.join("sign_in"))
        .arg(case.browser.to_string());
    let printed = ground.read(&mut lab)?;
    serde_json::from_str(&printed).with_context(|| format!("not the one line of JSON: {printed:?}"))
}

/// Checks that what was expected is in what was seen.
fn compare(expected: &Value, seen: &Value) -> Result<()> {
    match (expected, seen) {
        (Value::Object(members), _) => members
            .iter()
            .try_for_each(|(name, value)| compare(value, &seen[name]).context(name.clone())),
        (Value::Array(all), Value::Array(found)) => {
            ensure!(all.len() == found.len(), "{seen}");
            all.iter().zip(found).try_for_each(|(a, b)| compare(a, b))
        }
        (Value::String(part), Value::String(whole)) => {
            ensure!(whole.contains(part), "{whole:?} has no {part:?}");
            Ok(())
        }
        _ => {
            ensure!(expected == seen, "{seen} instead of {expected}");
            Ok(())
        }
    }
}

/// One visit of a program's.
fn visit(program: &[&str], person: &Value) -> Value {
    json!({"program": program, "person": person})
}

fn alice() -> Value {
    json!({"user": ALICE, "passwords": [PASSWORD]})
}

fn with(mut value: Value, more: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (value.as_object_mut(), more) {
        members.extend(more);
    }
    value
}

fn cases() -> Vec<Case> {
    let signed_in = || json!({"user": ALICE, "host": "localhost", "page": SIGNED_IN});
    let mut cases = Vec::new();
    cases.extend(ways_back(&signed_in));
    cases.extend(people(&signed_in));
    cases.extend(second_visits(&signed_in));
    cases.extend(strange_pages());
    cases.extend(devices());
    cases
}

/// The loopback address as browsers may take it, and both methods.
fn ways_back(signed_in: &dyn Fn() -> Value) -> Vec<Case> {
    let case = |what, address, method| Case {
        what,
        browser: json!({"localhost": address, "visits": [
            with(visit(&["web"], &alice()), json!({"comes_back_by": method})),
        ]}),
        seen: json!([signed_in()]),
    };
    vec![
        case("signs in; back by POST over IPv4", "127.0.0.1", "form_post"),
        case("signs in; back by POST over IPv6", "[::1]", "form_post"),
        case("signs in; back by GET over IPv4", "127.0.0.1", "query"),
        case("signs in; back by GET over IPv6", "[::1]", "query"),
    ]
}

/// What people do on the pages.
fn people(signed_in: &dyn Fn() -> Value) -> Vec<Case> {
    let case = |what, person, seen| Case {
        what,
        browser: json!({"visits": [visit(&["web"], &person)]}),
        seen: json!([seen]),
    };
    vec![
        case(
            "a wrong password, then the right one",
            json!({"user": ALICE, "passwords": ["wrong", PASSWORD]}),
            with(
                signed_in(),
                json!({"seen_pages": ["Sign in", "Enter password", "Enter password", "Signed in"]}),
            ),
        ),
        case(
            "a second factor",
            json!({"user": "carol@contoso.test", "passwords": ["Carol-Passw0rd"], "code": "246810"}),
            json!({"user": "carol@contoso.test", "page": SIGNED_IN,
                "seen_pages": ["Sign in", "Enter password", "Enter code", "Signed in"]}),
        ),
        case(
            "consents",
            json!({"user": "dave@contoso.test", "passwords": ["Dave-Passw0rd"]}),
            json!({"user": "dave@contoso.test", "page": SIGNED_IN,
                "seen_pages": ["Sign in", "Enter password", "Permissions requested", "Signed in"]}),
        ),
        case(
            "does not consent: access_denied",
            json!({"user": "dave@contoso.test", "passwords": ["Dave-Passw0rd"],
                "cancels_at": "Permissions requested"}),
            json!({"error": "access_denied", "host": "localhost", "page": "Not signed in"}),
        ),
        case(
            "cancels: authentication_canceled",
            with(alice(), json!({"cancels_at": "Enter password"})),
            json!({"error": "authentication_canceled", "host": "localhost", "page": "You have not signed in"}),
        ),
    ]
}

/// What a browser remembers, and what the program says of it.
fn second_visits(signed_in: &dyn Fn() -> Value) -> Vec<Case> {
    let second = |what, words: &[&str], person, seen| Case {
        what,
        browser: json!({"visits": [visit(&["web"], &alice()), visit(words, &person)]}),
        seen: json!([signed_in(), seen]),
    };
    vec![
        second(
            "is signed in already: nothing is asked",
            &["web"],
            json!({}),
            with(signed_in(), json!({"seen_pages": ["Signed in"]})),
        ),
        second(
            "is signed in already, prompt=select_account: picks the account",
            &["web", "--prompt", "select_account"],
            json!({"account": ALICE}),
            with(
                signed_in(),
                json!({"seen_pages": ["Pick an account", "Signed in"]}),
            ),
        ),
        second(
            "is signed in already, prompt=login: the password again",
            &["web", "--prompt", "login", "--login-hint", ALICE],
            alice(),
            with(
                signed_in(),
                json!({"seen_pages": ["Enter password", "Signed in"]}),
            ),
        ),
        Case {
            what: "prompt=select_account with a login hint: the name is filled in",
            browser: json!({"visits": [visit(
                &["web", "--prompt", "select_account", "--login-hint", ALICE],
                &json!({"passwords": [PASSWORD]}),
            )]}),
            seen: json!([with(signed_in(), json!({"hint": ALICE}))]),
        },
        Case {
            what: "prompt=none, nobody is signed in: the program is told that somebody must",
            browser: json!({"visits": [visit(&["web", "--prompt", "none"], &json!({}))]}),
            seen: json!([{"error": "login_required", "page": "Not signed in"}]),
        },
    ]
}

/// Pages that are no answer, and a certificate that is not trusted.
fn strange_pages() -> Vec<Case> {
    let case = |what, browser, seen| Case {
        what,
        browser,
        seen,
    };
    vec![
        case(
            "another page forges an answer: it is not taken, and the sign-in goes on",
            json!({"visits": [visit(
                &["web"],
                &with(alice(), json!({"another_page": "/?code=forged&state=guessed"})),
            )]}),
            json!([{"another_page": "belongs to another sign-in", "user": ALICE, "page": SIGNED_IN}]),
        ),
        case(
            "another page finds the port: the sign-in goes on",
            json!({"visits": [visit(&["web"], &with(alice(), json!({"another_page": "/?state=guessed"})))]}),
            json!([{"another_page": "Nothing to sign in with", "user": ALICE, "page": SIGNED_IN}]),
        ),
        case(
            "does not trust the lab: no page, and the program's time runs out",
            json!({"trusts": false, "visits": [visit(&["web", "--timeout", "2"], &json!({"leaves": true}))]}),
            json!([{"page": "ERR_CERT_AUTHORITY_INVALID", "error": "authentication_timed_out"}]),
        ),
    ]
}

fn devices() -> Vec<Case> {
    let case = |what, person, seen| Case {
        what,
        browser: json!({"visits": [visit(&["device"], &person)]}),
        seen: json!([seen]),
    };
    vec![
        case(
            "types a device code and approves",
            alice(),
            json!({"user": ALICE, "page": "You have signed in"}),
        ),
        case(
            "types a device code, and a second factor",
            json!({"user": "carol@contoso.test", "passwords": ["Carol-Passw0rd"], "code": "246810"}),
            json!({"user": "carol@contoso.test", "page": "You have signed in"}),
        ),
        case(
            "types a device code and declines",
            with(
                alice(),
                json!({"cancels_at": "Are you trying to sign in to Silentry Lab Client?"}),
            ),
            json!({"error": "authorization_declined", "page": "You have cancelled"}),
        ),
    ]
}
