//! Buckets in this process's memory, which a flood of newcomers can't outgrow.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use governor::{
    RateLimiter, clock,
    middleware::StateInformationMiddleware,
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

use super::{Limit, Quota, Standing, Storage, Subject};
use crate::domain::clock::Clock;

/// Most subjects that have a bucket of their own, for each limit; some 64 bytes each.
const SUBJECTS: usize = 100_000;
/// Buckets that newcomers share while there are more.
const SHARED: u64 = 4_096;
/// How often full buckets are swept out when there are too many.
const SWEEP: Duration = Duration::from_secs(1);

/// The time that has passed, as the crate wants it.
#[derive(Clone, Debug)]
struct Elapsed(Clock);

impl clock::Clock for Elapsed {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The states of the buckets of one limit.
#[derive(Debug)]
struct Bounded {
    own: DashMapStateStore<Subject>,
    shared: DashMapStateStore<u64>,
    hasher: RandomState,
    most: usize,
    overflowed: Arc<AtomicBool>,
}

impl StateStore for Bounded {
    type Key = Subject;

    fn measure_and_replace<T, F, E>(&self, subject: &Subject, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if self.own.contains_key(subject) || self.own.len() < self.most {
            self.own.measure_and_replace(subject, f)
        } else {
            self.overflowed.store(true, Ordering::Relaxed);
            self.shared.measure_and_replace(&(self.hasher.hash_one(subject) % SHARED), f)
        }
    }
}

impl ShrinkableKeyedStateStore<Subject> for Bounded {
    fn retain_recent(&self, drop_below: Nanos) {
        ShrinkableKeyedStateStore::retain_recent(&self.own, drop_below);
    }

    fn shrink_to_fit(&self) {
        self.own.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.own.len()
    }

    fn is_empty(&self) -> bool {
        self.own.is_empty()
    }
}

type Governor = RateLimiter<Subject, Bounded, Elapsed, StateInformationMiddleware>;

#[derive(Debug)]
struct Buckets {
    governor: Governor,
    overflowed: Arc<AtomicBool>,
    swept_at: Mutex<Duration>,
}

impl Buckets {
    fn new(quota: Quota, amount: NonZeroU32, clock: &Clock, most: usize) -> Option<Self> {
        let overflowed = Arc::new(AtomicBool::new(false));
        let states = Bounded {
            own: DashMapStateStore::default(),
            shared: DashMapStateStore::default(),
            hasher: RandomState::new(),
            most,
            overflowed: Arc::clone(&overflowed),
        };
        let rate = governor::Quota::with_period(quota.window / amount.get())?.allow_burst(amount);
        let governor: Governor = RateLimiter::new(rate, states, Elapsed(clock.clone()));
        Some(Self { governor, overflowed, swept_at: Mutex::new(Duration::ZERO) })
    }

    /// Makes room when there are too many; a full bucket has nothing to remember.
    fn sweep(&self, now: Duration) {
        let mut swept_at = self.swept_at.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(*swept_at) >= SWEEP {
            *swept_at = now;
            self.overflowed.store(false, Ordering::Relaxed);
            self.governor.retain_recent();
        }
    }

    fn take(&self, limit: Limit, quota: Quota, subject: Subject, now: Duration) -> Standing {
        let (remaining, wait) = match self.governor.check_key(&subject) {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), None),
            Err(not_until) => (0, Some(not_until.wait_time_from(now))),
        };
        if self.overflowed.load(Ordering::Relaxed) {
            self.sweep(now);
        }
        let missing = quota.amount.saturating_sub(remaining);
        Standing { limit, quota, remaining, full_after: quota.window / quota.amount.max(1) * missing, wait }
    }
}

/// The storage of a single node.
#[derive(Debug)]
pub struct Local {
    clock: Clock,
    buckets: HashMap<Limit, Buckets>,
}

impl Local {
    /// Empty, for these quotas.
    pub fn new(quotas: &super::Quotas, clock: &Clock) -> Self {
        Self::with_most(quotas, clock, SUBJECTS)
    }

