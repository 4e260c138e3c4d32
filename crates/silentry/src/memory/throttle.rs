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

use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};

use silentry_protocol::http::retry_after::MAX_RETRY_AFTER;
use silentry_protocol::secret::Secret;

use super::Remembered;
use crate::error::{Error, Stage};
use crate::result::AuthenticationResult;
use crate::transport::Clock;

/// For a server that does not say how long.
const UNSAID: Duration = Duration::from_secs(60);
const USER_MUST_ACT: Duration = Duration::from_secs(120);
/// Refusals that are remembered at a time.
const MOST: usize = 500;

type Answer = Result<AuthenticationResult, Error>;

/// What was refused, for a while.
pub(crate) struct Throttle {
    refusals: Remembered<String, Error>,
    /// Refresh tokens are told apart by what this makes of them.
    hasher: RandomState,
}

impl Default for Throttle {
    fn default() -> Self {
        Throttle {
            refusals: Remembered::up_to(MOST),
            hasher: RandomState::new(),
        }
    }
}

/// A request to the token endpoint, as far as it matters whether it is the same as another.
pub(crate) struct Asking {
    /// Client, authority, user and scopes.
    name: String,
    /// The same with refresh token and claims.
    name_with_token: Option<String>,
}

impl Throttle {
    pub(crate) fn asking(&self, name: String) -> Asking {
        Asking {
            name,
            name_with_token: None,
        }
    }

    pub(crate) fn asking_with_token(
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
    pub(crate) async fn around(
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
        let names = [Some(&asking.name), asking.name_with_token.as_ref()];
        let mut known = names.into_iter().flatten();
        let refusal = known.find_map(|name| self.refusals.recall(name, now))?;
        Some(refusal.value.throttled(refusal.left))
    }

    fn learn(&self, asking: &Asking, answer: &Answer, now: SystemTime) {
        let Err(error) = answer else {
            self.refusals.forget(&asking.name);
            if let Some(name) = &asking.name_with_token {
                self.refusals.forget(name);
            }
            return;
        };
        let (name, lifetime) = match (busy_for(error), error, &asking.name_with_token) {
            (Some(lifetime), _, _) => (&asking.name, lifetime),
            (None, Error::InteractionRequired(_), Some(name)) => (name, USER_MUST_ACT),
            _ => return,
        };
        self.refusals
            .put(name.clone(), error.clone(), lifetime, now);
    }
}

/// How long the token endpoint wants to be left alone, if it does.
fn busy_for(error: &Error) -> Option<Duration> {
    let is_busy = matches!(error.http_status(), Some(429 | 500..=599));
    (error.stage() == Stage::Token && (is_busy || error.retry_after().is_some()))
        .then(|| error.retry_after().unwrap_or(UNSAID).min(MAX_RETRY_AFTER))
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
}
