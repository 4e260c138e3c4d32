//! `cargo xtask bench`: what a sign-in costs, measured as a user pays it, with limits.

mod hits;
mod measure;
mod page;
mod silent;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use self::measure::measure;
use crate::interop::{self, Peer};
use crate::lab::Lab;
use crate::process;
use crate::release::{self, SIZE_LIMIT};
use crate::report::{Report, Step};
use crate::workspace::Workspace;

const MEGABYTE: f64 = 1e6;
/// How often a program is run for its median, unless told otherwise.
const RUNS: u16 = 31;
/// A program that ends at once is run this many times as often: it costs nothing.
const MORE_OFTEN: usize = 10;
const ATTEMPTS: usize = 3;
const PAUSE: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(60);

/// What to do with the figures.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fail when a figure is over its limit
    #[arg(long)]
    check: bool,
    /// Write the figures to docs/measurements.md
    #[arg(long)]
    write: bool,
    /// Measure the programs in this folder instead of building them
    #[arg(long, value_name = "FOLDER", conflicts_with = "write")]
    programs: Option<PathBuf>,
    /// How often each program is run
    #[arg(long, default_value_t = RUNS, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
}

/// One line of the table.
struct Figure {
    what: String,
    value: f64,
    /// The value that must not be passed; `None` for what is printed to compare with.
    limit: Option<f64>,
    unit: &'static str,
}

