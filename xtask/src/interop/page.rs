//! `docs/strangers.md`: who was met, in which version, and how it went.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::workspace::Workspace;

/// The tables of the page, in its order.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) enum Table {
    /// The Windows programs.
    Windows,
}

const TABLES: [(Table, &str); 1] = [(Table::Windows, "The Windows programs, under Wine")];

/// One encounter and how it went.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Row {
    table: Table,
    who: String,
    version: String,
    what: String,
    /// Why it cannot work, where it does not: the part has seen this very failure.
    red: Option<String>,
}

/// What a part has seen, and what it did not expect.
#[derive(Default, Deserialize, Serialize)]
pub(crate) struct Rows {
    pub(super) seen: Vec<Row>,
    pub(super) surprises: Vec<String>,
}

impl Rows {
    /// Adds an encounter that must work; an error makes the part fail, after the others were tried.
    pub(crate) fn works(
        &mut self,
        table: Table,
        (who, version): (&str, &str),
        what: &str,
        outcome: Result<()>,
    ) {
        match outcome {
            Ok(()) => self.add(table, (who, version), what, None),
            Err(error) => self.surprise(who, what, &error),
        }
    }

    /// Adds an encounter that cannot work, once the part has seen that it fails as `why` says.
    pub(crate) fn cannot_work(
        &mut self,
        table: Table,
        (who, version): (&str, &str),
        what: &str,
        why: &str,
        seen: Result<()>,
    ) {
        match seen {
            Ok(()) => self.add(table, (who, version), what, Some(why.to_owned())),
            Err(error) => self.surprise(who, what, &error),
        }
    }

    fn add(&mut self, table: Table, (who, version): (&str, &str), what: &str, red: Option<String>) {
        println!("seen: {who} {version}: {what}");
        self.seen.push(Row {
            table,
            who: who.to_owned(),
            version: version.to_owned(),
            what: what.to_owned(),
            red,
        });
    }

    fn surprise(&mut self, who: &str, what: &str, error: &anyhow::Error) {
        println!("SURPRISE: {who}: {what}: {error:#}");
        self.surprises.push(format!("{who}: {what}: {error:#}"));
    }
}

impl Row {
    /// The row as a line of the page, without its version, which differs between machines.
    fn key(&self) -> [&str; 3] {
        [
            &self.who,
            &self.what,
            self.red.as_deref().unwrap_or("works"),
        ]
    }
}

/// Writes what was seen to its tables of the page; all others stay as they are.
pub(super) fn write(workspace: &Workspace, seen: &[Row]) -> Result<()> {
    let mut page = fs::read_to_string(path(workspace))?;
    for (table, title) in TABLES {
        let rows: Vec<_> = seen.iter().filter(|row| row.table == table).collect();
        if !rows.is_empty() {
            let old = section(&page, title).with_context(|| format!("no table {title}"))?;
            let heading = format!("\n## {title}\n");
            page = page.replace(
                &format!("{heading}{old}"),
                &format!("{heading}{}", render(&rows)),
            );
        }
    }
    Ok(fs::write(path(workspace), page)?)
}

/// Checks that the page has what was seen, and nothing else in the tables of which something was seen.
pub(super) fn check(workspace: &Workspace, seen: &[Row]) -> Result<String> {
    ensure!(!seen.is_empty(), "nothing was seen");
    let page = fs::read_to_string(path(workspace))?;
    let mut differences = Vec::new();
    for (table, title) in TABLES {
        let rows: Vec<_> = seen.iter().filter(|row| row.table == table).collect();
        if rows.is_empty() {
            continue;
        }
        let seen: BTreeSet<_> = rows
            .iter()
            .map(|row| row.key().map(str::to_owned))
            .collect();
        let told = told(section(&page, title).unwrap_or_default());
        differences.extend(
            seen.difference(&told)
                .map(|row| format!("seen, not told: {row:?}")),
        );
        differences.extend(
            told.difference(&seen)
                .map(|row| format!("told, not seen: {row:?}")),
        );
    }
    ensure!(
        differences.is_empty(),
        "docs/strangers.md differs (`cargo xtask interop --write` writes it):\n{}",
        differences.join("\n")
    );
    Ok(format!("{} rows", seen.len()))
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.root.join("docs").join("strangers.md")
}

fn render(rows: &[&Row]) -> String {
    let mut text = String::from("\n| who | version | what | result |\n|---|---|---|---|\n");
    for row in rows {
        let [who, what, result] = row.key();
        text += &format!("| {who} | {} | {what} | {result} |\n", row.version);
    }
    text
}

/// Returns what stands under a title, up to the next one.
fn section<'a>(page: &'a str, title: &str) -> Option<&'a str> {
    let (_, rest) = page.split_once(&format!("\n## {title}\n"))?;
    Some(rest.split_once("\n## ").map_or(rest, |(body, _)| body))
}

/// Reads the rows of a table back: who, what, result.
fn told(section: &str) -> BTreeSet<[String; 3]> {
    let rows = section.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .strip_prefix("| ")?
            .strip_suffix(" |")?
            .split(" | ")
            .collect();
        let [who, _, what, result] = cells.try_into().ok()?;
        (who != "who").then(|| [who, what, result].map(str::to_owned))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::{Row, Table, render, section, told};

    #[test]
    fn what_is_rendered_is_read_back_without_the_version() {
        let row = |who: &str, red: Option<&str>| Row {
            table: Table::Windows,
            who: who.into(),
            version: "1.20".into(),
            what: "sign-in".into(),
            red: red.map(str::to_owned),
        };
        let rows = [row("MIT", None), row("Other", Some("too old"))];
        let page = format!(
            "# T\n\n## A\n{}\n## B\n\nno table\n",
            render(&rows.each_ref())
        );
        let told = told(section(&page, "A").unwrap());
        let keys = rows.each_ref().map(|row| row.key().map(str::to_owned));
        assert_eq!(told, keys.into());
        assert_eq!(section(&page, "C"), None);
    }
}