    fn with_most(quotas: &super::Quotas, clock: &Clock, most: usize) -> Self {
        let buckets = Limit::ALL.iter().filter_map(|limit| {
            let quota = quotas.of(*limit);
            Some((*limit, Buckets::new(quota, NonZeroU32::new(quota.amount)?, clock, most)?))
        });
        Self { clock: clock.clone(), buckets: buckets.collect() }
    }
}

impl Storage for Local {
    fn take(&self, limit: Limit, quota: Quota, subject: Subject) -> BoxFuture<'static, Standing> {
        let standing = match self.buckets.get(&limit) {
            Some(buckets) => buckets.take(limit, quota, subject, self.clock.elapsed()),
            None => Standing { limit, quota, remaining: quota.amount, full_after: Duration::ZERO, wait: None },
        };
        Box::pin(std::future::ready(standing))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;
    use crate::{
        domain::ids::UserId,
        limits::{Limits, Network, Quotas},
    };

    const QUOTAS: Quotas =
        Quotas { per_minute: 60, per_hour: 1_000, auth_per_minute: 0, socket_messages: 60, socket_typing: 10, socket_pings: 30 };

    fn clock() -> (Clock, Arc<AtomicI64>) {
        let ahead = Arc::new(AtomicI64::new(0));
        let (seconds, start) = (Arc::clone(&ahead), chrono::Utc::now());
        (Clock::from_fn(move || start + chrono::Duration::seconds(seconds.load(Ordering::Relaxed))), ahead)
    }

    fn address(number: u32) -> Subject {
        Subject::Address(Network::from(std::net::IpAddr::V4(number.into())))
    }

    #[tokio::test]
    async fn a_bucket_empties_and_fills_up() {
        let (clock, ahead) = clock();
        let limits = Limits::new(QUOTAS, Arc::new(Local::new(&QUOTAS, &clock)));
        let take = async || limits.take(&[Limit::Minute, Limit::Hour], address(1)).await;
        for left in (0..60).rev() {
            let standings = take().await;
            assert_eq!((standings.len(), standings[0].remaining, standings[0].wait), (2, left, None));
        }
        let standings = take().await;
        assert_eq!(standings.len(), 1, "nothing is taken of the hour's");
        assert_eq!((standings[0].wait, standings[0].full_after), (Some(Duration::from_secs(1)), Duration::from_secs(60)));
        ahead.fetch_add(2, Ordering::Relaxed);
        assert_eq!(take().await[0].remaining, 1);
        assert!(limits.take(&[Limit::Minute], address(2)).await[0].wait.is_none(), "each has a bucket of his own");
        assert!(limits.take(&[Limit::Auth], address(1)).await.is_empty(), "0 switches it off");
    }

    #[tokio::test]
    async fn a_million_strangers_take_no_more_room_and_leave_it_again() {
        let (clock, ahead) = clock();
        let local = Local::new(&QUOTAS, &clock);
        let quota = QUOTAS.of(Limit::Minute);
        let known = Subject::User(UserId::fresh());
        for _ in 0..60 {
            local.take(Limit::Minute, quota, known).await;
        }
        for number in 0..500_000 {
            local.take(Limit::Minute, quota, address(number)).await;
            local.take(Limit::Minute, quota, Subject::User(UserId::fresh())).await;
        }
        let buckets = &local.buckets[&Limit::Minute];
        let states = buckets.governor.len();
        assert!(states <= SUBJECTS, "{states}");
        assert!(local.take(Limit::Minute, quota, known).await.wait.is_some(), "whoever was known still is");
        ahead.fetch_add(61, Ordering::Relaxed);
        local.take(Limit::Minute, quota, address(u32::MAX)).await;
        local.take(Limit::Minute, quota, address(u32::MAX - 1)).await;
        assert!(buckets.governor.len() < 10, "full buckets are forgotten");
    }
}
