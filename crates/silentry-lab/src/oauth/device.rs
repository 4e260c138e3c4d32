//! Device codes (RFC 8628): one secret for the client that polls, and one short word for the
//! person who types it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::directory::User;
use crate::random::{opaque, word};
use crate::scenario::switches::DeviceCode;

/// How long a code lives, in seconds; both Entra and AD FS say so.
pub(crate) const LIFETIME: i64 = 900;
/// `slow_down` makes the interval this much longer, for good (RFC 8628 section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// A client's timer may be early by a little.
const EARLY: Duration = Duration::from_millis(500);
const KEPT: usize = 10_000;

/// What a client asked for, and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) client_id: &'static str,
    pub(crate) scope: String,
    pub(crate) resource: Option<String>,
    pub(crate) claims: Option<String>,
    /// The id of the request for the code, which the replies to polls carry.
    pub(crate) correlation_id: String,
    /// The second since 1970 at which both codes expire.
    pub(crate) expires: i64,
}

/// How a poll ends.
#[derive(Debug)]
pub(crate) enum Poll {
    /// There is no such code for this client.
    Unknown,
    Pending(Device),
    SlowDown(Device),
    Expired(Device),
    Declined(Device),
    /// An administrator's policy forbids this way of signing in.
    Blocked(Device),
    /// Somebody signed in; the code is spent.
    Granted {
        device: Device,
        user: &'static User,
        mfa: bool,
    },
}

#[derive(Debug)]
struct Kept {
    device: Device,
    user_code: String,
    state: State,
    polls: u32,
    interval: Duration,
    last: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Waiting,
    Declined,
    Granted { user: &'static User, mfa: bool },
}

/// Every device code that was given out.
#[derive(Debug)]
pub(crate) struct Devices {
    behaviour: DeviceCode,
    kept: Mutex<HashMap<String, Kept>>,
}

impl Devices {
    pub(crate) fn new(behaviour: DeviceCode) -> Self {
        Self {
            behaviour,
            kept: Mutex::default(),
        }
    }

    /// Returns the seconds between polls. Where the scenario decides how it ends, nobody has to
    /// wait for a person.
    pub(crate) fn interval(&self) -> u32 {
        match self.behaviour {
            DeviceCode::Waits => 5,
            _ => 1,
        }
    }

    /// Gives out the device code and the user code.
    pub(crate) fn begin(&self, device: Device) -> (String, String) {
        let (device_code, user_code) = (opaque(), word(9));
        let kept = Kept {
            device,
            user_code: user_code.clone(),
            state: State::Waiting,
            polls: 0,
            interval: Duration::from_secs(self.interval().into()),
            last: None,
        };
        let mut all = self.lock();
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(device_code.clone(), kept);
        (device_code, user_code)
    }

    /// Finds what a person's code stands for: people type it in any case, with blanks and hyphens.
    pub(crate) fn find(&self, user_code: &str, now: i64) -> Option<(String, Device)> {
        let typed: String = user_code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let all = self.lock();
        let found = all.values().find(|kept| {
            kept.user_code == typed
                && kept.device.expires > now
                && matches!(kept.state, State::Waiting)
        })?;
        Some((typed, found.device.clone()))
    }

    /// Lets the client have tokens for this user.
    pub(crate) fn grant(&self, user_code: &str, user: &'static User, mfa: bool) {
        self.decide(user_code, State::Granted { user, mfa });
    }

    /// Tells the client that the person does not want to.
    pub(crate) fn decline(&self, user_code: &str) {
        self.decide(user_code, State::Declined);
    }

    fn decide(&self, user_code: &str, state: State) {
        let mut all = self.lock();
        if let Some(kept) = all.values_mut().find(|kept| kept.user_code == user_code) {
            kept.state = state;
        }
    }

