//! `cargo xtask interop`: Silentry and its lab among programs that others wrote.
//!
//! Each part brings its strangers, runs in namespaces of its own where nothing but loopback can be
//! reached, and reports rows for `docs/strangers.md`. The page is the expectation: a cell that changes
//! fails the test until somebody has looked at it and written the page again.

mod ground;
mod page;
mod pytest;
mod windows;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

pub(crate) use self::ground::{Ground, Preparation};
pub(crate) use self::page::{Row, Rows, Table};
pub(crate) use self::pytest::{Peer, packages as packages_of_folders, peers};
use crate::report::{Report, Step};
use crate::test::Size;
use crate::tools::Tools;
use crate::workspace::Workspace;
use crate::{full, namespace, packages};

/// One encounter with strangers.
pub(crate) struct Part {
    /// What `--only` chooses it by; a file or folder beside this one has the name.
    pub(crate) name: &'static str,
    /// The Debian packages, each with what needs it.
    pub(crate) packages: &'static [(&'static str, &'static str)],
    /// Downloads and builds, while the machine's network is there; must be quick when all is there.
    pub(crate) prepare: fn(&Preparation) -> Result<()>,
    /// The encounter itself, in namespaces of its own.
    pub(crate) run: fn(&Ground) -> Result<Rows>,
}

/// Every part, in the order in which they run.
const PARTS: &[Part] = &[windows::PART];

/// What to meet.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what the parts need and this machine lacks
    #[arg(long)]
    install: bool,
    /// Only the parts whose names contain this
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Write what was seen to docs/strangers.md
    #[arg(long)]
    write: bool,
    /// Folder with the built programs instead of a debug build
    #[arg(long, value_name = "FOLDER")]
    programs: Option<PathBuf>,
}

/// What the half inside the namespaces is told.
#[derive(clap::Args)]
pub(crate) struct InsideArgs {
    part: String,
    #[arg(long)]
    programs: PathBuf,
    #[arg(long)]
    prepared: PathBuf,
    #[arg(long)]
    folder: PathBuf,
}

/// Returns the Debian packages of all parts.
pub(crate) fn packages() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARTS.iter().flat_map(|part| part.packages).copied()
}

/// Runs the parts by themselves.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let tools = Tools::new(&workspace);
    tools.install_basic();
    packages::ensure(&workspace, &tools, Size::Interop, args.install)?;
    let logs = workspace.target.join("xtask").join("interop");
    let mut report = Report::new(logs, None)?;
    let programs = match &args.programs {
        Some(folder) => folder.clone(),
        None => full::debug_build(&workspace, &mut report),
    };
    let only = args.only.as_deref().unwrap_or_default();
    let seen = meet(&workspace, &programs, only, &mut report);
    if args.write {
        page::write(&workspace, &seen)?;
    }
    if !seen.is_empty() {
        report.step("interop page", |_| page::check(&workspace, &seen));
    }
    pytest::step(&workspace, &tools, &programs, only, args.write, &mut report)?;
    report.finish()
}

/// The parts as steps of `cargo xtask test`.
pub(crate) fn steps(
    workspace: &Workspace,
    tools: &Tools,
    programs: &Path,
    report: &mut Report,
) -> Result<()> {
    let seen = meet(workspace, programs, "", report);
    report.step("interop page", |_| page::check(workspace, &seen));
    pytest::step(workspace, tools, programs, "", false, report)
}

/// Meets the strangers of the parts whose names contain `only`; returns what was seen of each part that ran.
fn meet(workspace: &Workspace, programs: &Path, only: &str, report: &mut Report) -> Vec<Row> {
    let mut seen = Vec::new();
    for part in PARTS.iter().filter(|part| part.name.contains(only)) {
        report.step(&format!("interop {}", part.name), |step| {
            let rows = meet_part(workspace, programs, part, step)?;
            let note = format!("{} rows", rows.seen.len());
            seen.extend(rows.seen);
            ensure!(rows.surprises.is_empty(), "{}", rows.surprises.join("; "));
            Ok(note)
        });
    }
    seen
}

fn meet_part(workspace: &Workspace, programs: &Path, part: &Part, step: &Step) -> Result<Rows> {
    let prepared = workspace.target.join("interop").join(part.name);
    fs::create_dir_all(&prepared)?;
    (part.prepare)(&Preparation::new(workspace, step, &prepared))
        .context("preparing the strangers")?;
    let folder = namespace::folder()?;
    let mut inside = namespace::again(["interop-inside", part.name])?;
    inside.arg("--programs").arg(programs);
    inside.arg("--prepared").arg(&prepared);
    inside.arg("--folder").arg(folder.path());
    let outcome = step.run(&mut inside);
    let rows = folder.path().join("rows.json");
    if let (Err(error), false) = (outcome, rows.exists()) {
        return Err(error);
    }
    Ok(serde_json::from_slice(&fs::read(rows)?)?)
}

/// The half of a part inside its namespaces; leaves its rows in the folder.
pub(crate) fn run_inside(args: &InsideArgs) -> Result<ExitCode> {
    let part = PARTS.iter().find(|part| part.name == args.part);
    let part = part.with_context(|| format!("no part is called {}", args.part))?;
    let log = File::from(rustix::io::dup(rustix::stdio::stdout())?);
    namespace::raise_loopback(&log)?;
    let ground = Ground {
        programs: args.programs.clone(),
        prepared: args.prepared.clone(),
        folder: args.folder.clone(),
        log,
    };
    let rows = (part.run)(&ground)?;
    fs::write(args.folder.join("rows.json"), serde_json::to_vec(&rows)?)?;
    Ok(ExitCode::SUCCESS)
}
