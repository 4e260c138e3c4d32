//! What a server has just refused is not asked again at once, as in MSAL.NET.
//!
//! - A token endpoint that is busy (429, 5xx, or any refusal with `Retry-After`) is left alone for as long as it says, an
//!   hour at most, or a minute when it does not say: for the same client, authority, scopes and user, whatever the
//!   claims.
//! - A refresh token that led to "the user must act" is not tried again for two minutes, for the same scopes and claims.
//!   A new refresh token, as a sign-in brings, is.
//!
//! Meanwhile the first error is given again. A success ends it. As in MSAL.NET this covers every flow but the device
//! code, whose polls have pauses anyway, and taking over a refresh token. Unlike MSAL.NET's, the memory is the application's, and users
//! without an account yet do not share an entry.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use silentry_protocol::http::retry_after::MAX_RETRY_AFTER;
use silentry_protocol::secret::Secret;

use crate::client::AuthenticationResult;
use crate::error::{Error, Stage};
use crate::transport::Clock;

/// For a server that does not say how long.
const UNSAID: Duration = Duration::from_secs(60);
const USER_MUST_ACT: Duration = Duration::from_secs(120);
/// Refusals that are remembered at a time.
const MOST: usize = 500;

type Answer = Result<AuthenticationResult, Error>;

/// What was refused, for a while.
#[derive(Default)]
pub(crate) struct Throttle {
    refusals: Mutex<HashMap<String, Refusal>>,
    /// Refresh tokens are told apart by what this makes of them.
    hasher: RandomState,
}

struct Refusal {
    error: Error,
    since: SystemTime,
    until: SystemTime,
}

/// A request to the token endpoint, as far as it matters whether it is the same as another.
pub(super) struct Asking {
    /// Client, authority, user and scopes.
    name: String,
    /// The same with refresh token and claims.
    name_with_token: Option<String>,
}

impl Throttle {
    pub(super) fn asking(&self, name: String) -> Asking {
        Asking {
            name,
            name_with_token: None,
        }
    }

    pub(super) fn asking_with_token(
        &self,
        name: String,
        refresh_token: &Secret,
        claims: Option<&str>,
    ) -> Asking {
        let token = self.hasher.hash_one(refresh_token.expose());
        let claims = claims.unwrap_or_default();
        Asking {
            name_with_token: Some(format!("{name}\n{token:x}\n{claims}")),
            name,
        }
    }

    /// Makes the exchange, unless the same one was refused a moment ago.
    pub(super) async fn around(
        &self,
        clock: &dyn Clock,
        asking: &Asking,
        exchange: impl Future<Output = Answer>,
    ) -> Answer {
        if let Some(error) = self.refusal(asking, clock.now()) {
            tracing::debug!(
                code = error.code().as_str(),
                "the same request was refused a moment ago"
            );
            return Err(error);
        }
        let answer = exchange.await;
        self.learn(asking, &answer, clock.now());
        answer
    }

    fn refusal(&self, asking: &Asking, now: SystemTime) -> Option<Error> {
        let refusals = self.refusals();
        let names = [Some(&asking.name), asking.name_with_token.as_ref()];
        let mut current = names
            .into_iter()
            .flatten()
            .filter_map(|name| refusals.get(name))
            .filter(|refusal| refusal.counts(now));
        let refusal = current.next()?;
        let left = refusal.until.duration_since(now).unwrap_or_default();
        Some(refusal.error.clone().throttled(left))
    }

    fn learn(&self, asking: &Asking, answer: &Answer, now: SystemTime) {
        let mut refusals = self.refusals();
        let Err(error) = answer else {
            refusals.remove(&asking.name);
            if let Some(name) = &asking.name_with_token {
                refusals.remove(name);
            }
            return;
        };
        let (name, duration) = match (busy_for(error), error, &asking.name_with_token) {
            (Some(duration), _, _) => (&asking.name, duration),
            (None, Error::InteractionRequired(_), Some(name)) => (name, USER_MUST_ACT),
            _ => return,
        };
        make_room(&mut refusals, now);
        let refusal = Refusal {
            error: error.clone(),
            since: now,
            until: now + duration,
        };
        refusals.insert(name.clone(), refusal);
    }

    /// A thread that panicked leaves whole entries behind.
    fn refusals(&self) -> MutexGuard<'_, HashMap<String, Refusal>> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    /// A clock that was set back would make it last.
    fn counts(&self, now: SystemTime) -> bool {
        self.since <= now && now < self.until
    }
}

