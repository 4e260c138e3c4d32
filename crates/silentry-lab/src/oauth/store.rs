//! What a server remembers under a secret that only its holder can name: codes, sessions, tokens.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::random::opaque;

/// A lab that runs for days under load forgets all of them at once.
const KEPT: usize = 100_000;

/// Values by secret.
#[derive(Debug)]
pub(crate) struct Store<T>(Mutex<HashMap<String, T>>);

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Store<T> {
    /// Remembers a value under a new secret, and returns the secret.
    pub(crate) fn put(&self, prefix: &str, value: T) -> String {
        let secret = format!("{prefix}{}", opaque());
        self.replace(&secret, value);
        secret
    }

    /// Remembers a value under a secret that is known already.
    pub(crate) fn replace(&self, secret: &str, value: T) {
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(secret.to_owned(), value);
    }

    /// Returns the value of a secret.
    pub(crate) fn get(&self, secret: &str) -> Option<T> {
        self.lock().get(secret).cloned()
    }

    /// Changes the value of a secret in place.
    pub(crate) fn update<R>(&self, secret: &str, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.lock().get_mut(secret).map(change)
    }

    /// Returns the value of a secret and forgets it.
    pub(crate) fn take(&self, secret: &str) -> Option<T> {
        self.lock().remove(secret)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_starts_anew_and_stays_bounded() {
        let store = Store::default();
        for number in 0..=KEPT {
            store.replace(&number.to_string(), number);
        }
        assert_eq!(store.lock().len(), 1);
        let secret = store.put("1.", 7);
        assert_eq!(
            store.update(&secret, |value| std::mem::replace(value, 8)),
            Some(7)
        );
        assert_eq!((store.take(&secret), store.get(&secret)), (Some(8), None));
    }
}
