//! The times of HTTP (RFC 9110 section 5.6.7), as in `Date`.

use std::time::SystemTime;

/// Reads a time in any of the three forms; `None` when it is none.
///
/// ```
/// use silentry_protocol::http::date;
///
/// let text = "Sun, 06 Nov 1994 08:49:37 GMT";
/// assert_eq!(date::format(date::parse(text).unwrap()), text);
/// ```
#[must_use]
pub fn parse(value: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(value).ok()
}

/// Writes a time in the form that everybody writes today.
///
/// # Panics
/// After the year 9999, for which that form has no room.
#[must_use]
pub fn format(time: SystemTime) -> String {
    httpdate::fmt_http_date(time)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn the_three_forms_are_one_time() {
        let time = UNIX_EPOCH + Duration::from_secs(784_111_777);
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse(text), Some(time), "{text}");
        }
        assert_eq!(format(time), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "now", "784111777", "Sun, 06 Nov 1994 08:49:37 CET"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