/// Builds the release binaries unless they are given, measures them and prints the table.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let built = match &args.programs {
        Some(folder) => folder.clone(),
        None => build(&workspace)?,
    };
    let folder = workspace.target.join("xtask");
    fs::create_dir_all(&folder)?;
    let log = File::create(folder.join("bench.log"))?;
    let mut figures = Programs::new(&built)?.figures(args.runs.into(), &log)?;
    // The test checks ours alone.
    let peers = match args.programs {
        Some(_) => Vec::new(),
        None => peers(&workspace, &folder)?,
    };
    let silent_hit = built.join("examples").join("silent_hit");
    figures.extend(hits::figures(&silent_hit, &peers, &log)?);
    print!("{}", page::table(&figures));
    if args.write {
        page::write(&workspace, &figures, args.runs)?;
    }
    if args.check {
        within_limits(&figures)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs those that we are compared with, where they are not yet.
fn peers(workspace: &Workspace, folder: &Path) -> Result<Vec<Peer>> {
    let mut report = Report::new(folder.join("bench"), None)?;
    let mut peers = Vec::new();
    report.step("programs to compare with", |step| {
        peers = interop::peers(workspace, step)?;
        Ok(String::new())
    });
    ensure!(!peers.is_empty(), "there is nobody to compare with");
    Ok(peers)
}

fn build(workspace: &Workspace) -> Result<PathBuf> {
    for what in release::PROGRAMS {
        let build = format!("build --release {what}");
        let status = workspace.cargo(&build).status()?;
        ensure!(status.success(), "cargo {build} ended with {status}");
    }
    Ok(workspace.target.join("release"))
}

/// Measures built programs as a step of the test, from a new process: the kernel counts the memory of
/// the one that starts a program as the program's own, and by now the test holds a lot.
///
/// A machine can be busy for a moment: what is over a limit is over it three times in a row.
pub(crate) fn check(programs: &Path, step: &Step) -> Result<String> {
    let mut bench = Command::new(std::env::current_exe()?);
    bench.args(["bench", "--check", "--programs"]).arg(programs);
    let mut measured = step.run(&mut bench);
    for _ in 1..ATTEMPTS {
        if measured.is_ok() {
            break;
        }
        thread::sleep(PAUSE);
        measured = step.run(&mut bench);
    }
    measured?;
    // The figures column of the table that was printed.
    let log = step.log()?;
    let figures = log
        .lines()
        .filter_map(|line| Some(line.split('|').nth(2)?.trim()));
    Ok(figures
        .filter(|figure| figure.starts_with(|first: char| first.is_ascii_digit()))
        .collect::<Vec<_>>()
        .join(", "))
}

fn within_limits(figures: &[Figure]) -> Result<()> {
    let over: Vec<_> = figures.iter().filter(|figure| figure.is_over()).collect();
    if over.is_empty() {
        return Ok(());
    }
    bail!(
        "over the limit: {}",
        over.into_iter()
            .map(Figure::short)
            .collect::<Vec<_>>()
            .join(", ")
    )
}

impl Figure {
    fn is_over(&self) -> bool {
        self.limit.is_some_and(|limit| self.value > limit)
    }

    fn short(&self) -> String {
        format!("{:.1} {}", self.value, self.unit)
    }
}

/// The programs that are measured.
struct Programs {
    silentry: PathBuf,
    lab: PathBuf,
    empty: PathBuf,
}

impl Programs {
    fn new(folder: &Path) -> Result<Self> {
        let empty = process::find("true").context("there is no program true")?;
        Ok(Self {
            silentry: folder.join("silentry"),
            lab: folder.join("silentry-lab"),
            empty,
        })
    }

    fn figures(&self, runs: usize, log: &File) -> Result<Vec<Figure>> {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let often = runs * MORE_OFTEN;
        let empty = measure(often, || Ok(Command::new(&self.empty)))?;
        let version = measure(often, || {
            let mut command = Command::new(&self.silentry);
            command.arg("--version");
            Ok(command)
        })?;
        let folder = tempfile::tempdir()?;
        let lab = Lab::start(&self.lab, &folder.path().join("lab"), [""; 0], log)?;
        let token = self.token(runs, &lab, folder.path())?;
        let silent = silent::silent(&self.silentry, &lab, folder.path(), runs)?;
        let over_empty = |cost: &measure::Cost| milliseconds(cost.wall.saturating_sub(empty.wall));
        let size = fs::metadata(&self.silentry)?.len();
        let figure = |what: &str, value, limit, unit| Figure {
            what: what.to_owned(),
            value,
            limit,
            unit,
        };
        Ok(vec![
            figure(
                "`silentry token --mode iwa`, wall",
                milliseconds(token.wall),
                Some(150.0),
                "ms",
            ),
            figure(
                "`silentry token --mode iwa`, peak memory",
                token.peak_memory as f64 / MEGABYTE,
                Some(25.0),
                "MB",
            ),
            figure(
                "`silentry token --mode silent`, over `true`",
                over_empty(&silent.signed_in),
                Some(6.0),
                "ms",
            ),
            figure(
                "the same with `--username`, over `true`",
                over_empty(&silent.named),
                Some(6.0),
                "ms",
            ),
            figure(
                "the same of 10,000 accounts, over `true`",
                over_empty(&silent.of_many),
                None,
                "ms",
            ),
            figure(
                "HTTP exchanges of a first sign-in",
                self.exchanges(log)? as f64,
                Some(4.0),
                "exchanges",
            ),
            figure(
                "`silentry --version`, wall",
                milliseconds(version.wall),
                Some(3.0),
                "ms",
            ),
            figure(
                "`true`, wall, to compare",
                milliseconds(empty.wall),
                None,
                "ms",
            ),
            figure(
                "size of `silentry`",
                size as f64 / MEGABYTE,
                Some(SIZE_LIMIT as f64 / MEGABYTE),
                "MB",
            ),
        ])
    }

    /// A first sign-in each time: the lab is warm, the command knows nothing from before.
    fn token(&self, runs: usize, lab: &Lab, folder: &Path) -> Result<measure::Cost> {
        let mut number = 0;
        measure(runs, || {
            number += 1;
            let home = folder.join(number.to_string());
            fs::create_dir(&home)?;
            fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
            let mut command = Command::new(&self.silentry);
            command.args(["token", "--mode", "iwa"]);
            lab.enter(&mut command);
            command.env("HOME", &home).env("XDG_RUNTIME_DIR", &home);
            Ok(command)
        })
    }

    fn exchanges(&self, log: &File) -> Result<usize> {
        let mut demo = Command::new(&self.lab);
        demo.args(["demo", "--output", "json"]);
        let answer = process::read(&mut demo, LIMIT, log).context("silentry-lab demo")?;
        let answer: Value = serde_json::from_str(&answer)?;
        ensure!(answer["ok"] == true, "silentry-lab demo did not sign in");
        let exchanges = answer["exchanges"]
            .as_array()
            .context("demo names no exchanges")?;
        Ok(exchanges.len())
    }
}
