//! What becomes of posts, and how the database is doing.

use std::{
    sync::{Mutex, PoisonError, atomic::AtomicU64},
    time::{Duration, Instant},
};

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use super::{Metrics, rate::Rate, spans::Spans};
use crate::domain::{message::Posted, refusal::Refusal};

type Label = [(&'static str, &'static str); 1];

#[derive(Debug)]
pub(super) struct Posts {
    stored: Counter,
    rate: Gauge<f64, AtomicU64>,
    recent: Mutex<Rate>,
    repeated: Counter,
    refused: Family<Label, Counter>,
    pending: Gauge,
    batch: Histogram,
    commit: Histogram,
    wait: Spans,
    delivery: Spans,
    open: Family<Label, Gauge>,
    idle: Family<Label, Gauge>,
    counters_stored: Counter,
    counters_failed: Counter,
}

impl Posts {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let portions = Family::<Label, Counter>::default();
        let posts = Self {
            stored: Counter::default(),
            rate: Gauge::default(),
            recent: Mutex::new(Rate::new(Instant::now())),
            repeated: Counter::default(),
            refused: Family::default(),
            pending: Gauge::default(),
            batch: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            commit: Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0]),
            wait: Spans::default(),
            delivery: Spans::default(),
            open: Family::default(),
            idle: Family::default(),
            counters_stored: portions.get_or_create_owned(&[("outcome", "stored")]),
            counters_failed: portions.get_or_create_owned(&[("outcome", "failed")]),
        };
        registry.register("messages_sent", "Messages stored since the start", posts.stored.clone());
        registry.register("messages_per_second", "Messages stored per second, over the last minute", posts.rate.clone());
        let help = "Posts that were a repeat of a stored message";
        registry.register("messages_repeated", help, posts.repeated.clone());
        registry.register("posts_refused", "Posts that were refused, by code", posts.refused.clone());
        let help = "Accepted writes on their way, the fan-out included";
        registry.register("writer_pending", help, posts.pending.clone());
        registry.register("writer_batch_posts", "Posts in one transaction", posts.batch.clone());
        let help = "How long a transaction of posts took, further tries included";
        registry.register_with_unit("writer_commit_duration", help, Unit::Seconds, posts.commit.clone());
        let help = "How long a post waited for its transaction to begin";
        registry.register_with_unit("writer_wait_duration", help, Unit::Seconds, posts.wait.clone());
        let help = "From the acceptance of a post until its message is in the queue of the last client's socket";
        registry.register_with_unit("delivery_duration", help, Unit::Seconds, posts.delivery.clone());
        let help = "Connections to the database, by pool";
        registry.register("database_connections_open", help, posts.open.clone());
        let help = "Connections to the database that are idle, by pool";
        registry.register("database_connections_idle", help, posts.idle.clone());
        let help = "Attempts to store a portion of the counters that outlive a restart, by outcome";
        registry.register("tally_portions", help, portions);
        posts
    }

    fn recent<T>(&self, with: impl FnOnce(&mut Rate) -> T) -> T {
        with(&mut self.recent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Brings what is computed up to date.
    pub(super) fn refresh(&self) {
        self.rate.set(self.recent(|recent| recent.per_second(Instant::now())));
    }
}

impl Metrics {
    /// A post begins its transaction after waiting for so long.
    pub fn waited(&self, time: Duration) {
        self.posts.wait.observe(time);
    }

    /// A transaction with so many posts has ended, well or not.
    pub fn committed(&self, posts: usize, took: Duration) {
        self.posts.batch.observe(posts as f64);
        self.posts.commit.observe(took.as_secs_f64());
    }

    /// This is what became of a batch.
    pub fn settled(&self, outcomes: &[Result<Posted, Refusal>]) {
        let (mut stored, mut repeated) = (0, 0);
        for outcome in outcomes {
            match outcome {
                Ok(Posted::New(_)) => stored += 1,
                Ok(Posted::Repeat(_)) => repeated += 1,
                Err(refusal) => self.post_refused(refusal),
            }
        }
        self.posts.repeated.inc_by(repeated);
        if stored > 0 {
            self.posts.stored.inc_by(stored);
            self.posts.recent(|recent| recent.add(Instant::now(), stored));
            self.tally.posted(outcomes);
        }
    }

    /// A post was refused.
    pub fn post_refused(&self, refusal: &Refusal) {
        self.posts.refused.get_or_create(&[("code", refusal.code())]).inc();
    }

    /// Where to tell how long a message took until the last hub had it.
    pub fn deliveries(&self) -> &Spans {
        &self.posts.delivery
    }

    /// Messages stored in the last minute.
    pub fn messages_per_minute(&self) -> u64 {
        self.posts.recent(|recent| recent.per_minute(Instant::now()))
    }

    /// So many writes are on their way now.
    pub fn pending(&self, writes: usize) {
        self.posts.pending.set(writes as i64);
    }

    /// A portion of the counters that outlive a restart was stored, or wasn't.
    pub fn counters_stored(&self, stored: bool) {
        if stored {
            self.posts.counters_stored.inc()
        } else {
            self.posts.counters_failed.inc()
        };
    }

    /// How a pool of connections to the database stands now: so many are open, so many of those idle.
    pub fn pool(&self, name: &'static str, open: u32, idle: usize) {
        self.posts.open.get_or_create(&[("pool", name)]).set(i64::from(open));
        self.posts.idle.get_or_create(&[("pool", name)]).set(idle as i64);
    }
}
