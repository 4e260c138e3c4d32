//! The steps that need nothing but Rust and the system's Kerberos library: form, tests, lints, documentation, licences.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs, thread};

use anyhow::{Result, ensure};

use crate::report::{Report, Skipped, Step};
use crate::tools::Tools;
use crate::workspace::Workspace;

/// What the tests are built of: all packages, with the feature that is off by default.
const PACKAGES: &str = "--workspace --features silentry/blocking --locked";
/// Where the tests find documents of other projects.
const DOCUMENTS: &str = "SILENTRY_TESTDATA";
/// A file to which each test that finds none adds a line.
const WITHOUT_DOCUMENTS: &str = "SILENTRY_TESTS_WITHOUT_DOCUMENTS";

/// Runs the steps.
pub(crate) fn steps(workspace: &Workspace, tools: &Tools, report: &mut Report) {
    let run = |step: &Step, line: &str| step.run(&mut workspace.cargo(line));
    report.step("format", |step| {
        run(step, "fmt --all --check")?;
        run(step, "fmt --manifest-path fuzz/Cargo.toml --check")?;
        Ok(String::new())
    });
    report.gate("build the tests", |step| {
        run(step, &format!("test {PACKAGES} --no-run"))?;
        Ok(String::new())
    });
    report.step("tests", |step| tests(workspace, tools, step));
    report.step("documentation tests", |step| {
        run(step, &format!("test {PACKAGES} --doc"))?;
        count_tests(step)
    });
    report.step("clippy", |step| {
        run(
            step,
            "clippy --workspace --all-targets --all-features --locked -- -D warnings",
        )?;
        Ok(String::new())
    });
    report.step("documentation", |step| {
        let mut command = workspace.cargo("doc --workspace --no-deps --all-features --locked");
        step.run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
        Ok(String::new())
    });
    report.step("licences", |step| licences(workspace, tools, step));
}

/// Runs the tests that are not ignored.
fn tests(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    let missing = step.folder()?.join("without-documents");
    let without_documents = match env::var_os(DOCUMENTS).filter(|name| name != "none") {
        Some(_) => None,
        None => Some(missing.as_path()),
    };
    let mut note = run_tests(workspace, tools, step, &[], without_documents)?;
    if let Some(file) = without_documents {
        let lines = fs::read_to_string(file).unwrap_or_default();
        let tests = lines.lines().collect::<BTreeSet<_>>().len();
        if tests > 0 {
            note += &format!(
                "; {tests} of them without the documents of other projects: {DOCUMENTS} names none"
            );
        }
    }
    Ok(note)
}

/// Runs the tests that are ignored by default and have one of the words in their path.
#[cfg(unix)]
pub(crate) fn ignored_tests(
    workspace: &Workspace,
    tools: &Tools,
    step: &Step,
    words: &[&str],
) -> Result<String> {
    run_tests(workspace, tools, step, words, None)
}

/// Runs tests by cargo-nextest, or by cargo where there is none; `ignored` chooses among those that are ignored.
fn run_tests(
    workspace: &Workspace,
    tools: &Tools,
    step: &Step,
    ignored: &[&str],
    without_documents: Option<&Path>,
) -> Result<String> {
    let has_nextest = tools.has("nextest")?;
    let mut tests: Command;
    if has_nextest {
        tests = workspace.cargo(&format!("nextest run {PACKAGES}"));
        // Most tests wait for answers more than they compute.
        let processors = thread::available_parallelism().map_or(1, usize::from);
        tests.arg(format!("--test-threads={}", 2 * processors));
        if !ignored.is_empty() {
            tests.args(["--run-ignored", "only"]);
        }
        for word in ignored {
            tests.arg("-E").arg(format!("test({word})"));
        }
    } else {
        tests = workspace.cargo(&format!("test {PACKAGES} --all-targets"));
        if !ignored.is_empty() {
            tests.args(["--", "--ignored"]).args(ignored);
        }
    }
    tools.enable(&mut tests)?;
    if let Some(file) = without_documents {
        tests.env(WITHOUT_DOCUMENTS, file);
    }
    step.run(&mut tests)?;
    let count = count_tests(step)?;
    Ok(if has_nextest {
        count
    } else {
        format!(
            "{count}, by `cargo test`: cargo-nextest, which shows failures better, is not installed"
        )
    })
}

/// Licences and sources count for everything in the lock file; duplicates for what ships. Vulnerable and yanked crates
/// are known on the network alone, and the hosted workflow asks there.
fn licences(workspace: &Workspace, tools: &Tools, step: &Step) -> Result<String> {
    if !tools.has("deny")? {
        return Err(Skipped("cargo-deny is not installed").into());
    }
    let everything = "deny --workspace --all-features check -D license-not-encountered";
    let shipped = "deny --manifest-path crates/silentry-cli/Cargo.toml --exclude-dev check";
    for line in [
        format!("{everything} licenses sources"),
        format!("{shipped} -D unmatched-skip bans"),
    ] {
        let mut command = workspace.cargo(&line);
        tools.enable(&mut command)?;
        step.run(&mut command)?;
    }
    Ok("and duplicates; advisories are for the hosted workflow".to_owned())
}

/// Returns how many tests passed, from the lines of cargo and of cargo-nextest; none at all is a failure.
pub(crate) fn count_tests(step: &Step) -> Result<String> {
    let passed = passed_tests(&step.log()?);
    ensure!(passed > 0, "no test ran");
    Ok(format!("{passed} tests"))
}

fn passed_tests(log: &str) -> u64 {
    let by_cargo = |line: &str| line.strip_prefix("test result: ok. ").map(str::to_owned);
    // Summary [   1.234s] 12 tests run: 12 passed (1 slow), 3 skipped
    let by_nextest = |line: &str| {
        let (_, counts) = line
            .trim_start()
            .strip_prefix("Summary [")?
            .split_once(": ")?;
        Some(counts.to_owned())
    };
    log.lines()
        .filter_map(|line| by_cargo(line).or_else(|| by_nextest(line)))
        .filter_map(|counts| counts.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::passed_tests;

    #[test]
    fn passed_tests_are_counted() {
        let by_cargo = "test a ... ok\ntest result: ok. 3 passed; 0 failed; 1 ignored\n";
        assert_eq!(passed_tests(&by_cargo.repeat(2)), 6);
        let by_nextest = "     Summary [   5.0s] 12 tests run: 12 passed (1 slow), 3 skipped\n";
        assert_eq!(passed_tests(by_nextest), 12);
        assert_eq!(passed_tests("error: it does not compile\n"), 0);
    }
}
