//! `Retry-After`: how long a server wants to be left alone.

use std::time::{Duration, UNIX_EPOCH};

use super::date;

/// The longest wait that a server is granted, as in MSAL.NET's and MSAL Java's throttling.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The value of a `Retry-After` header (RFC 9110 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// So many seconds from now.
    Seconds(u64),
    /// At this time, in seconds since 1970.
    At(u64),
}

impl RetryAfter {
    /// Reads the header's value: seconds or an HTTP date. `None` when it is neither.
    ///
    /// ```
    /// use silentry_protocol::http::retry_after::RetryAfter;
    ///
    /// assert_eq!(RetryAfter::parse("120"), Some(RetryAfter::Seconds(120)));
    /// assert_eq!(RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT"), Some(RetryAfter::At(784_111_777)));
    /// ```
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More digits than fit mean "very long", which the bound takes care of.
            return Some(Self::Seconds(value.parse().unwrap_or(u64::MAX)));
        }
        let time = date::parse(value)?;
        Some(Self::At(time.duration_since(UNIX_EPOCH).ok()?.as_secs()))
    }

    /// Returns how long to wait at this time (seconds since 1970), at most [`MAX_RETRY_AFTER`].
    #[must_use]
    pub fn delay(self, now: u64) -> Duration {
        let seconds = match self {
            Self::Seconds(seconds) => seconds,
            Self::At(time) => time.saturating_sub(now),
        };
        Duration::from_secs(seconds).min(MAX_RETRY_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_what_a_server_may_ask_for() {
        let delay = |value: &str| {
            RetryAfter::parse(value)
                .unwrap()
                .delay(784_111_700)
                .as_secs()
        };
        assert_eq!(delay(" 120 "), 120);
        assert_eq!(delay("0"), 0);
        assert_eq!(delay("999999999999999999999999"), 3600);
        assert_eq!(delay("Sun, 06 Nov 1994 08:49:37 GMT"), 77);
        assert_eq!(delay("Sunday, 06-Nov-94 08:49:37 GMT"), 77);
        assert_eq!(delay("Sun Nov  6 08:49:37 1994"), 77);
        assert_eq!(delay("Sun, 06 Nov 1994 08:00:00 GMT"), 0);
        assert_eq!(delay("Sun, 06 Nov 2095 08:00:00 GMT"), 3600);
    }

    #[test]
    fn refuses_what_is_neither() {
        for value in ["", "-1", "1.5", "soon", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(RetryAfter::parse(value), None, "{value}");
        }
    }
}
