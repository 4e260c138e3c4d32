//! Values as the command prints them: JSON on one line, and times.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use silentry::text::is_invisible;

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

/// Returns a time in seconds since 1970.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Returns a time as text, in UTC.
pub(crate) fn rfc3339(time: SystemTime) -> Option<String> {
    let seconds = i64::try_from(unix_seconds(time)).ok()?;
    jiff::Timestamp::from_second(seconds)
        .ok()
        .map(|time| time.to_string())
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
