//! Work that concurrent callers share.
//!
//! Callers share its future. Whoever polls it drives it, so a caller that holds it without polling stops nobody, and it is
//! dropped with the last caller, so nothing is spawned. Only callers of one runtime share: the sockets and timers of
//! another may stand still for as long as its thread does something else.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use tokio::runtime;

use crate::transport::BoxFuture;

type Work<T> = BoxFuture<'static, T>;

/// The work that is under way, by what makes two of it the same.
pub(crate) struct UnderWay<K, T: Clone>(Mutex<HashMap<Place<K>, WeakShared<Work<T>>>>);

/// What is wanted, and the runtime that sockets and timers belong to.
type Place<K> = (K, Option<runtime::Id>);

/// A share in some work.
pub(crate) struct Joined<T: Clone> {
    pub(crate) work: Shared<Work<T>>,
    /// Whether this caller has begun it.
    pub(crate) is_first: bool,
}

impl<K: Eq + Hash, T: Clone> UnderWay<K, T> {
    /// Takes part in the work with this key; `new` is dropped when it is under way already.
    pub(crate) fn join(&self, key: K, new: impl Future<Output = T> + Send + 'static) -> Joined<T> {
        let runtime = runtime::Handle::try_current().ok();
        let place = (key, runtime.map(|runtime| runtime.id()));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&place).and_then(WeakShared::upgrade);
        // What is done may still be held by somebody who has not looked.
        if let Some(work) = known.filter(|work| work.peek().is_none()) {
            let is_first = false;
            return Joined { work, is_first };
        }
        all.retain(|_, work| work.upgrade().is_some());
        let new: Work<T> = Box::pin(new);
        let work = new.shared();
        if let Some(weak) = work.downgrade() {
            all.insert(place, weak);
        }
        Joined {
            work,
            is_first: true,
        }
    }
}

impl<K, T: Clone> Default for UnderWay<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
