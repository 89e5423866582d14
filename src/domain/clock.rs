//! Where the time of day comes from; handed in, so that a test can own it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, SubsecRound, Utc};

/// A point in UTC, never finer than a microsecond.
pub type Timestamp = DateTime<Utc>;

/// Tells the time of day, and how much time has passed.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let start = Instant::now();
        Self { now: Arc::new(Utc::now), elapsed: Arc::new(move || start.elapsed()) }
    }

    /// A clock that answers with what `now` returns; as much time passes as that advances.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let (start, now): (_, Arc<dyn Fn() -> Timestamp + Send + Sync>) = (now(), Arc::new(now));
        let elapsed = Arc::clone(&now);
        Self { now, elapsed: Arc::new(move || (elapsed() - start).to_std().unwrap_or_default()) }
    }

    /// How much time has passed since the clock was made. Unlike the time of day it never jumps.
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }

    /// Now, cut to microseconds: PostgreSQL keeps no more, and both databases shall answer alike.
    pub fn now(&self) -> Timestamp {
        (self.now)().trunc_subsecs(6)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}
