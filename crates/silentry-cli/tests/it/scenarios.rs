//! Every scenario of the lab gives its own code, exit status and advice, and docs/scenarios.md says so.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use silentry_lab::{Flow, Lab, Person, Scenario};

/// Some scenarios end only by a time limit, so several run at once.
const AT_ONCE: usize = 6;

/// Set it to write docs/scenarios.md anew instead of comparing.
const UPDATE: &str = "SILENTRY_UPDATE_DOCS";

/// The pages where people type device codes.
const DEVICE_LOGIN: &str = "https://microsoft.com/devicelogin";

/// The scenarios that are about an API that answers 401, which the command does not call.
const OF_APIS: [&str; 2] = ["cae", "auth-context"];

/// The scenarios in which nothing is wrong but the password, at AD FS and at Entra.
const OF_PASSWORDS: [&str; 2] = ["default", "managed-user"];

/// What the command did in one scenario.
struct Outcome {
    scenario: &'static Scenario,
    way: Way,
    exit: Option<i32>,
    /// The token or the error object.
    said: Value,
}

/// A flow that the page has a table of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Iwa,
    DeviceCode,
    Web,
    Silent,
    Password,
    WrongPassword,
}

impl Way {
    const ALL: [Way; 6] = [
        Way::Iwa,
        Way::DeviceCode,
        Way::Web,
        Way::Silent,
        Way::Password,
        Way::WrongPassword,
    ];

    /// The way that the scenario is about.
    fn of(scenario: &Scenario) -> Self {
        match scenario.flow {
            Flow::DeviceCode => Way::DeviceCode,
            Flow::Interactive => Way::Web,
            Flow::Silent => Way::Silent,
            _ => Way::Iwa,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Way::Iwa => "With the ticket: `--mode iwa`",
            Way::DeviceCode => "With a device code: `--mode devicecode`",
            Way::Web => "In the browser: `--mode web`",
            Way::Silent => "From the token cache: `--mode silent --force-refresh`, after a sign-in",
            Way::Password => "With a password: `--mode password`, where it fails",
            Way::WrongPassword => "With a wrong password: of AD FS, and of Entra",
        }
    }
}

/// The command, about to be run, with nothing of this machine's user in it.
fn silentry(lab: &Lab, arguments: &[&str]) -> Command {
    let mut command: Command = lab.command(assert_cmd::cargo::cargo_bin("silentry"));
    command.args(arguments);
    // Without a home there is no config file of this machine's user.
    command
        .env("HOME", lab.directory())
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("BROWSER")
        .stdin(Stdio::null());
    command
}

