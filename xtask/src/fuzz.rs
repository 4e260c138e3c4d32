//! Some seconds of fuzzing for each parser of what the network or a file says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::process;
use crate::report::Step;
use crate::tools::Tools;
use crate::workspace::Workspace;

/// The project's own documents, a folder for each target.
const OWN_SEEDS: &str = "fuzz/seeds";
/// Names documents of other projects, of all kinds: libFuzzer keeps for a target what reaches new code.
const SEEDS: &str = "SILENTRY_TESTDATA";
/// What all targets have together on one processor, in seconds. That is enough to see each of them work and to find
/// what is easily found; who changes a parser fuzzes it for longer.
const SECONDS: u64 = 60;
/// No parser may think longer about one input, in seconds.
const INPUT_LIMIT: u64 = 5;
/// What starting, replaying the seeds and minimising a find may take beyond the fuzzing itself.
const GRACE: Duration = Duration::from_secs(120);

/// Lints and builds all targets and runs each for some seconds, as many at once as there are processors.
pub(crate) fn run(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    let fuzzer = Fuzzer {
        workspace,
        tools,
        logs: step.folder()?,
    };
    let mut clippy = workspace.cargo("clippy --manifest-path fuzz/Cargo.toml --target-dir");
    clippy.arg(workspace.target.join("fuzz"));
    step.run(clippy.args(["--", "-D", "warnings"]))?;
    step.run(&mut fuzzer.command("build", None)?)?;
    let targets = fuzzer.targets(step)?;
    let seeds = folders(&workspace.root.join(OWN_SEEDS))?;
    ensure!(
        seeds == targets,
        "{OWN_SEEDS} has {seeds:?}, the targets are {targets:?}"
    );

    let seconds = (SECONDS / targets.len() as u64).max(1);
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let mut executions = 0;
    let mut failed = Vec::new();
    for batch in targets.chunks(at_once) {
        let results: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = batch
                .iter()
                .map(|target| scope.spawn(|| fuzzer.fuzz(target, seconds)))
                .collect();
            running
                .into_iter()
                .map(|thread| thread.join().expect("fuzz() does not panic"))
                .collect()
        });
        for (target, result) in batch.iter().zip(results) {
            match result {
                Ok(count) => executions += count,
                Err(error) => {
                    step.note(&format!("{target}: {error:#}"))?;
                    failed.push(target.as_str());
                }
            }
        }
    }
    if !failed.is_empty() {
        bail!("{} found something", failed.join(", "));
    }
    Ok(format!(
        "{} targets, {:.1} million executions",
        targets.len(),
        executions as f64 / 1e6
    ))
}

struct Fuzzer<'a> {
    workspace: &'a Workspace,
    tools: &'a Tools,
    logs: PathBuf,
}

impl Fuzzer<'_> {
    /// Returns a cargo-fuzz command; its sanitizer flags are unstable, so the stable compiler must be
    /// told that they are wanted.
    fn command(&self, verb: &str, target: Option<&str>) -> Result<Command> {
        let mut command = self
            .workspace
            .cargo(&format!("fuzz {verb} --fuzz-dir fuzz"));
        command.args(target);
        if verb != "list" {
            command
                .arg("--target-dir")
                .arg(self.workspace.target.join("fuzz"));
        }
        command.env("RUSTC_BOOTSTRAP", "1");
        self.tools.enable(&mut command)?;
        Ok(command)
    }

    fn targets(&self, step: &Step) -> Result<Vec<String>> {
        let list = step.read(&mut self.command("list", None)?)?;
        let lines = list.lines().map(str::trim);
        let mut targets: Vec<_> = lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        targets.sort();
        Ok(targets)
    }

    /// Returns how many inputs the target was given.
    fn fuzz(&self, target: &str, seconds: u64) -> Result<u64> {
        let path = self.logs.join(target).with_extension("log");
        let log = File::create(&path)?;
        let corpus = self
            .workspace
            .target
            .join("fuzz")
            .join("corpus")
            .join(target);
        fs::create_dir_all(&corpus)?;
        let mut command = self.command("run", Some(target))?;
        command
            .arg(&corpus)
            .arg(self.workspace.root.join(OWN_SEEDS).join(target));
        let seeds = std::env::var_os(SEEDS).map_or_else(PathBuf::new, PathBuf::from);
        if seeds.is_dir() {
            command.arg(seeds);
        }
        command.args([
            "--".to_owned(),
            format!("-max_total_time={seconds}"),
            format!("-timeout={INPUT_LIMIT}"),
            "-print_final_stats=1".to_owned(),
        ]);
        let result = process::run(&mut command, Duration::from_secs(seconds) + GRACE, &log);
        let printed = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
        result.with_context(|| last_lines(&printed, &path))?;
        printed
            .lines()
            .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
            .and_then(|count| count.trim().parse().ok())
            .with_context(|| format!("no count of executions in {}", path.display()))
    }
}

/// Returns the names of the folders in a folder that hold something.
fn folders(parent: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(parent).with_context(|| parent.display().to_string())? {
        let entry = entry?;
        if fs::read_dir(entry.path())?.next().is_some() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn last_lines(printed: &str, path: &Path) -> String {
    let lines: Vec<_> = printed.lines().collect();
    let last = lines[lines.len().saturating_sub(40)..].join("\n");
    format!("{last}\n(all of it in {})", path.display())
}
