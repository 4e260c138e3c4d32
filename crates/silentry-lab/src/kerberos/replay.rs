use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::CLOCK_SKEW;

/// The octets that end an authenticator's ciphertext: its HMAC, which only the holder of the session
/// key can make. MIT (`k5_rc_tag_from_ciphertext`) tells authenticators apart by them since 1.18, where
/// RFC 4120 3.2.3's tuple of names and microsecond takes two requests of one instant for a replay.
const TAG_LENGTH: usize = 12;

/// The authenticators that could still be repeated.
#[derive(Debug, Default)]
pub(crate) struct ReplayCache {
    seen: Mutex<HashMap<[u8; TAG_LENGTH], i64>>,
}

impl ReplayCache {
    /// Remembers an authenticator made at `made`; false if it came before.
    ///
    /// RFC 4120 3.2.3: the server must remember any authenticator presented within the allowable clock
    /// skew. One made by a clock that runs ahead stays acceptable for up to twice that.
    pub(crate) fn remember(&self, authenticator: &[u8], made: i64, now: i64) -> bool {
        let Some(tag) = authenticator.last_chunk::<TAG_LENGTH>() else {
            return false;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, until| *until >= now);
        seen.insert(*tag, made.max(now) + CLOCK_SKEW).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_an_authenticator_as_long_as_it_could_pass() {
        let cache = ReplayCache::default();
        let one = [1; 40];
        let two = [2; 40];
        assert!(cache.remember(&one, 1000, 1000));
        assert!(cache.remember(&two, 1000, 1000));
        assert!(!cache.remember(&one, 1000, 1000 + CLOCK_SKEW));
        assert!(cache.remember(&one, 1000, 1000 + 3 * CLOCK_SKEW));
        assert!(!cache.remember(&[0; 3], 0, 0));
    }
}