fn run(lab: &Lab, arguments: &[&str]) -> Output {
    let mut command = silentry(lab, &["token", "--mode", "iwa"]);
    command.args(arguments).output().unwrap()
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

fn play((scenario, way): (&'static Scenario, Way)) -> Outcome {
    let (runtime, lab) = start(scenario.name);
    let user = lab.user();
    let mut arguments = vec!["token", "-o", "json", "--mode"];
    let output = match way {
        Way::Iwa => {
            arguments.push("iwa");
            silentry(&lab, &arguments).output().unwrap()
        }
        Way::DeviceCode => {
            arguments.push("devicecode");
            with_person(&runtime, &lab, &arguments, "enter the code ", |code| {
                // Where the sign-in is to fail, nobody comes.
                let comes = scenario.expected_code.is_none();
                comes.then(|| {
                    (
                        DEVICE_LOGIN.to_owned(),
                        Person::new(user).with_user_code(code),
                    )
                })
            })
        }
        Way::Web => {
            // Where the browser brings no answer, the time is waited out.
            let limit = match scenario.expected_code {
                Some("authentication_timed_out") => "3",
                Some("state_mismatch") => "15",
                _ => "300",
            };
            arguments.extend(["web", "--no-browser", "--browser-timeout", limit]);
            with_person(&runtime, &lab, &arguments, "https://", |address| {
                Some((format!("https://{address}"), Person::new(user)))
            })
        }
        Way::Silent => {
            let signed_in = run(&lab, &["-o", "none"]);
            assert!(signed_in.status.success(), "{}", scenario.name);
            arguments.extend(["silent", "--force-refresh", "--username", user.upn]);
            silentry(&lab, &arguments).output().unwrap()
        }
        Way::Password | Way::WrongPassword => {
            let password = match way {
                Way::Password => user.password,
                _ => "wrong",
            };
            arguments.extend(["password", "--password-stdin", "--username", user.upn]);
            let file = lab.directory().join("password");
            std::fs::write(&file, password).unwrap();
            let mut command = silentry(&lab, &arguments);
            command.stdin(std::fs::File::open(file).unwrap());
            command.output().unwrap()
        }
    };
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
        way,
        exit: output.status.code(),
        said,
    }
}

/// Runs the command beside somebody who reads what it tells: the word after the mark, if it comes to that.
fn with_person(
    runtime: &tokio::runtime::Runtime,
    lab: &Lab,
    arguments: &[&str],
    mark: &str,
    what_to_do: impl FnOnce(&str) -> Option<(String, Person)>,
) -> Output {
    let mut command = silentry(lab, arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    let mut what_to_do = Some(what_to_do);
    while stderr.read_line(&mut told).unwrap() > 0 {
        let Some((_, rest)) = told.split_once(mark) else {
            continue;
        };
        let word = rest.split_whitespace().next().unwrap_or_default();
        if let Some((page, person)) = what_to_do.take().and_then(|act| act(word)) {
            let mut browser = lab.browser().unwrap();
            // How it went the command says.
            let _ = runtime.block_on(browser.sign_in(&page, &person));
        }
    }
    let mut output = child.wait_with_output().unwrap();
    output.stderr = told.into_bytes();
    output
}

fn play_all() -> Vec<Outcome> {
    let with_password = |scenario: &&Scenario| scenario.flow == Flow::IntegratedWindows;
    let about = Scenario::all()
        .iter()
        .filter(|one| !OF_APIS.contains(&one.name));
    let about = about.map(|scenario| (scenario, Way::of(scenario)));
    let password = Scenario::all().iter().filter(with_password);
    let wrong = Scenario::all()
        .iter()
        .filter(|one| OF_PASSWORDS.contains(&one.name));
    let all = about
        .chain(password.map(|scenario| (scenario, Way::Password)))
        .chain(wrong.map(|scenario| (scenario, Way::WrongPassword)));
    let queue = Arc::new(Mutex::new(all.collect::<Vec<_>>()));
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
        way,
        exit,
        said,
    } in &outcomes
    {
        let code = said["error"].as_str();
        // How a password fares the page alone says.
        let is_expected =
            *exit == Some(i32::from(scenario.expected_exit)) && code == scenario.expected_code;
        if *way == Way::of(scenario) && !is_expected {
            wrong.push(format!(
                "{}: expected {:?} ({}), got {code:?} ({exit:?}): {said}",
                scenario.name, scenario.expected_code, scenario.expected_exit
            ));
        }
        if code.is_some() {
            let advice = said["mitigation"].as_str().unwrap_or_default();
            assert!(advice.len() > 20, "{}: {said}", scenario.name);
        } else {
            let token = said["access_token"].as_str();
            assert!(
                token.is_some_and(|token| token.len() > 100),
                "{}: {said}",
                scenario.name
            );
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    compare_with_docs(&page(&outcomes));
}

fn page(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "# Scenarios\n\n\
         What `silentry token` does in each scenario of the lab, by the mode that the scenario is about. Try one:\n\n    \
         silentry-lab exec --scenario mfa -- silentry token -o json\n\n\
         The scenarios `cae` and `auth-context` are not here: in them it is an API that refuses the token, which the \
         command does not call. The example [graph](../examples/graph) does.\n\n\
         This page is written by the test that checks it (`SILENTRY_UPDATE_DOCS=1 cargo test -p silentry-cli \
         --test it scenarios`).\n",
    );
    for way in Way::ALL {
        text.push_str(&format!("\n## {}\n\n", way.heading()));
        text.push_str(
            "| scenario | user | what is different | exit | code | what Silentry advises |\n\
             |---|---|---|---|---|---|\n",
        );
        let of_way = outcomes.iter().filter(|outcome| outcome.way == way);
        // A token is nothing to tell of the way that no scenario is about.
        let told = of_way.filter(|outcome| way != Way::Password || outcome.exit != Some(0));
        told.for_each(|outcome| text.push_str(&row(outcome)));
    }
    text
}

fn row(outcome: &Outcome) -> String {
    let Outcome {
        scenario,
        exit,
        said,
        ..
    } = outcome;
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
    format!(
        "| `{}` | {} | {} | {} | {code}{aadsts} | {} |\n",
        scenario.name,
        scenario.user.split('@').next().unwrap_or_default(),
        scenario.summary,
        exit.unwrap_or(-1),
        advice.replace('|', "\\|"),
    )
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
