//! What a ladder has found out about integrated sign-in, so that the next one need not try it.
//!
//! Only what hangs on realm and network is remembered, for minutes, by user, authority and network; never what Entra
//! says of multi-factor authentication, consent or policy, as nobody can know when it asks. Who asks for an integrated
//! sign-in by itself always gets one.

use std::time::{Duration, SystemTime};

use super::{Remembered, network};
use crate::error::{Code, Error};

/// Who is federated with whom is configured once in years; this is as long as the federation server is remembered.
const REALM: Duration = Duration::from_secs(5 * 60);
/// A server may be back, and a network may change in ways that nobody sees.
const NETWORK: Duration = Duration::from_secs(2 * 60);
/// Users and authorities that are remembered at a time.
const MOST: usize = 100;

/// What was found out, for a while.
pub(crate) struct Verdicts(Remembered<Circumstances, Error>);

/// What a verdict is about.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Circumstances {
    who: String,
    authority: String,
    network: u64,
}

impl Circumstances {
    pub(crate) fn now(who: String, authority: String) -> Self {
        Self {
            who,
            authority,
            network: network::fingerprint(),
        }
    }
}

impl Default for Verdicts {
    fn default() -> Self {
        Self(Remembered::up_to(MOST))
    }
}

impl Verdicts {
    /// Returns the error that an integrated sign-in ended with under the same circumstances, and would again.
    pub(crate) fn find(&self, about: &Circumstances, now: SystemTime) -> Option<Error> {
        let verdict = self.0.recall(about, now)?;
        Some(verdict.value.found_out_before(verdict.age))
    }

    /// Remembers an error, if it is one that stays for a while.
    pub(crate) fn learn(&self, about: Circumstances, error: &Error, now: SystemTime) {
        if let Some(lifetime) = lifetime(error) {
            self.0.put(about, error.clone(), lifetime, now);
        }
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
}
