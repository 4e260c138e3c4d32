//! How often a token that is still good may be renewed early.
//!
//! Where the network is gone, or Entra refuses, each call would try again at once, as the token that it gives out is due.
//! So there is one attempt a minute, and after each that fails twice the time, ten minutes at most.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// Tokens that are remembered at a time.
const MOST: usize = 500;

/// When which token was last tried to be renewed early.
#[derive(Default)]
pub(crate) struct EarlyRenewals(Mutex<HashMap<String, Attempt>>);

struct Attempt {
    at: SystemTime,
    pause: Duration,
}

impl Attempt {
    /// Returns whether it is too soon for another; a clock that was set back would make it last.
    fn holds(&self, now: SystemTime) -> bool {
        now.duration_since(self.at)
            .is_ok_and(|since| since < self.pause)
    }
}

impl EarlyRenewals {
    /// Returns whether it is time to try, which then counts as tried.
    pub(crate) fn begin(&self, token: &str, now: SystemTime) -> bool {
        let mut attempts = self.attempts();
        let pause = match attempts.get(token) {
            Some(last) if last.holds(now) => return false,
            Some(last) => (last.pause * 2).min(LONGEST),
            None => SHORTEST,
        };
        if attempts.len() >= MOST {
            attempts.retain(|_, attempt| attempt.holds(now));
        }
        if attempts.len() >= MOST {
            // More tokens than anybody has: to forget them costs an attempt each.
            attempts.clear();
        }
        attempts.insert(token.to_owned(), Attempt { at: now, pause });
        true
    }

    /// Goes back to one attempt a minute.
    pub(crate) fn succeeded(&self, token: &str) {
        if let Some(attempt) = self.attempts().get_mut(token) {
            attempt.pause = SHORTEST;
        }
    }

    /// A thread that panicked leaves whole entries behind.
    fn attempts(&self) -> MutexGuard<'_, HashMap<String, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    /// The seconds, of these many, at which a call a second tries.
    fn tried(renewals: &EarlyRenewals, seconds: std::ops::Range<u64>) -> Vec<u64> {
        let tries = |second: &u64| renewals.begin("alice", at(*second));
        seconds.filter(tries).collect()
    }

    #[test]
    fn attempts_that_fail_come_a_minute_apart_and_then_up_to_ten() {
        let renewals = EarlyRenewals::default();
        assert_eq!(
            tried(&renewals, 0..2800),
            [0, 60, 180, 420, 900, 1500, 2100, 2700]
        );
        assert!(renewals.begin("bob", at(2800)));
    }

    #[test]
    fn one_that_succeeds_goes_back_to_a_minute() {
        let renewals = EarlyRenewals::default();
        assert_eq!(tried(&renewals, 0..500), [0, 60, 180, 420]);
        renewals.succeeded("alice");
        assert_eq!(tried(&renewals, 421..700), [480, 600]);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_make_it_last() {
        let renewals = EarlyRenewals::default();
        assert!(renewals.begin("alice", at(10_000)));
        assert!(renewals.begin("alice", at(9_000)));
    }

    #[test]
    fn memory_is_bounded() {
        let renewals = EarlyRenewals::default();
        for user in 0..MOST + 50 {
            assert!(renewals.begin(&user.to_string(), at(0)));
        }
        assert!(renewals.attempts().len() <= MOST);
    }
}
