//! One step after the other: its progress while it runs, and all of them at the end.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process;

/// No program of a step runs longer.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// How much of a failed step's log is shown; the rest is in its file.
const SHOWN_LINES: usize = 200;
/// As much, where the log ends with what the failed tests printed.
const LINES_OF_TESTS: usize = 1000;

/// The steps done so far.
pub(crate) struct Report {
    logs: PathBuf,
    only: Option<String>,
    results: Vec<Finished>,
    record: Option<Record>,
    stopped: bool,
    started: Instant,
}

struct Finished {
    name: String,
    outcome: Outcome,
    time: Duration,
}

enum Outcome {
    Passed(String),
    PassedBefore,
    Failed(String),
    Skipped(String),
    NotRun,
}

/// Which steps have passed since the sources were changed last, kept in a file.
struct Record {
    file: PathBuf,
    state: String,
    passed_before: Vec<String>,
}

/// The error of a step that cannot be done here, and need not be: it says what is missing.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) &'static str);

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Skipped {}

/// What a step has to work with: the log that its programs write to.
pub(crate) struct Step {
    log: File,
    path: PathBuf,
}

impl Report {
    /// Starts with an empty folder of logs. Steps whose names do not contain `only` are left out.
    pub(crate) fn new(logs: PathBuf, only: Option<&str>) -> Result<Self> {
        if logs.exists() {
            fs::remove_dir_all(&logs)?;
        }
        fs::create_dir_all(&logs)?;
        Ok(Self {
            logs,
            only: only.map(str::to_owned),
            results: Vec::new(),
            record: None,
            stopped: false,
            started: Instant::now(),
        })
    }

    /// Keeps in the file which steps passed with the sources in this state. To `resume` leaves out those that passed
    /// before, in the same state.
    pub(crate) fn keep_record(&mut self, file: PathBuf, state: String, resume: bool) {
        let before = fs::read_to_string(&file).unwrap_or_default();
        let passed = before.strip_prefix(&state).filter(|_| resume);
        let passed_before = passed.into_iter().flat_map(str::lines).map(str::to_owned);
        self.record = Some(Record {
            file,
            state,
            passed_before: passed_before.collect(),
        });
    }

