//! What the directory said, for a while.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::{Failure, Names};

/// UPNs change when people marry or companies merge.
const LIFETIME_OF_AN_ANSWER: Duration = Duration::from_secs(60 * 60);

/// Silence is remembered so that it costs its seconds once, and briefly, as the next moment may bring the VPN.
const LIFETIME_OF_SILENCE: Duration = Duration::from_secs(30);

/// A process signs in few users; more than this means something else is wrong.
const MAX_REMEMBERED: usize = 64;

/// What was learnt about users, by the name that they were looked up by.
#[derive(Debug, Default)]
pub(crate) struct DirectoryMemory(HashMap<String, (Result<Names, Failure>, SystemTime)>);

impl DirectoryMemory {
    /// Returns what was said of a user, unless that is too long ago.
    pub(crate) fn recall(&mut self, user: &str, now: SystemTime) -> Option<Result<Names, Failure>> {
        let (answer, since) = self.0.get(user)?;
        let lifetime = match answer {
            Ok(_) => LIFETIME_OF_AN_ANSWER,
            Err(_) => LIFETIME_OF_SILENCE,
        };
        if now.duration_since(*since).is_ok_and(|age| age < lifetime) {
            return Some(answer.clone());
        }
        // Too old, or the clock was set back.
        self.0.remove(user);
        None
    }

    pub(crate) fn remember(&mut self, user: &str, answer: Result<Names, Failure>, now: SystemTime) {
        if self.0.len() >= MAX_REMEMBERED {
            self.0.clear();
        }
        self.0.insert(user.to_owned(), (answer, now));
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
        let mut memory = DirectoryMemory::default();
        memory.remember("alice@CORP", Ok(alice()), now);
        memory.remember("bob@CORP", Err(Failure::Slow), now);
        let mut seen = |seconds| {
            let then = now + Duration::from_secs(seconds);
            let mut is_known = |user| memory.recall(user, then).is_some();
            (is_known("alice@CORP"), is_known("bob@CORP"))
        };
        assert_eq!(seen(29), (true, true));
        assert_eq!(seen(30), (true, false));
        assert_eq!(seen(3599), (true, false));
        assert_eq!(seen(3600), (false, false));
    }

    #[test]
    fn an_answer_from_the_future_is_no_answer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut memory = DirectoryMemory::default();
        memory.remember("alice@CORP", Ok(alice()), now);
        assert!(
            memory
                .recall("alice@CORP", now - Duration::from_secs(1))
                .is_none()
        );
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let mut memory = DirectoryMemory::default();
        for user in 0..1000 {
            memory.remember(
                &user.to_string(),
                Err(Failure::Slow),
                SystemTime::UNIX_EPOCH,
            );
        }
        assert!(memory.0.len() <= MAX_REMEMBERED);
    }
}
