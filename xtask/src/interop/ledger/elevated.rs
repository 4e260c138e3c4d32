//! A set-user-ID copy of the command, whose caller must not choose the code that it runs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::interop::Ground;
use crate::process;

const LIMIT: Duration = Duration::from_secs(60);
const LIBRARY: &str = "/nonexistent/chosen-by-the-caller.so";

/// The library that the caller's environment names is loaded by a plain copy, and not by one with root's rights.
pub(super) fn takes_no_library(ground: &Ground) -> Result<()> {
    // The caller must reach the copies.
    fs::set_permissions(&ground.folder, Permissions::from_mode(0o755))?;
    let plain = said(&copy(ground, "plain", 0o755)?)?;
    ensure!(
        plain["error"] == "kerberos_library_missing"
            && plain["message"].to_string().contains(LIBRARY),
        "a plain copy: {plain}"
    );
    let elevated = said(&copy(ground, "elevated", 0o4755)?)?;
    ensure!(
        elevated["error"].is_string() && !elevated.to_string().contains(LIBRARY),
        "a set-user-ID copy: {elevated}"
    );
    Ok(())
}

fn copy(ground: &Ground, name: &str, mode: u32) -> Result<PathBuf> {
    let file = ground.folder.join(name);
    fs::copy(ground.programs.join("silentry"), &file)?;
    fs::set_permissions(&file, Permissions::from_mode(mode))?;
    Ok(file)
}

/// Runs a copy as nobody, without a ticket, and returns the error that it must end with.
fn said(program: &Path) -> Result<Value> {
    let mut nobody = process::command("setpriv --reuid 65534 --regid 65534 --clear-groups --");
    nobody.arg(program);
    nobody.args(["token", "--mode", "iwa", "--cache", "none", "-o", "json"]);
    nobody.args(["--tenant", "contoso.test", "--scope", "api://test/.default"]);
    nobody.args(["--client-id", "11111111-1111-1111-1111-111111111111"]);
    nobody.env_clear().env("SILENTRY_GSSAPI_LIBRARY", LIBRARY);
    let answer = process::answer(&mut nobody, LIMIT)?;
    let said = String::from_utf8_lossy(&answer.stderr);
    let errors = said.lines().rev();
    let mut errors = errors.filter_map(|line| serde_json::from_str(line).ok());
    errors.next().with_context(|| format!("no error: {said}"))
}
