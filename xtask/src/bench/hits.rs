//! What a token from a cache in memory costs, beside MSAL Python and MSAL Node with the same cache on the same machine.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Figure;
use super::silent::{CROWD, crowd};
use crate::interop::Peer;
use crate::process;

/// The MSALs look at every account for each token.
const LIMIT: Duration = Duration::from_secs(600);
/// No silent hit may take longer, in microseconds.
const LIMIT_US: f64 = 1.0;

/// What a program that takes tokens from a cache prints.
#[derive(Deserialize)]
struct Times {
    load_ms: f64,
    accounts_ms: Option<f64>,
    silent_us: f64,
}

/// Measures ours, which has a limit, and those that are there to compare with.
pub(super) fn figures(ours: &Path, peers: &[Peer], log: &File) -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let (one, many) = (folder.path().join("one"), folder.path().join("many"));
    fs::write(&one, crowd(1)?.to_string())?;
    fs::write(&many, crowd(CROWD)?.to_string())?;
    let start = || Command::new(ours);
    let mut figures = measured(
        "Silentry",
        start,
        [one.as_path(), many.as_path()],
        Some(LIMIT_US),
        log,
    )?;
    for peer in peers {
        let start = || peer.command();
        figures.extend(measured(
            &peer.name,
            start,
            [one.as_path(), many.as_path()],
            None,
            log,
        )?);
    }
    Ok(figures)
}

fn measured(
    who: &str,
    start: impl Fn() -> Command,
    [one, many]: [&Path; 2],
    limit: Option<f64>,
    log: &File,
) -> Result<Vec<Figure>> {
    let times = |cache: &Path| -> Result<Times> {
        let printed = process::read(start().arg(cache), LIMIT, log)?;
        serde_json::from_str(&printed).with_context(|| format!("{who}: {printed:?}"))
    };
    let (one, many) = (times(one)?, times(many)?);
    let figure = |what: &str, value, limit, unit| Figure {
        what: format!("{who}: {what}"),
        value,
        limit,
        unit,
    };
    let mut figures = vec![
        figure("silent hit, 1 account", one.silent_us, limit, "µs"),
        figure("silent hit, 10,000 accounts", many.silent_us, limit, "µs"),
        figure("10,000 accounts read", many.load_ms, None, "ms"),
    ];
    let listed = many.accounts_ms;
    figures.extend(listed.map(|time| figure("10,000 accounts listed", time, None, "ms")));
    Ok(figures)
}
