//! `cargo xtask test`: what a change must hold, in three sizes.

use std::process::ExitCode;

use anyhow::Result;

use crate::report::Report;
use crate::source;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// What to check.
#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("more").args(["interop", "all", "step"]).multiple(true)))]
pub(crate) struct Args {
    /// Also run the tests with third-party programs, on Debian or Ubuntu, as root
    #[arg(long)]
    interop: bool,
    /// Check everything: also other systems, fuzzing, the examples, the release build and its limits
    #[arg(long)]
    all: bool,
    /// Install what `--interop` or `--all` needs and this machine lacks
    #[arg(long, requires = "more")]
    install: bool,
    /// Run only the steps whose names contain this, of whatever size
    #[arg(long, value_name = "NAME")]
    step: Option<String>,
    /// Leave out the steps that have passed since the sources were changed last
    #[arg(long)]
    resume: bool,
}

/// How much is checked; each size contains the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Size {
    /// What needs Rust and the system's Kerberos library.
    Basic,
    /// The tests with third-party programs.
    Interop,
    /// Everything.
    All,
}

impl Args {
    fn size(&self) -> Size {
        // A step that is named is looked for among all.
        if self.all || self.step.is_some() {
            Size::All
        } else if self.interop {
            Size::Interop
        } else {
            Size::Basic
        }
    }
}

/// Runs the steps of the size.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let tools = Tools::new(&workspace);
    tools.install_basic();
    if args.step.is_none() || args.install {
        prepare(&workspace, &tools, args)?;
    }
    let folder = workspace.target.join("xtask");
    let mut report = Report::new(folder.join("logs"), args.step.as_deref())?;
    report.keep_record(folder.join("passed.txt"), workspace.state(), args.resume);
    source::steps(&workspace, &tools, &mut report);
    if args.size() > Size::Basic {
        rest(&workspace, &tools, args.size(), &mut report)?;
    }
    report.finish()
}

#[cfg(unix)]
fn prepare(workspace: &Workspace, tools: &Tools, args: &Args) -> Result<()> {
    match args.size() {
        Size::Basic => Ok(()),
        size => crate::packages::ensure(workspace, tools, size, args.install),
    }
}

#[cfg(unix)]
fn rest(workspace: &Workspace, tools: &Tools, size: Size, report: &mut Report) -> Result<()> {
    crate::full::steps(workspace, tools, size, report)
}

#[cfg(not(unix))]
fn prepare(_: &Workspace, _: &Tools, args: &Args) -> Result<()> {
    anyhow::ensure!(
        args.size() == Size::Basic,
        "on this system `cargo xtask test` has one size, without options"
    );
    Ok(())
}

#[cfg(not(unix))]
fn rest(_: &Workspace, _: &Tools, _: Size, _: &mut Report) -> Result<()> {
    Ok(())
}
