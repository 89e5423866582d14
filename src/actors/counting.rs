//! The counters that survive a restart: how they get into the database, and what the edge may ask of them.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{
    asks::Writer,
    job::{Aftermath, Answer, Finish, Job},
};
use crate::{
    domain::{
        counters::{DayFigures, HourFigures, Totals, UserFigures},
        ids::UserId,
    },
    metrics::Metrics,
    store::Store,
};

/// Whatever writes counters takes this lane, so that setting them to nought has its place among what is added.
pub(super) const COUNTING_LANE: u64 = 0;
/// Most users whose counters are stored in one transaction, so that posts behind it wait for some milliseconds at most.
const USERS_AT_ONCE: usize = 2_000;

/// What the writer keeps to have the counters stored now and then, one portion at a time.
#[derive(Debug)]
pub(super) struct Counting(Arc<Semaphore>);

impl Default for Counting {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Counting {
    /// The job that stores the next portion; none while one is under way.
    pub(super) fn next(&self, metrics: &Arc<Metrics>) -> Option<Job> {
        let turn = Arc::clone(&self.0).try_acquire_owned().ok()?;
        let metrics = Arc::clone(metrics);
        Some(Box::new(move |store| {
            Box::pin(async move {
                let _turn = turn;
                store_portion(&store, &metrics).await;
                Finish { aftermath: Aftermath::None, answer: Box::new(|| {}) }
            })
        }))
    }
}

/// Whether something was stored. What couldn't be goes back, and is tried again with the next portion.
async fn store_portion(store: &Store, metrics: &Arc<Metrics>) -> bool {
    let Some(taken) = metrics.take_counted(USERS_AT_ONCE) else { return false };
    let outcome = store.add_counted(taken.deltas()).await;
    metrics.counters_stored(outcome.is_ok());
    match outcome {
        Ok(()) => {
            taken.stored();
            true
        }
        Err(error) => {
            tracing::warn!(%error, "counters.not_stored");
            false
        }
    }
}

impl Writer {
    /// Stores everything that was counted up to now.
    pub async fn store_counted(&self) -> Answer<()> {
        let metrics = Arc::clone(&self.metrics);
        self.write(COUNTING_LANE, async move |store: Arc<Store>| {
            while store_portion(&store, &metrics).await {}
            Ok(((), Aftermath::None))
        })
        .await
    }

    /// Sets all counters to nought, what isn't stored yet included.
    pub async fn reset_counters(&self) -> Answer<()> {
        let metrics = Arc::clone(&self.metrics);
        self.write(COUNTING_LANE, async move |store: Arc<Store>| {
            let counted = metrics.take_counted(usize::MAX);
            store.reset_counters().await?;
            if let Some(counted) = counted {
                counted.stored();
            }
            metrics.restart_peak();
            Ok(((), Aftermath::None))
        })
        .await
    }

    /// Everything counted, as of the last time it was stored.
    pub async fn counted(&self) -> Answer<Totals> {
        self.read(async move |store: Arc<Store>| store.counted().await).await
    }

    /// What was counted in each of so many hours up to now.
    pub async fn counted_by_hour(&self, hours: u32) -> Answer<Vec<HourFigures>> {
        self.read(async move |store: Arc<Store>| store.counted_by_hour(hours).await).await
    }

    /// What was counted on each of so many days up to now.
    pub async fn counted_by_day(&self, days: u32) -> Answer<Vec<DayFigures>> {
        self.read(async move |store: Arc<Store>| store.counted_by_day(days).await).await
    }

    /// What a user did; none when there is no such user.
    pub async fn counted_of(&self, user: UserId) -> Answer<Option<UserFigures>> {
        self.read(async move |store: Arc<Store>| store.counted_of(user).await).await
    }
}
