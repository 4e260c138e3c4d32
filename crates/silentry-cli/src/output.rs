//! Writing to stdout.

use std::io::{ErrorKind, Write};

use serde_json::Value;
use silentry::text::printable;

use crate::failure::Failure;
use crate::values::json_text;

/// Characters of a name that are shown.
const MAX_NAME: usize = 200;

/// Returns a name that a server, a cache or a file told, fit to be shown.
pub(crate) fn name(text: &str) -> String {
    printable(text, MAX_NAME)
}

/// Writes one line as it is. A reader that has gone away is no failure of ours.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(b"\n"))
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::other(
            "output_failed",
            format!("stdout cannot be written: {error}"),
            "Check where the output goes.",
            "request",
        )),
        _ => Ok(()),
    }
}

/// Writes a JSON value on one line.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    line(&json_text(value))
}
