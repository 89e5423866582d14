//! The process-wide budget of accepted events. An event holds its share from the moment the writer accepts
//! its command until the last hub has pushed it, so that neither the writer's queue nor the fan-out behind
//! it can outgrow memory.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{metrics::Spans, telemetry::journey::Journey};

/// Most events on their way at a time.
const EVENTS: u32 = 16_384;
/// Most bytes of them.
const BYTES: u32 = 64 << 20;

/// Hands out shares.
#[derive(Clone, Debug)]
pub struct Budget {
    events: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// One event's share; dropping it gives it back, and ends the event's journey.
#[derive(Debug)]
pub struct Share {
    /// Where the event is on its way.
    pub journey: Journey,
    _event: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
    accepted_at: Instant,
    /// Where to tell how long it was held.
    watched: Option<Spans>,
    batch: Option<Batch>,
}

/// Events that were committed together: all of them have been pushed when the last copy of this is gone.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    _pushed: Arc<oneshot::Sender<()>>,
}

impl Batch {
    /// One, and what resolves once all of it has been pushed.
    pub(super) fn new() -> (Self, impl Future<Output = ()> + use<>) {
        let (sender, pushed) = oneshot::channel::<()>();
        // Nothing is ever sent: an error means that the sender is gone.
        (Self { _pushed: Arc::new(sender) }, async { drop(pushed.await) })
    }
}

impl Share {
    /// For how long it has been held at this moment.
    pub(super) fn held(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.accepted_at)
    }

    /// Has it told how long it was held, once it is given back.
    pub(super) fn watch(&mut self, spans: &Spans) {
        self.watched = Some(spans.clone());
    }

    /// Makes the event one of a batch.
    pub(super) fn join(&mut self, batch: &Batch) {
        self.batch = Some(batch.clone());
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(spans) = &self.watched {
            spans.observe(self.held(Instant::now()));
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { events: Arc::new(Semaphore::new(EVENTS as usize)), bytes: Arc::new(Semaphore::new(BYTES as usize)) }
    }
}

impl Budget {
    /// A share for an event of so many bytes; none when the budget is spent or closed.
    pub fn take(&self, bytes: usize) -> Option<Share> {
        let bytes = u32::try_from(bytes).ok()?;
        Some(Share {
            journey: Journey::default(),
            _event: Arc::clone(&self.events).try_acquire_owned().ok()?,
            _bytes: Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?,
            accepted_at: Instant::now(),
            watched: None,
            batch: None,
        })
    }

    /// How many events are on their way.
    pub fn taken(&self) -> usize {
        EVENTS as usize - self.events.available_permits()
    }

    /// Resolves when nothing is on its way any more.
    pub async fn drained(&self) {
        // An error means closed, which nobody does.
        drop(self.events.acquire_many(EVENTS).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_come_back() {
        let budget = Budget::default();
        let share = budget.take(BYTES as usize).unwrap();
        assert!(budget.take(1).is_none(), "no bytes are left");
        assert_eq!(budget.taken(), 1, "a failed take holds nothing");
        drop(share);
        assert!(budget.take(1).is_some());
        assert_eq!(budget.taken(), 0);
    }
}
