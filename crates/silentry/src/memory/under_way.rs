//! Work that all who want it at the same time do together.
//!
//! They share its future. Whoever polls drives it, so one who holds it without polling it stops nobody, and it ends with
//! the last who waits, so that nothing is spawned. A runtime shares with itself alone: sockets and timers of another may
//! stand still for as long as its thread does something else.

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

/// A place among those who wait for some work.
pub(crate) struct Seat<T: Clone> {
    pub(crate) work: Shared<Work<T>>,
    /// Nobody else had begun it.
    pub(crate) is_first: bool,
}

impl<K: Eq + Hash, T: Clone> UnderWay<K, T> {
    /// Takes part in the work with this key; `new` is dropped when it is under way already.
    pub(crate) fn join(&self, key: K, new: impl Future<Output = T> + Send + 'static) -> Seat<T> {
        let runtime = runtime::Handle::try_current().ok();
        let place = (key, runtime.map(|runtime| runtime.id()));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&place).and_then(WeakShared::upgrade);
        // What is done may still be held by somebody who has not looked.
        if let Some(work) = known.filter(|work| work.peek().is_none()) {
            let is_first = false;
            return Seat { work, is_first };
        }
        all.retain(|_, work| work.upgrade().is_some());
        let new: Work<T> = Box::pin(new);
        let work = new.shared();
        if let Some(weak) = work.downgrade() {
            all.insert(place, weak);
        }
        Seat {
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
