//! The time, and waiting for it to pass.

use std::time::{Duration, SystemTime};

use super::BoxFuture;

/// Tells the time and sleeps, so that flows name no runtime.
pub(crate) trait Clock: Send + Sync {
    fn now(&self) -> SystemTime;

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the system and of Tokio.
pub(crate) struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
