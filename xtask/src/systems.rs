//! The workspace for systems that no test runs on here: it must compile there, without a warning.

use anyhow::Result;

use crate::cross;
use crate::report::Step;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// Lints every target of every package for Windows and for macOS.
pub(crate) fn check(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    let targets = [cross::WINDOWS, cross::MACOS];
    for target in targets {
        step.run(&mut cross::clippy(workspace, tools, target)?)?;
    }
    Ok(targets.join(", "))
}
