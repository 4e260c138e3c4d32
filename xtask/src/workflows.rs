//! The workflows of the hosting site, checked by actionlint.

use anyhow::Result;

use crate::process::command;
use crate::report::Step;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// By Go, whose checksum database knows the module, as the package on PyPI brings no program with it.
const ACTIONLINT: &str = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12";

/// Installs actionlint where it is not yet there, and checks all workflows.
pub(crate) fn check(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    let mut actionlint = command("go run");
    let folder = tools.more().join("go");
    actionlint
        .arg(ACTIONLINT)
        .current_dir(&workspace.root)
        .env("GOFLAGS", "-modcacherw")
        .env("GOPATH", &folder)
        .env("GOCACHE", folder.join("cache"));
    step.run(&mut actionlint)?;
    Ok(String::new())
}