/// How long the token endpoint wants to be left alone, if it does.
fn busy_for(error: &Error) -> Option<Duration> {
    let is_busy = matches!(error.http_status(), Some(429 | 500..=599));
    (error.stage() == Stage::Token && (is_busy || error.retry_after().is_some()))
        .then(|| error.retry_after().unwrap_or(UNSAID).min(MAX_RETRY_AFTER))
}

fn make_room(refusals: &mut HashMap<String, Refusal>, now: SystemTime) {
    if refusals.len() < MOST {
        return;
    }
    refusals.retain(|_, refusal| refusal.counts(now));
    if refusals.len() < MOST {
        return;
    }
    let first = refusals.iter().min_by_key(|(_, refusal)| refusal.until);
    if let Some(name) = first.map(|(name, _)| name.clone()) {
        refusals.remove(&name);
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::error::Code;

    const START: SystemTime = UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        START + Duration::from_secs(1_700_000_000 + seconds)
    }

    fn busy(status: u16, retry_after: Option<u64>) -> Answer {
        let error = Error::new(Code::ServiceNotAvailable, Stage::Token, "busy").with_status(status);
        Err(error.with_retry_after(retry_after.map(Duration::from_secs)))
    }

    #[test]
    fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
        for (answer, seconds) in [
            (busy(429, None), 60),
            (busy(503, None), 60),
            (busy(429, Some(7)), 7),
            (busy(400, Some(9)), 9),
            (busy(429, Some(7200)), 3600),
        ] {
            let throttle = Throttle::default();
            let asking = throttle.asking("alice".to_owned());
            throttle.learn(&asking, &answer, at(0));
            let error = throttle.refusal(&asking, at(2)).unwrap();
            assert_eq!(error.code(), "service_not_available");
            assert!(error.is_throttled());
            assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds - 2)));
            let other = throttle.asking("bob".to_owned());
            assert!(throttle.refusal(&other, at(2)).is_none());
            assert!(throttle.refusal(&asking, at(seconds)).is_none());
        }
    }

    #[test]
    fn what_is_no_trouble_of_the_token_endpoint_is_asked_again() {
        let throttle = Throttle::default();
        let asking = throttle.asking("alice".to_owned());
        for answer in [
            busy(400, None),
            Err(Error::new(Code::NetworkNotAvailable, Stage::Token, "gone")),
            Err(Error::new(Code::FederationUnreachable, Stage::Mex, "down").with_status(503)),
            Err(Error::new(Code::NoTokensFound, Stage::Token, "act")),
        ] {
            throttle.learn(&asking, &answer, at(0));
            assert!(throttle.refusal(&asking, at(1)).is_none());
        }
    }

    #[test]
    fn a_dead_refresh_token_is_not_tried_again_but_another_is() {
        let throttle = Throttle::default();
        let (old, new) = (Secret::from("old"), Secret::from("new"));
        let asking = |token, claims| throttle.asking_with_token("alice".into(), token, claims);
        let must_act = Err(Error::new(Code::NoTokensFound, Stage::Token, "act"));
        throttle.learn(&asking(&old, None), &must_act, at(0));
        let refused = |asking: Asking, seconds| throttle.refusal(&asking, at(seconds));
        let error = refused(asking(&old, None), 20).unwrap();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(100)));
        assert!(matches!(error, Error::InteractionRequired(_)));
        assert!(refused(asking(&old, None), 120).is_none());
        assert!(refused(asking(&new, None), 20).is_none());
        assert!(refused(asking(&old, Some("{}")), 20).is_none());
    }

    #[test]
    fn a_clock_that_is_set_back_ends_it() {
        let throttle = Throttle::default();
        let asking = throttle.asking("alice".to_owned());
        throttle.learn(&asking, &busy(429, None), at(100));
        assert!(throttle.refusal(&asking, at(99)).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for user in 0..MOST as u64 + 50 {
            let asking = throttle.asking(user.to_string());
            throttle.learn(&asking, &busy(429, None), at(user / 100));
        }
        assert_eq!(throttle.refusals().len(), MOST);
        let last = throttle.asking((MOST + 49).to_string());
        assert!(throttle.refusal(&last, at(10)).is_some());
    }
}
