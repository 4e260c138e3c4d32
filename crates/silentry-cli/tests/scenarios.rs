//! Every scenario of the lab gives its own code, exit status and advice, and docs/scenarios.md says so.

#![allow(clippy::unwrap_used, reason = "what a test needs must be there")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use silentry_lab::{Flow, Lab, Scenario};

/// Some scenarios end only by a time limit, so several run at once.
const AT_ONCE: usize = 6;

/// Set it to write docs/scenarios.md anew instead of comparing.
const UPDATE: &str = "SILENTRY_UPDATE_DOCS";

/// What the command did in one scenario.
struct Outcome {
    scenario: &'static Scenario,
    exit: Option<i32>,
    /// The token or the error object.
    said: Value,
}

fn run(lab: &Lab, arguments: &[&str]) -> Output {
    let mut command: Command = lab.command(assert_cmd::cargo::cargo_bin("silentry"));
    command.args(["token", "--mode", "iwa"]).args(arguments);
    // Without a home there is no config file of this machine's user.
    command
        .env("HOME", lab.directory())
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::null());
    command.output().unwrap()
}

fn start(scenario: &str) -> (tokio::runtime::Runtime, Lab) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lab = runtime
        .block_on(Lab::builder().scenario(scenario).start())
        .unwrap();
    (runtime, lab)
}

fn play(scenario: &'static Scenario) -> Outcome {
    let (_runtime, lab) = start(scenario.name);
    let output = run(&lab, &["-o", "json"]);
    let said = if output.status.success() {
        &output.stdout
    } else {
        &output.stderr
    };
    // Warnings for people stand before the object.
    let line = said
        .split(|byte| *byte == b'\n')
        .rfind(|line| line.starts_with(b"{"));
    let said = line
        .and_then(|line| serde_json::from_slice(line).ok())
        .unwrap_or(Value::Null);
    Outcome {
        scenario,
        exit: output.status.code(),
        said,
    }
}

fn play_all() -> Vec<Outcome> {
    let integrated = Scenario::all()
        .iter()
        .filter(|scenario| scenario.flow == Flow::IntegratedWindows);
    let queue = Arc::new(Mutex::new(integrated.collect::<Vec<_>>()));
    let players: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || {
                let next = || queue.lock().unwrap().pop();
                std::iter::from_fn(next).map(play).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut outcomes: Vec<_> = players
        .into_iter()
        .flat_map(|one| one.join().unwrap())
        .collect();
    let place = |outcome: &Outcome| {
        Scenario::all()
            .iter()
            .position(|scenario| scenario.name == outcome.scenario.name)
    };
    outcomes.sort_by_key(place);
    outcomes
}

#[test]
fn every_scenario_ends_as_it_says_and_as_the_docs_say() {
    let outcomes = play_all();
    let mut wrong = Vec::new();
    for Outcome {
        scenario,
        exit,
        said,
    } in &outcomes
    {
        let code = said["error"].as_str();
        if *exit != Some(i32::from(scenario.expected_exit)) || code != scenario.expected_code {
            wrong.push(format!(
                "{}: expected {:?} ({}), got {code:?} ({exit:?}): {said}",
                scenario.name, scenario.expected_code, scenario.expected_exit
            ));
        }
        if scenario.expected_code.is_some() {
            let advice = said["mitigation"].as_str().unwrap_or_default();
            assert!(advice.len() > 20, "{}: {said}", scenario.name);
        } else {
            assert!(
                said["access_token"]
                    .as_str()
                    .is_some_and(|token| token.len() > 100)
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    compare_with_docs(&table(&outcomes));
}

fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "# Scenarios\n\n\
         What `silentry token --mode iwa` does in each scenario of the lab. Try one:\n\n    \
         silentry-lab exec --scenario mfa -- silentry token -o json\n\n\
         This page is written by the test that checks it (`SILENTRY_UPDATE_DOCS=1 cargo test -p silentry-cli \
         --test scenarios`).\n\n\
         | scenario | user | what is different | exit | code | what Silentry advises |\n\
         |---|---|---|---|---|---|\n",
    );
    for Outcome {
        scenario,
        exit,
        said,
    } in outcomes
    {
        let code = said["error"]
            .as_str()
            .map_or("a token".to_owned(), |code| format!("`{code}`"));
        let aadsts: Vec<_> = said["aadsts"].as_array().into_iter().flatten().collect();
        let aadsts: String = aadsts
            .iter()
            .map(|number| format!(" AADSTS{number}"))
            .collect();
        // The machine's own time differs at each run.
        let advice = said["mitigation"].as_str().unwrap_or_default();
        let advice = advice
            .split(" Compare the clocks first")
            .next()
            .unwrap_or_default();
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {code}{aadsts} | {} |\n",
            scenario.name,
            scenario.user.split('@').next().unwrap_or_default(),
            scenario.summary,
            exit.unwrap_or(-1),
            advice.replace('|', "\\|"),
        ));
    }
    text
}

fn compare_with_docs(table: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&page, table).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        written == table,
        "docs/scenarios.md is out of date: run this test with {UPDATE}=1"
    );
}

#[test]
fn the_most_talkative_run_tells_no_secret() {
    let (_runtime, lab) = start("default");
    let output = run(&lab, &["-o", "token", "-vv"]);
    assert!(output.status.success());
    let token = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("exchange"),
        "nothing was told, so nothing was tested: {told}"
    );
    assert!(!told.contains(token.trim()));
    // What base64 of a JWT, of a Negotiate token and of an assertion begins with.
    for start in ["eyJ", "YII", "PHNhbWw", "<saml"] {
        assert!(!told.contains(start), "{start} in {told}");
    }
}

#[test]
fn each_output_prints_what_it_says() {
    let (_runtime, lab) = start("default");
    let text = |format: &str| {
        let output = run(&lab, &["-o", format]);
        assert!(output.status.success());
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(text("token").matches('.').count(), 2);
    assert!(text("header").starts_with("Authorization: Bearer eyJ"));
    assert_eq!(text("none"), "");
    let json: Value = serde_json::from_str(&text("json")).unwrap();
    assert_eq!(json["username"], "alice@contoso.test");
    assert_eq!(json["token_type"], "Bearer");
    assert!(json["expires_on"].as_u64().is_some());
}