    /// Answers a client that asks whether it may have tokens yet.
    pub(crate) fn poll(&self, device_code: &str, client_id: &str, now: i64) -> Poll {
        let mut all = self.lock();
        let Some(kept) = all
            .get_mut(device_code)
            .filter(|kept| kept.device.client_id == client_id)
        else {
            return Poll::Unknown;
        };
        let device = kept.device.clone();
        kept.polls = kept.polls.saturating_add(1);
        if self.behaviour == DeviceCode::SlowsDown && kept.is_too_early() {
            return Poll::SlowDown(device);
        }
        let again = kept.polls > 1;
        match (self.behaviour, kept.state) {
            (DeviceCode::Forgets, _) => Poll::Unknown,
            (DeviceCode::Expires, _) if again => Poll::Expired(device),
            (DeviceCode::Declines, _) if again => Poll::Declined(device),
            (DeviceCode::Blocks, _) if again => Poll::Blocked(device),
            _ if device.expires <= now => Poll::Expired(device),
            (_, State::Waiting) => Poll::Pending(device),
            (_, State::Declined) => Poll::Declined(device),
            (_, State::Granted { user, mfa }) => {
                all.remove(device_code);
                Poll::Granted { device, user, mfa }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The first poll is always too early, so that every client meets `slow_down`; after that,
    /// those that do not wait as long as they were told.
    fn is_too_early(&mut self) -> bool {
        let now = Instant::now();
        let early = self
            .last
            .is_none_or(|last| now.duration_since(last) + EARLY < self.interval);
        self.last = Some(now);
        if early {
            self.interval += SLOWER;
        }
        early
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory;

    fn begun(behaviour: DeviceCode) -> (Devices, String, String) {
        let devices = Devices::new(behaviour);
        let device = Device {
            client_id: "client",
            scope: String::new(),
            resource: None,
            claims: None,
            correlation_id: String::new(),
            expires: 100,
        };
        let (device_code, user_code) = devices.begin(device);
        (devices, device_code, user_code)
    }

    #[test]
    fn a_code_is_granted_once_to_the_client_that_asked() {
        let (devices, code, typed) = begun(DeviceCode::Waits);
        let spaced = format!(" {}-{} ", typed[..4].to_lowercase(), &typed[4..]);
        assert!(devices.find(&spaced, 0).is_some());
        assert!(devices.find(&typed, 100).is_none(), "expired");
        assert!(matches!(devices.poll(&code, "client", 0), Poll::Pending(_)));
        devices.grant(
            &typed,
            directory::by_upn("alice@contoso.test").unwrap(),
            false,
        );
        assert!(devices.find(&typed, 0).is_none(), "used");
        assert!(matches!(devices.poll(&code, "other", 0), Poll::Unknown));
        assert!(matches!(
            devices.poll(&code, "client", 0),
            Poll::Granted { .. }
        ));
        assert!(matches!(devices.poll(&code, "client", 0), Poll::Unknown));
    }

    #[test]
    fn codes_expire_and_are_declined() {
        let (devices, code, typed) = begun(DeviceCode::Waits);
        assert!(matches!(
            devices.poll(&code, "client", 100),
            Poll::Expired(_)
        ));
        devices.decline(&typed);
        assert!(matches!(
            devices.poll(&code, "client", 0),
            Poll::Declined(_)
        ));
    }

    #[test]
    fn who_does_not_slow_down_is_told_again() {
        let (devices, code, _) = begun(DeviceCode::SlowsDown);
        for _ in 0..3 {
            assert!(matches!(
                devices.poll(&code, "client", 0),
                Poll::SlowDown(_)
            ));
        }
        let mut all = devices.lock();
        let kept = all.get_mut(&code).unwrap();
        assert_eq!(kept.interval, Duration::from_secs(16));
        kept.last = Instant::now().checked_sub(Duration::from_secs(16));
        drop(all);
        assert!(matches!(devices.poll(&code, "client", 0), Poll::Pending(_)));
    }
}
