//! Writing to stdout.

use std::io::{ErrorKind, Write};

use serde_json::Value;
use silentry::text::{is_invisible, printable};

use crate::failure::Failure;

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

/// Returns a JSON value on one line, in which what could steer a terminal is escaped: C1 controls, bidirectional
/// overrides and all that shows nothing. JSON itself demands it of C0 controls alone (RFC 8259, 7).
pub(crate) fn json_text(value: &Value) -> String {
    let text = value.to_string();
    let mut escaped = String::with_capacity(text.len());
    // Outside of strings there is none of them.
    for c in text.chars() {
        match is_invisible(c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_hides_nothing_and_stays_the_same_value() {
        let value = Value::from("a\u{9b}31m\u{7f}\u{202e}b\u{2028}\u{e0041}\u{1b}ä𝄞\"");
        let text = json_text(&value);
        assert!(!text.contains(is_invisible), "{text:?}");
        assert!(text.contains("ä𝄞") && text.contains("\\u202e"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
