//! What the directory said of users, for a while.

use std::time::{Duration, SystemTime};

use super::Remembered;
use crate::directory::{Failure, Names};

/// UPNs change when people marry or companies merge.
const LIFETIME_OF_AN_ANSWER: Duration = Duration::from_secs(60 * 60);

/// Silence is remembered so that it costs its seconds once, and briefly, as the next moment may bring the VPN.
const LIFETIME_OF_SILENCE: Duration = Duration::from_secs(30);

/// A process signs in few users; more than this means something else is wrong.
const MOST: usize = 64;

/// What was learnt about users, by the name that they were looked up by.
#[derive(Debug)]
pub(crate) struct DirectoryMemory(Remembered<String, Result<Names, Failure>>);

impl Default for DirectoryMemory {
    fn default() -> Self {
        Self(Remembered::up_to(MOST))
    }
}

impl DirectoryMemory {
    /// Returns what was said of a user, unless that is too long ago.
    pub(crate) fn recall(&self, user: &str, now: SystemTime) -> Option<Result<Names, Failure>> {
        self.0.get(user, now)
    }

    pub(crate) fn remember(&self, user: &str, answer: Result<Names, Failure>, now: SystemTime) {
        let lifetime = match answer {
            Ok(_) => LIFETIME_OF_AN_ANSWER,
            Err(_) => LIFETIME_OF_SILENCE,
        };
        self.0.put(user.to_owned(), answer, lifetime, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Names {
        Names {
            upn: "alice@contoso.test".into(),
            login_id: None,
        }
    }

    #[test]
    fn silence_is_forgotten_sooner_than_an_answer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let memory = DirectoryMemory::default();
        memory.remember("alice@CORP", Ok(alice()), now);
        memory.remember("bob@CORP", Err(Failure::Slow), now);
        let seen = |seconds| {
            let then = now + Duration::from_secs(seconds);
            let is_known = |user| memory.recall(user, then).is_some();
            (is_known("alice@CORP"), is_known("bob@CORP"))
        };
        assert_eq!(seen(29), (true, true));
        assert_eq!(seen(30), (true, false));
        assert_eq!(seen(3599), (true, false));
        assert_eq!(seen(3600), (false, false));
    }
}
