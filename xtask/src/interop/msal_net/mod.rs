//! MSAL.NET, the library that Microsoft documents for integrated sign-in, beside Silentry: every scenario of
//! the lab, what each makes of it, and in how many exchanges.

mod differences;
pub(super) mod program;

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use self::differences::A_TOKEN;
use super::{Ground, Part, Preparation, Rows, Table};
use crate::lab::{self, Lab};
use crate::{namespace, process};

pub(super) const PART: Part = Part {
    name: "msal-net",
    packages: &program::PACKAGES,
    prepare,
    run,
};

/// Signs in by the ticket several times.
const EXAMPLE: &str = "sign_in";

/// .NET asks the resolver for the canonical name of the federation server even behind a proxy.
const NAMES: &str = "sts.contoso.test autologon.microsoftazuread-sso.com";
/// Most of the time a scenario waits for something.
const AT_ONCE: usize = 6;
const LIMIT: Duration = Duration::from_secs(110);
const ALICE: &str = "alice@contoso.test";

/// A scenario as the lab lists it.
#[derive(Deserialize)]
struct Scenario {
    name: String,
    user: String,
    flow: String,
}

/// What a program made of a scenario: [`A_TOKEN`], or the name of the error.
struct Outcome {
    code: String,
    version: String,
}

fn prepare(preparation: &Preparation) -> Result<()> {
    let workspace = preparation.workspace;
    let build = format!("build --package silentry --example {EXAMPLE}");
    preparation.run(&mut workspace.cargo(&build))?;
    let built = workspace.target.join("debug/examples").join(EXAMPLE);
    fs::copy(&built, preparation.prepared.join(EXAMPLE)).context(EXAMPLE)?;
    program::prepare(preparation)
}

fn run(ground: &Ground) -> Result<Rows> {
    namespace::name_loopback(NAMES, &ground.folder, &ground.log)?;
    let scenarios = scenarios(ground)?;
    let mut rows = Rows::default();
    for some in scenarios.chunks(AT_ONCE) {
        let outcomes: Vec<_> = thread::scope(|scope| {
            let both =
                |scenario| scope.spawn(move || (theirs(ground, scenario), ours(ground, scenario)));
            let playing: Vec<_> = some.iter().map(both).collect();
            playing
                .into_iter()
                .map(thread::ScopedJoinHandle::join)
                .collect()
        });
        for (scenario, outcome) in some.iter().zip(outcomes) {
            let Ok((theirs, ours)) = outcome else {
                anyhow::bail!("{}: the thread panicked", scenario.name);
            };
            compare(&scenario.name, theirs, ours, &mut rows);
        }
    }
    unnamed(ground, &mut rows);
    count(ground, &mut rows);
    Ok(rows)
}

/// Returns those of integrated sign-in.
fn scenarios(ground: &Ground) -> Result<Vec<Scenario>> {
    let listed = ground.read(ground.lab().args(["scenarios", "-o", "json"]))?;
    let all: Vec<Scenario> = serde_json::from_str(&listed)?;
    let integrated = all
        .into_iter()
        .filter(|scenario| scenario.flow == "integrated_windows");
    Ok(integrated.collect())
}

fn theirs(ground: &Ground, scenario: &Scenario) -> Result<Outcome> {
    let answer = sign_in(ground, &scenario.name, "integrated", &scenario.user)?;
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    let code = match text("user") {
        Some(_) => Some(A_TOKEN.to_owned()),
        None => text("error").or_else(|| text("exception")),
    };
    Ok(Outcome {
        code: code.context("neither a user nor an error")?,
        version: text("version").context("no version")?,
    })
}

fn sign_in(ground: &Ground, scenario: &str, flow: &str, user: &str) -> Result<Value> {
    let mut lab = ground.lab();
    lab.args(["exec", "--scenario", scenario, "--user", user, "--"]);
    lab.args(program::line(&ground.prepared, "Client"));
    let printed = ground.read(lab.args([flow, user]))?;
    serde_json::from_str(&printed).with_context(|| format!("not the one line of JSON: {printed:?}"))
}

/// Silentry is told the UPN too, so that both are asked the same.
fn ours(ground: &Ground, scenario: &Scenario) -> Result<String> {
    let mut lab = ground.lab();
    lab.args([
        "exec",
        "--scenario",
        &scenario.name,
        "--user",
        &scenario.user,
        "--",
    ]);
    lab.arg(ground.programs.join("silentry"));
    lab.args(["token", "--mode", "iwa", "--cache", "none", "-o", "json"]);
    lab.args(["--username", &scenario.user]);
    let answer = process::answer(&mut lab, LIMIT)?;
    if answer.status.success() {
        return Ok(A_TOKEN.to_owned());
    }
    let told = String::from_utf8_lossy(&answer.stderr);
    let object = told.lines().rfind(|line| line.starts_with('{'));
    let object: Value = serde_json::from_str(object.context("no JSON on stderr")?)?;
    let code = object["error"]
        .as_str()
        .context("an error without a code")?;
    Ok(code.to_owned())
}

