//! What a ladder has found out about integrated sign-in, so that the next one need not try it.
//!
//! Only what hangs on realm and network is remembered, for minutes, by user, authority and network; never what Entra
//! says of multi-factor authentication, consent or policy, as nobody can know when it asks. Who asks for an integrated
//! sign-in by itself always gets one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::network;
use crate::error::{Code, Error};

/// Who is federated with whom is configured once in years; this is as long as the federation server is remembered.
const REALM: Duration = Duration::from_secs(5 * 60);
/// A server may be back, and a network may change in ways that nobody sees.
const NETWORK: Duration = Duration::from_secs(2 * 60);
/// Users and authorities that are remembered at a time.
const MOST: usize = 100;

/// What was found out, for a while.
#[derive(Default)]
pub(crate) struct Verdicts {
    verdicts: Mutex<HashMap<Circumstances, Verdict>>,
}

/// What a verdict is about.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Circumstances {
    who: String,
    authority: String,
    network: u64,
}

struct Verdict {
    error: Error,
    since: SystemTime,
    lifetime: Duration,
}

impl Circumstances {
    pub(super) fn now(who: String, authority: String) -> Self {
        Self {
            who,
            authority,
            network: network::fingerprint(),
        }
    }
}

impl Verdicts {
    /// Returns the error that an integrated sign-in ended with under the same circumstances, and would again.
    pub(super) fn find(&self, about: &Circumstances, now: SystemTime) -> Option<Error> {
        let verdicts = self.verdicts();
        let verdict = verdicts.get(about)?;
        let age = verdict.age(now)?;
        Some(verdict.error.clone().found_out_before(age))
    }

    /// Remembers an error, if it is one that stays for a while.
    pub(super) fn learn(&self, about: Circumstances, error: &Error, now: SystemTime) {
        let Some(lifetime) = lifetime(error) else {
            return;
        };
        let mut verdicts = self.verdicts();
        if verdicts.len() >= MOST {
            verdicts.retain(|_, verdict| verdict.age(now).is_some());
        }
        if verdicts.len() >= MOST {
            verdicts.clear();
        }
        let verdict = Verdict {
            error: error.clone(),
            since: now,
            lifetime,
        };
        verdicts.insert(about, verdict);
    }

    /// A thread that panicked leaves whole entries behind.
    fn verdicts(&self) -> MutexGuard<'_, HashMap<Circumstances, Verdict>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Verdict {
    /// `None` when it counts no more, also because the clock was set back.
    fn age(&self, now: SystemTime) -> Option<Duration> {
        let age = now.duration_since(self.since).ok()?;
        (age < self.lifetime).then_some(age)
    }
}

fn lifetime(error: &Error) -> Option<Duration> {
    match error.code() {
        Code::IntegratedWindowsAuthNotSupportedManagedUser
        | Code::UnknownUserType
        | Code::RopcNotSupportedForMsa
        | Code::UnsupportedFederationProtocol => Some(REALM),
        // From outside the corporate network AD FS lists no windowstransport, and nothing leads to its KDC.
        Code::WstrustEndpointNotFound
        | Code::FederationUnreachable
        | Code::KerberosKdcUnreachable
        | Code::KerberosTimeout => Some(NETWORK),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::error::{Category, Stage};

    fn about(who: &str, network: u64) -> Circumstances {
        Circumstances {
            who: who.to_owned(),
            authority: "https://login.microsoftonline.com/contoso.com".to_owned(),
            network,
        }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn a_verdict_counts_for_its_user_network_and_minutes() {
        for (code, seconds) in [
            (Code::UnknownUserType, 300),
            (Code::FederationUnreachable, 120),
        ] {
            let verdicts = Verdicts::default();
            let error = Error::new(code.clone(), Stage::Realm, "no");
            verdicts.learn(about("ana", 1), &error, at(0));
            let found = verdicts.find(&about("ana", 1), at(seconds - 1)).unwrap();
            assert_eq!(*found.code(), code);
            assert!(found.to_string().contains("not tried again"), "{found}");
            assert!(verdicts.find(&about("bob", 1), at(1)).is_none());
            assert!(verdicts.find(&about("ana", 2), at(1)).is_none());
            assert!(verdicts.find(&about("ana", 1), at(seconds)).is_none());
        }
    }

    #[test]
    fn what_the_user_could_cure_is_never_remembered() {
        for code in Code::ALL {
            let error = Error::new(code.clone(), Stage::Token, "no");
            let cured_by_user = matches!(
                error.category(),
                Category::UserMustAct | Category::NotSignedIn | Category::Usage
            );
            let is_remembered = lifetime(&error).is_some();
            assert!(!(is_remembered && cured_by_user), "{code}");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let verdicts = Verdicts::default();
        let error = Error::new(Code::UnknownUserType, Stage::Realm, "no");
        for number in 0..3 * MOST {
            verdicts.learn(about(&number.to_string(), 1), &error, at(0));
            assert!(verdicts.verdicts().len() <= MOST);
        }
    }
}
