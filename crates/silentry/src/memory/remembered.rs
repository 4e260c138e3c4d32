//! What was learnt and counts for a while.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Values by their keys, each for a lifetime of its own, and no more than a number of them at a time.
#[derive(Debug)]
pub(crate) struct Remembered<K, V> {
    entries: Mutex<HashMap<K, Entry<V>>>,
    most: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    since: SystemTime,
    lifetime: Duration,
}

/// A value that still counts.
pub(crate) struct Recalled<V> {
    pub(crate) value: V,
    /// How long ago it was learnt.
    #[cfg_attr(
        not(feature = "integrated"),
        allow(dead_code, reason = "only what ladders found out is told with its age")
    )]
    pub(crate) age: Duration,
    /// How long it will count.
    pub(crate) left: Duration,
}

impl<K: Eq + Hash + Clone, V: Clone> Remembered<K, V> {
    /// Remembers `most` values at a time; beyond that, the one that ends first is forgotten.
    pub(crate) fn up_to(most: usize) -> Self {
        Self {
            entries: Mutex::default(),
            most,
        }
    }

    /// Returns the value of a key, if it still counts.
    pub(crate) fn get<Q>(&self, key: &Q, now: SystemTime) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.recall(key, now).map(|recalled| recalled.value)
    }

    /// Returns the value of a key, if it still counts, and since when.
    pub(crate) fn recall<Q>(&self, key: &Q, now: SystemTime) -> Option<Recalled<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries();
        let entry = entries.get(key)?;
        let age = entry.age(now)?;
        Some(Recalled {
            value: entry.value.clone(),
            age,
            left: entry.lifetime - age,
        })
    }

    /// Remembers a value from `now` on, in the place of what was known before.
    pub(crate) fn put(&self, key: K, value: V, lifetime: Duration, now: SystemTime) {
        let mut entries = self.entries();
        if entries.len() >= self.most && !entries.contains_key(&key) {
            entries.retain(|_, entry| entry.age(now).is_some());
        }
        if entries.len() >= self.most && !entries.contains_key(&key) {
            let first = entries.iter().min_by_key(|(_, entry)| entry.end());
            if let Some(first) = first.map(|(key, _)| key.clone()) {
                entries.remove(&first);
            }
        }
        let entry = Entry {
            value,
            since: now,
            lifetime,
        };
        entries.insert(key, entry);
    }

    /// Forgets the value of a key.
    pub(crate) fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries().remove(key);
    }

    /// A thread that panicked leaves whole entries behind.
    fn entries(&self) -> MutexGuard<'_, HashMap<K, Entry<V>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Entry<V> {
    /// `None` when it counts no more, also because the clock was set back, which would make it last.
    fn age(&self, now: SystemTime) -> Option<Duration> {
        let age = now.duration_since(self.since).ok()?;
        (age < self.lifetime).then_some(age)
    }

    fn end(&self) -> Option<SystemTime> {
        self.since.checked_add(self.lifetime)
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn a_value_counts_for_its_lifetime() {
        let memory = Remembered::up_to(10);
        memory.put("alice", 1, MINUTE, at(0));
        memory.put("bob", 2, 2 * MINUTE, at(0));
        let seen = |seconds| ["alice", "bob"].map(|name| memory.get(name, at(seconds)));
        assert_eq!(seen(59), [Some(1), Some(2)]);
        assert_eq!(seen(60), [None, Some(2)]);
        assert_eq!(seen(120), [None, None]);
        let recalled = memory.recall("bob", at(50)).unwrap();
        assert_eq!(
            (recalled.age, recalled.left),
            (Duration::from_secs(50), Duration::from_secs(70))
        );
        memory.forget("bob");
        assert_eq!(seen(1), [Some(1), None]);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_it() {
        let memory = Remembered::up_to(10);
        memory.put("alice", 1, MINUTE, at(100));
        assert_eq!(memory.get("alice", at(99)), None);
    }

    #[test]
    fn the_one_that_ends_first_makes_room() {
        let memory = Remembered::up_to(2);
        memory.put("short", 1, MINUTE, at(0));
        memory.put("long", 2, 3 * MINUTE, at(0));
        memory.put("long", 3, 3 * MINUTE, at(1));
        memory.put("new", 4, 2 * MINUTE, at(2));
        let all = ["short", "long", "new"].map(|name| memory.get(name, at(3)));
        assert_eq!(all, [None, Some(3), Some(4)]);
        // What counts no more goes before anything else.
        memory.put("newest", 5, MINUTE, at(125));
        assert_eq!(memory.get("long", at(125)), Some(3));
        assert_eq!(memory.entries().len(), 2);
    }
}
