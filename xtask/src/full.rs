//! The steps of the full test, which needs a Debian or Ubuntu and root.

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::report::{Report, Step};
use crate::test::TESTS;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{bench, domain, examples, fuzz, interop, public_api, release, systems};

/// Tests that are ignored by default: those with programs of others in modules of that name, and long ones.
const IGNORED: [&str; 2] = ["third_party::", "thorough::"];

/// Runs every step, or those whose names contain `only`; the last line on stdout counts them.
pub(crate) fn run(workspace: &Workspace, install: bool, only: Option<&str>) -> Result<ExitCode> {
    let tools = Tools::new(workspace);
    tools.ensure(workspace, install)?;
    let mut report = Report::new(workspace.target.join("xtask").join("logs"), only)?;
    source(workspace, &mut report);
    guards(workspace, &tools, &mut report);
    product(workspace, &tools, &mut report)?;
    Ok(report.finish())
}

/// The code by itself: form, compiling, tests.
fn source(workspace: &Workspace, report: &mut Report) {
    let run = |step: &Step, line: &str| step.run(&mut workspace.cargo(line));
    report.step("format", |step| {
        run(step, "fmt --all --check")?;
        run(step, "fmt --manifest-path fuzz/Cargo.toml --check")?;
        Ok(String::new())
    });
    report.gate("build the tests", |step| {
        let mut tests = workspace.cargo(TESTS);
        step.run(tests.args(["--no-run", "--locked"]))?;
        Ok(String::new())
    });
    report.step("tests", |step| {
        step.run(workspace.cargo(TESTS).arg("--no-fail-fast"))?;
        count_tests(step)
    });
    report.step("tests with third-party programs", |step| {
        let mut tests = workspace.cargo(TESTS);
        tests
            .args(["--no-fail-fast", "--", "--ignored"])
            .args(IGNORED);
        step.run(&mut tests)?;
        count_tests(step)
    });
    report.step("clippy", |step| {
        run(
            step,
            "clippy --workspace --all-targets --all-features -- -D warnings",
        )?;
        run(
            step,
            "clippy --manifest-path fuzz/Cargo.toml -- -D warnings",
        )?;
        Ok(String::new())
    });
    report.step("each feature alone", |step| {
        let alone = "clippy --package silentry --no-default-features";
        run(step, &format!("{alone} -- -D warnings"))?;
        let features = workspace.features("silentry");
        for feature in &features {
            run(
                step,
                &format!("{alone} --features {feature} -- -D warnings"),
            )?;
        }
        Ok(format!("none, {}", features.join(", ")))
    });
    report.step("documentation", |step| {
        let mut command = workspace.cargo("doc --workspace --no-deps --all-features");
        step.run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
        Ok(String::new())
    });
}

/// What keeps the house in order over time: dependencies, public API, hostile input.
fn guards(workspace: &Workspace, tools: &Tools, report: &mut Report) {
    report.step("dependencies", |step| dependencies(workspace, tools, step));
    report.step("other systems", |step| {
        systems::check(workspace, tools, step)
    });
    report.step("public API", |step| public_api::check(workspace, step));
    report.step("fuzzing", |step| fuzz::run(workspace, tools, step));
    report.step("examples", |step| examples::run(workspace, tools, step));
}

/// What ships: the command, in a real domain, within its limits.
fn product(workspace: &Workspace, tools: &Tools, report: &mut Report) -> Result<()> {
    let built = release::folder(workspace);
    report.step("release build", |step| {
        release::build(workspace, tools, step)
    });
    report.step("release checks", |step| {
        release::check(&built.join("silentry"), step)
    });
    report.step("Active Directory", |step| {
        domain::run_in_namespaces(&built, step)
    });
    interop::steps(workspace, tools, &built, report)?;
    report.step("limits", |step| bench::check(&built, step));
    Ok(())
}

/// Licences and sources count for everything in the lock file; duplicates for what ships. Vulnerable and yanked crates
/// are known on the network alone, and the hosted workflow asks there.
fn dependencies(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    let everything = "deny --workspace --all-features check -D license-not-encountered";
    let shipped = "deny --manifest-path crates/silentry-cli/Cargo.toml --exclude-dev check";
    for line in [
        format!("{everything} licenses sources"),
        format!("{shipped} -D unmatched-skip bans"),
    ] {
        let mut command = workspace.cargo(&line);
        tools.enable(&mut command)?;
        step.run(&mut command)?;
    }
    Ok("advisories and yanked crates not checked: the hosted workflow does that".to_owned())
}

/// Returns how many tests passed, from cargo's own lines; none at all is a failure.
pub(crate) fn count_tests(step: &Step) -> Result<String> {
    let log = step.log()?;
    let passed: u64 = log
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|counts| counts.split_whitespace().next()?.parse::<u64>().ok())
        .sum();
    ensure!(passed > 0, "no test ran");
    Ok(format!("{passed} tests"))
}