    /// Does a step; when it fails the next ones are done all the same. The text that it returns is
    /// shown beside its name.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce(&Step) -> Result<String>) {
        if self.only.as_ref().is_some_and(|only| !name.contains(only)) {
            return;
        }
        let started = Instant::now();
        let outcome = if self.stopped {
            Outcome::NotRun
        } else if self.has_passed_before(name) {
            Outcome::PassedBefore
        } else {
            self.perform(name, work)
        };
        let time = started.elapsed();
        let seconds = time.as_secs_f32();
        match &outcome {
            Outcome::Failed(reason) => eprintln!("{name}: FAILED {seconds:.1} s: {reason}"),
            Outcome::Passed(note) => eprintln!("ok {seconds:>7.1} s  {note}"),
            Outcome::Skipped(reason) => eprintln!("skipped: {reason}"),
            Outcome::PassedBefore | Outcome::NotRun => {}
        }
        self.results.push(Finished {
            name: name.to_owned(),
            outcome,
            time,
        });
    }

    /// Does a step without which the next ones say nothing: when it fails they are not run.
    pub(crate) fn gate(&mut self, name: &str, work: impl FnOnce(&Step) -> Result<String>) {
        let before = self.results.len();
        self.step(name, work);
        let gates = &self.results[before..];
        self.stopped |= gates
            .iter()
            .any(|gate| matches!(gate.outcome, Outcome::Failed(_)));
    }

    fn has_passed_before(&self, name: &str) -> bool {
        let before = self.record.iter().flat_map(|record| &record.passed_before);
        before.into_iter().any(|before| before == name)
    }

    fn perform(&self, name: &str, work: impl FnOnce(&Step) -> Result<String>) -> Outcome {
        eprint!("{name:<34}");
        let result = Step::new(&self.logs, name).and_then(|step| {
            let result = work(&step);
            result.inspect_err(|error| {
                if !error.is::<Skipped>() {
                    step.show();
                }
            })
        });
        match result {
            Ok(note) => Outcome::Passed(note),
            Err(error) => match error.downcast_ref() {
                Some(Skipped(reason)) => Outcome::Skipped((*reason).to_owned()),
                None => Outcome::Failed(format!("{error:#}")),
            },
        }
    }

    /// Prints the steps with their times, and last the line that counts them.
    pub(crate) fn finish(self) -> Result<ExitCode> {
        println!();
        for Finished {
            name,
            outcome,
            time,
        } in &self.results
        {
            let time = time.as_secs_f32();
            match outcome {
                Outcome::Passed(note) => println!("  ok      {name:<34}{time:>7.1} s  {note}"),
                Outcome::PassedBefore => println!("  ok      {name:<34}   before"),
                Outcome::Failed(reason) => println!("  FAILED  {name:<34}{time:>7.1} s  {reason}"),
                Outcome::Skipped(reason) => println!("  skipped {name:<34}           {reason}"),
                Outcome::NotRun => println!("  not run {name:<34}"),
            }
        }
        println!(
            "  took {:.1} minutes\n",
            self.started.elapsed().as_secs_f32() / 60.0
        );
        if self.results.is_empty() {
            println!("no step has that name");
        }
        let passed = self.passed().count();
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        match self.results.len() - passed - failed {
            0 => println!("{passed} passed, {failed} failed"),
            skipped => println!("{passed} passed, {failed} failed, {skipped} skipped"),
        }
        self.write_record()?;
        Ok(if failed == 0 && passed > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    fn count(&self, wanted: fn(&Outcome) -> bool) -> usize {
        let outcomes = self.results.iter().map(|result| &result.outcome);
        outcomes.filter(|outcome| wanted(outcome)).count()
    }

    fn passed(&self) -> impl Iterator<Item = &str> {
        let has_passed =
            |outcome: &Outcome| matches!(outcome, Outcome::Passed(_) | Outcome::PassedBefore);
        let passed = self.results.iter();
        let passed = passed.filter(move |result| has_passed(&result.outcome));
        passed.map(|result| result.name.as_str())
    }

    fn write_record(&self) -> Result<()> {
        let Some(record) = &self.record else {
            return Ok(());
        };
        let mut text = record.state.clone();
        for name in self.passed() {
            text += name;
            text.push('\n');
        }
        fs::write(&record.file, text).with_context(|| record.file.display().to_string())
    }
}

impl Step {
    fn new(logs: &Path, name: &str) -> Result<Self> {
        let file = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        let path = logs.join(file).with_added_extension("log");
        let log = File::create(&path).with_context(|| path.display().to_string())?;
        Ok(Self { log, path })
    }

    /// Runs a program of this step to a successful end.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        process::run(command, LIMIT, &self.log)
    }

    /// Runs a program of this step and returns what it printed.
    pub(crate) fn read(&self, command: &mut Command) -> Result<String> {
        process::read(command, LIMIT, &self.log)
    }

    /// Makes a folder beside the log, for a step with many logs.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        let folder = self.path.with_extension("");
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Writes a line to the log, for a finding that no program printed.
    pub(crate) fn note(&self, line: &str) -> Result<()> {
        Ok(writeln!(&self.log, "{line}")?)
    }

    /// Returns everything printed so far.
    pub(crate) fn log(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(&self.path)?).into_owned())
    }

    /// Shows what the failed tests printed, or the end of a log that has none.
    fn show(&self) {
        let log = self.log().unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let shown = end_of(&lines);
        eprintln!(
            "\n--- {} ({} of {} lines)",
            self.path.display(),
            shown.len(),
            lines.len()
        );
        for line in shown {
            eprintln!("{line}");
        }
        eprintln!("---");
    }
}

/// Returns the end of a log, from where the failed tests begin if there are any.
fn end_of<'l>(lines: &'l [&'l str]) -> &'l [&'l str] {
    // cargo-nextest shows them after its summary, cargo after this word.
    let failures = lines
        .iter()
        .position(|line| line.trim_start().starts_with("Summary [") || *line == "failures:");
    let (start, most) = match failures {
        Some(start) => (start, LINES_OF_TESTS),
        None => (0, SHOWN_LINES),
    };
    let shown = &lines[start..];
    &shown[shown.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests {
    use super::{SHOWN_LINES, end_of};

    #[test]
    fn the_failed_tests_are_shown() {
        let passed = vec!["test other ... ok"; 1000];
        let failed = vec![
            "failures:",
            "---- a::fails stdout ----",
            "left is not right",
        ];
        assert_eq!(end_of(&[passed.clone(), failed.clone()].concat()), failed);
        let failed = vec!["     Summary [   5.0s] 9 tests run", "left is not right"];
        assert_eq!(end_of(&[passed, failed.clone()].concat()), failed);
    }

    #[test]
    fn a_log_without_tests_is_shown_from_near_its_end() {
        let log = vec!["Compiling"; 2 * SHOWN_LINES];
        assert_eq!(end_of(&log).len(), SHOWN_LINES);
    }
}
