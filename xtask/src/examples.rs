//! The examples that are a workspace of their own, for what they depend on: built, and run in the lab.

use anyhow::Result;

use crate::report::Step;
use crate::source::count_tests;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The Debian packages that the window needs: a screen without a monitor, and what a program with a window loads.
pub(crate) const PACKAGES: [(&str, &str); 8] = [
    ("libx11-xcb1", "the window of the examples"),
    ("libgl1", "the window of the examples"),
    (
        "libgl1-mesa-dri",
        "the window of the examples, without a graphics card",
    ),
    ("libxcursor1", "the window of the examples"),
    ("libxi6", "the window of the examples"),
    ("libxkbcommon-x11-0", "the window of the examples"),
    ("xdotool", "a hand on the window's mouse"),
    ("xvfb", "a screen without a monitor"),
];

const MANIFEST: &str = "--manifest-path examples/Cargo.toml";

/// Checks form and licences, builds the examples, runs their tests and lints them.
pub(crate) fn run(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    step.run(&mut workspace.cargo(&format!("fmt {MANIFEST} --all --check")))?;
    let mut licences = workspace.cargo(&format!(
        "deny {MANIFEST} --workspace check licenses sources"
    ));
    tools.enable(&mut licences)?;
    step.run(&mut licences)?;
    // In a folder of their own: other features of the same crates would be built in turns.
    let folder = workspace.target.join("examples");
    let run = |line: &str| {
        let mut command = workspace.cargo(line);
        step.run(command.env("CARGO_TARGET_DIR", &folder))
    };
    run(&format!("test {MANIFEST} --locked --no-fail-fast"))?;
    run(&format!("clippy {MANIFEST} --all-targets -- -D warnings"))?;
    count_tests(step)
}
