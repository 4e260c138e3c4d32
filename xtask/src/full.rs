//! The steps of the larger sizes of the test, which need a Debian or Ubuntu and root.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::report::{Report, Step};
use crate::test::Size;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{
    bench, domain, examples, fuzz, interop, public_api, release, source, systems, workflows,
};

/// In the path of the tests that need programs of others.
const THIRD_PARTY: &str = "third_party::";
/// In the path of the tests that take long.
const THOROUGH: &str = "thorough::";

/// Runs what a larger size adds to the basic one.
pub(crate) fn steps(
    workspace: &Workspace,
    tools: &Tools,
    size: Size,
    report: &mut Report,
) -> Result<()> {
    if size == Size::Interop {
        report.step("tests with third-party programs", |step| {
            source::ignored_tests(workspace, tools, step, &[THIRD_PARTY])
        });
        let built = debug_build(workspace, report);
        with_others(workspace, tools, &built, report)
    } else {
        guards(workspace, tools, report);
        product(workspace, tools, report)
    }
}

/// What protects the project over time: features, other systems, public API, hostile input.
fn guards(workspace: &Workspace, tools: &Tools, report: &mut Report) {
    // Together, as the ones compute and the others wait.
    report.step("third-party and thorough tests", |step| {
        source::ignored_tests(workspace, tools, step, &[THIRD_PARTY, THOROUGH])
    });
    report.step("each feature alone", |step| features(workspace, step));
    report.step("workflows", |step| workflows::check(workspace, tools, step));
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
    with_others(workspace, tools, &built, report)?;
    report.step("limits", |step| bench::check(&built, step));
    Ok(())
}

/// The built programs among those of others.
fn with_others(
    workspace: &Workspace,
    tools: &Tools,
    built: &Path,
    report: &mut Report,
) -> Result<()> {
    report.step("Active Directory", |step| {
        domain::run_in_namespaces(built, step)
    });
    interop::steps(workspace, tools, built, report)
}

/// Builds the programs as developers have them; returns where they are.
pub(crate) fn debug_build(workspace: &Workspace, report: &mut Report) -> PathBuf {
    report.gate("build the programs", |step| {
        step.run(&mut workspace.cargo("build --bins -p silentry-cli -p silentry-lab"))?;
        Ok(String::new())
    });
    workspace.target.join("debug")
}

fn features(workspace: &Workspace, step: &Step) -> Result<String> {
    let alone = "clippy --package silentry --no-default-features";
    let run = |line: &str| step.run(&mut workspace.cargo(&format!("{line} -- -D warnings")));
    run(alone)?;
    let features = workspace.features("silentry");
    for feature in &features {
        run(&format!("{alone} --features {feature}"))?;
    }
    Ok(format!("none, {}", features.join(", ")))
}