fn compare(scenario: &str, theirs: Result<Outcome>, ours: Result<String>, rows: &mut Rows) {
    let version = theirs
        .as_ref()
        .map_or("?", |outcome| &outcome.version)
        .to_owned();
    let known = differences::of(scenario);
    let expected = known.map(|difference| difference.theirs);
    let told = |code: &str| match code {
        A_TOKEN => A_TOKEN.to_owned(),
        code => format!("`{code}`"),
    };
    let seen = theirs.and_then(|theirs| Ok((theirs.code, ours?)));
    let who = ("MSAL.NET", version.as_str());
    match seen {
        Ok((theirs, ours)) if theirs == ours && known.is_none() => {
            let what = format!("integrated, `{scenario}`: {}, as Silentry", told(&theirs));
            rows.works(Table::MsalNet, who, &what, Ok(()));
        }
        Ok((theirs, ours)) => {
            let what = format!(
                "integrated, `{scenario}`: {}; Silentry: {}",
                told(&theirs),
                told(&ours)
            );
            let why = known.map_or("", |difference| difference.why);
            let as_known = (expected == Some(&*theirs) && theirs != ours)
                .then_some(())
                .with_context(|| format!("{theirs} there and {ours} here, known is {expected:?}"));
            rows.cannot_work(Table::MsalNet, who, &what, why, as_known);
        }
        Err(error) => rows.works(Table::MsalNet, who, scenario, Err(error)),
    }
}

/// Silentry finds the user of the ticket by itself.
fn unnamed(ground: &Ground, rows: &mut Rows) {
    let answer = sign_in(ground, "default", "integrated-unnamed", ALICE);
    let version = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer["version"].as_str());
    let version = version.unwrap_or("?").to_owned();
    let seen = answer.and_then(|answer| {
        ensure!(
            answer["exception"] == "PlatformNotSupportedException",
            "{answer}"
        );
        Ok(())
    });
    rows.cannot_work(
        Table::MsalNet,
        ("MSAL.NET", &version),
        "integrated, without a name: `PlatformNotSupportedException`; Silentry: a token",
        "MSAL.NET asks Windows alone who is signed in",
        seen,
    );
}

/// Counts the exchanges of two sign-ins in one process, with each.
fn count(ground: &Ground, rows: &mut Rows) {
    let ours = ["1", "2"].map(|times| {
        let mut program = Command::new(ground.prepared.join(EXAMPLE));
        program.args(["integrated", times]);
        exchanges(ground, &format!("ours-{times}"), program).map(|(_, count)| count)
    });
    let theirs = ["integrated-once", "integrated-twice"].map(|flow| {
        let mut program = program::program(&ground.prepared, "Client");
        program.args([flow, ALICE]);
        exchanges(ground, flow, program)
    });
    let version = match &theirs {
        [Ok((answer, _)), _] => answer["version"].as_str().unwrap_or("?").to_owned(),
        _ => "?".to_owned(),
    };
    let counted = || {
        let [ours_once, ours_twice] = ours;
        let [theirs_once, theirs_twice] = theirs.map(|counted| counted.map(|(_, count)| count));
        let (first, theirs_first) = (ours_once?, theirs_once?);
        let (second, theirs_second) = (ours_twice? - first, theirs_twice? - theirs_first);
        let counts = [theirs_first, theirs_second, first, second];
        ensure!(counts == [6, 5, 4, 2], "{counts:?} exchanges");
        Ok(())
    };
    rows.cannot_work(
        Table::MsalNet,
        ("MSAL.NET", &version),
        "integrated: 6 exchanges for the first sign-in, 5 for the second; Silentry: 4 and 2",
        "MSAL.NET asks where the authority's endpoints are, keeps neither realm nor metadata, and sends the ticket \
         only after a 401",
        counted(),
    );
}

/// Runs a program in a lab of its own; returns what it printed, and how many exchanges the lab saw.
fn exchanges(ground: &Ground, name: &str, mut program: Command) -> Result<(Value, usize)> {
    let folder = ground.folder.join(name);
    fs::create_dir_all(&folder)?;
    let journal = folder.join("journal");
    let lab = Lab::start(
        &ground.programs.join("silentry-lab"),
        &folder.join("lab"),
        ["--journal".as_ref(), journal.as_os_str()],
        &ground.log,
    )?;
    lab.enter(&mut program);
    let answer: Value = serde_json::from_str(&ground.read(&mut program)?)?;
    ensure!(answer["user"] == ALICE, "{answer}");
    let lines = lab::journal(&journal)?;
    let exchanges = lines.iter().filter(|line| line["stage"].is_string());
    Ok((answer, exchanges.count()))
}
