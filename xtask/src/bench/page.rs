//! The figures as a table, and the page of the documentation that keeps them.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Figure;
use crate::workspace::Workspace;

const INTRODUCTION: &str = "\
# Measurements

Whole-process figures of the release build against the lab on the same machine: a program is started,
does its work and ends. Tokens from the cache are timed inside a program that has read the cache of one and of
10,000 accounts, ours and one with MSAL Python and MSAL Node each. `cargo xtask bench --write` measures and writes
this page; `cargo xtask test` fails when a limit is passed.
";

/// Returns the figures as a Markdown table, aligned for the terminal too.
pub(super) fn table(figures: &[Figure]) -> String {
    let mut text = format!(
        "| {:<44} | {:>16} | {:>16} |\n",
        "figure", "measured", "limit"
    );
    let _ = writeln!(text, "|{:-<46}|{:->17}:|{:->17}:|", "", "", "");
    for figure in figures {
        let limit = figure
            .limit
            .map_or(String::new(), |limit| amount(limit, figure.unit));
        let mark = if figure.is_over() { " OVER" } else { "" };
        let measured = amount(figure.value, figure.unit);
        let _ = writeln!(
            text,
            "| {:<44} | {measured:>16} | {limit:>16} |{mark}",
            figure.what
        );
    }
    text
}

/// Writes `docs/measurements.md`.
pub(super) fn write(workspace: &Workspace, figures: &[Figure], runs: u16) -> Result<()> {
    let folder = workspace.root.join("docs");
    fs::create_dir_all(&folder)?;
    let page = format!(
        "{INTRODUCTION}\n{}\nWall time is the median of at least {runs} runs, memory the largest of them, after one \
         run to warm up.\n\n{}",
        table(figures),
        circumstances(workspace)?,
    );
    let file = folder.join("measurements.md");
    fs::write(&file, page).with_context(|| file.display().to_string())
}

/// When, on what machine, and with which versions.
fn circumstances(workspace: &Workspace) -> Result<String> {
    let date = jiff::Timestamp::now().strftime("%e %B %Y").to_string();
    let processors = fs::read_to_string("/proc/cpuinfo")?;
    let models: Vec<_> = processors
        .lines()
        .filter_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, model)| model)
        .collect();
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kilobytes: f64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix("kB"))
        .context("/proc/meminfo has no MemTotal")?
        .trim()
        .parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let rustc = Command::new("rustc").arg("--version").output()?;
    ensure!(rustc.status.success(), "rustc --version failed");
    let commit = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(&workspace.root)
        .output()?;
    Ok(format!(
        "Measured {} on {} x {}, {:.0} GB of memory, Linux {}; {}; commit {}.\n",
        date.trim(),
        models.len(),
        models.first().context("/proc/cpuinfo names no processor")?,
        kilobytes / 1e6,
        kernel.trim(),
        String::from_utf8_lossy(&rustc.stdout).trim(),
        String::from_utf8_lossy(&commit.stdout).trim(),
    ))
}

fn amount(value: f64, unit: &str) -> String {
    if unit == "exchanges" {
        format!("{value:.0}")
    } else {
        format!("{value:.1} {unit}")
    }
}
