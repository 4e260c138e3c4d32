//! One step after the other: its progress while it runs, and all of them at the end.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process;

/// No program of a step runs longer: the whole test aims at 25 minutes.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// How much of a failed step's log is shown; the rest is in its file.
const SHOWN_LINES: usize = 200;
/// How much of a failed test's output is shown.
const LINES_OF_A_TEST: usize = 60;

/// The steps done so far.
pub(crate) struct Report {
    logs: PathBuf,
    only: Option<String>,
    results: Vec<Finished>,
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
    Failed(String),
    NotRun,
}

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
            stopped: false,
            started: Instant::now(),
        })
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
        } else {
            self.perform(name, work)
        };
        let time = started.elapsed();
        let seconds = time.as_secs_f32();
        match &outcome {
            Outcome::Failed(reason) => eprintln!("{name}: FAILED {seconds:.1} s: {reason}"),
            Outcome::Passed(note) => eprintln!("ok {seconds:>7.1} s  {note}"),
            Outcome::NotRun => {}
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

    fn perform(&self, name: &str, work: impl FnOnce(&Step) -> Result<String>) -> Outcome {
        eprint!("{name:<34}");
        let result = Step::new(&self.logs, name).and_then(|step| {
            let result = work(&step);
            result.inspect_err(|_| step.show())
        });
        result.map_or_else(
            |error| Outcome::Failed(format!("{error:#}")),
            Outcome::Passed,
        )
    }

    /// Prints the steps with their times, and last the line that counts them.
    pub(crate) fn finish(self) -> ExitCode {
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
                Outcome::Failed(reason) => println!("  FAILED  {name:<34}{time:>7.1} s  {reason}"),
                Outcome::NotRun => println!("  not run {name:<34}"),
            }
        }
        println!(
            "  took {:.1} minutes\n",
            self.started.elapsed().as_secs_f32() / 60.0
        );
        let count = |wanted: fn(&Outcome) -> bool| {
            self.results
                .iter()
                .filter(|result| wanted(&result.outcome))
                .count()
        };
        let passed = count(|outcome| matches!(outcome, Outcome::Passed(_)));
        let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
        if self.results.is_empty() {
            println!("no step has that name");
        }
        match self.results.len() - passed - failed {
            0 => println!("{passed} passed, {failed} failed"),
            skipped => println!("{passed} passed, {failed} failed, {skipped} skipped"),
        }
        if failed == 0 && passed > 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
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

    /// Shows the failed tests with their messages, or the end of a log that has none.
    fn show(&self) {
        let log = self.log().unwrap_or_default();
        let failed = failed_tests(&log);
        let shown = if failed.is_empty() {
            let lines: Vec<_> = log.lines().collect();
            lines[lines.len().saturating_sub(SHOWN_LINES)..].to_vec()
        } else {
            failed
        };
        eprintln!(
            "\n--- {} ({} of {} lines)",
            self.path.display(),
            shown.len(),
            log.lines().count()
        );
        for line in shown {
            eprintln!("{line}");
        }
        eprintln!("---");
    }
}

/// Returns what cargo's test runner printed of each failed test, its name first, without what stands between: the
/// tests of all packages that ran after it.
fn failed_tests(log: &str) -> Vec<&str> {
    let mut shown = Vec::new();
    let mut of_one: Option<usize> = None;
    for line in log.lines() {
        if line.starts_with("---- ") && line.ends_with(" ----") {
            of_one = Some(0);
        } else if line == "failures:" || line.starts_with("test result:") {
            of_one = None;
        }
        match &mut of_one {
            Some(count) if *count < LINES_OF_A_TEST => {
                *count += 1;
                shown.push(line);
            }
            Some(count) if *count == LINES_OF_A_TEST => {
                *count += 1;
                shown.push("[more in the file]");
            }
            // A crash ends a test program without telling which test it was.
            None if line.contains("process didn't exit successfully") => shown.push(line),
            _ => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::{LINES_OF_A_TEST, failed_tests};

    #[test]
    fn the_failed_tests_are_found_among_thousands_of_lines() {
        let passed = "test other ... ok\n".repeat(1000);
        let long = "noise\n".repeat(2 * LINES_OF_A_TEST);
        let log = format!(
            "{passed}test a::fails ... FAILED\n\nfailures:\n\n---- a::fails stdout ----\nthread panicked:\nleft is not \
             right\n\n---- b stdout ----\n{long}\nfailures:\n    a::fails\n    b\n\ntest result: FAILED. 1000 \
             passed; 2 failed\n{passed}"
        );
        let shown = failed_tests(&log);
        assert_eq!(
            shown[..3],
            [
                "---- a::fails stdout ----",
                "thread panicked:",
                "left is not right"
            ]
        );
        assert!(shown.contains(&"---- b stdout ----"));
        assert_eq!(shown.last(), Some(&"[more in the file]"));
        assert!(shown.len() < LINES_OF_A_TEST + 10, "{shown:?}");
    }

    #[test]
    fn a_program_that_crashed_is_shown() {
        let crash =
            "  process didn't exit successfully: `target/debug/deps/a-1` (signal: 11, SIGSEGV)";
        let log =
            format!("test b ... ok\nerror: test failed\n\nCaused by:\n{crash}\ntest c ... ok\n");
        assert_eq!(failed_tests(&log), [crash]);
    }

    #[test]
    fn a_log_without_tests_has_none() {
        assert!(failed_tests("error: it does not compile\n").is_empty());
    }
}
