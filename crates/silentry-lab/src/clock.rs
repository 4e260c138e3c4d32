//! A clock that can be wrong, and the two ways WS-Trust and Entra write a time.

use std::time::Duration;

use time::{OffsetDateTime, UtcDateTime};

/// The time as one service of the lab believes it to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    ahead: Duration,
}

impl Clock {
    /// Returns a clock that runs ahead of the machine's.
    pub(crate) fn ahead_by(ahead: Duration) -> Self {
        Self { ahead }
    }

    pub(crate) fn now(self) -> OffsetDateTime {
        OffsetDateTime::now_utc() + self.ahead
    }

    pub(crate) fn unix(self) -> i64 {
        self.now().unix_timestamp()
    }
}

/// Writes `2024-02-21T21:14:27.770Z`, as AD FS does: always three digits, always UTC.
pub(crate) fn xml_time(at: OffsetDateTime) -> String {
    let at = UtcDateTime::from(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.millisecond()
    )
}

/// Reads an `xs:dateTime`, with any number of fraction digits.
pub(crate) fn parse_xml_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text.trim(), &time::format_description::well_known::Rfc3339).ok()
}

/// Writes `2025-02-19 03:49:12Z`, as in error replies of Entra.
pub(crate) fn entra_time(at: OffsetDateTime) -> String {
    let at = UtcDateTime::from(at);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// Writes an HTTP `Date` (RFC 9110 section 5.6.7).
pub(crate) fn http_date(at: OffsetDateTime) -> String {
    let at = UtcDateTime::from(at);
    let weekday = at.weekday().to_string();
    let month = at.month().to_string();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        weekday.get(..3).unwrap_or(&weekday),
        at.day(),
        month.get(..3).unwrap_or(&month),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_recordings_have_them() {
        let at = parse_xml_time("2024-02-21T21:14:27.7701234Z").unwrap();
        assert_eq!(xml_time(at), "2024-02-21T21:14:27.770Z");
        assert_eq!(entra_time(at), "2024-02-21 21:14:27Z");
        assert_eq!(http_date(at), "Wed, 21 Feb 2024 21:14:27 GMT");
        assert_eq!(
            parse_xml_time("2024-02-21T21:14:27Z")
                .map(xml_time)
                .unwrap()
                .len(),
            24
        );
    }
}
