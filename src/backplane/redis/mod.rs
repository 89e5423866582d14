//! The bus over Redis: sharded pub/sub, one connection that listens and one that tells. Nothing is kept in Redis.
//!
//! The channels are many, so that a cluster can spread them. Every node listens to all of them: a thousand rooms would touch
//! each anyway, and news of a conversation without a room here is dropped after one look-up. Letters are numbered: what gets
//! lost is noticed with the next, or when their count is told.

mod ear;
mod mouth;
mod place;
mod tally;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix::ArbiterHandle;
use redis::RedisError;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use self::{
    ear::Ear,
    mouth::{Mouth, Waiting},
    place::CHANNELS,
};
use super::{Bus, Link, Listener, News, NodeId};
use crate::metrics::Metrics;

pub use place::Place;

/// Bytes of news that may wait to be told; what comes then is lost, and looked up by whoever misses it.
const QUEUE: usize = 16 << 20;

/// What travels.
#[derive(Serialize, Deserialize)]
struct Letter<N> {
    from: NodeId,
    /// The how manyth of its channel it is.
    number: u64,
    body: Body<N>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body<N> {
    News(N),
    /// By channel, the number of the last letter.
    Count(Vec<u64>),
}

/// The bus.
#[derive(Debug)]
pub struct Redis {
    is_up: Arc<AtomicBool>,
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Waiting>,
    metrics: Arc<Metrics>,
}

/// What has to be run for the bus to work, once there is somebody to listen.
#[derive(Debug)]
pub struct Lines {
    place: Place,
    is_up: Arc<AtomicBool>,
    queue: mpsc::UnboundedReceiver<Waiting>,
    metrics: Arc<Metrics>,
}

impl Redis {
    /// A bus that is down until its lines run.
    pub fn new(place: Place, metrics: Arc<Metrics>) -> (Self, Lines) {
        let is_up = Arc::<AtomicBool>::default();
        // Bounded by the room that each letter takes.
        let (queue, waiting) = mpsc::unbounded_channel();
        let lines = Lines { place, is_up: Arc::clone(&is_up), queue: waiting, metrics: Arc::clone(&metrics) };
        (Self { is_up, room: Arc::new(Semaphore::new(QUEUE)), queue, metrics }, lines)
    }
}

impl Bus for Redis {
    fn tell(&self, news: News) {
        let room = Arc::clone(&self.room).try_acquire_many_owned(news.weight());
        // An error means that the lines have ended, as they do with the server.
        let told = room.ok().and_then(|room| self.queue.send(Waiting { news, _room: room }).ok());
        if told.is_none() {
            self.metrics.news_lost(1);
        }
    }

    fn link(&self) -> Link {
        if self.is_up.load(Ordering::Relaxed) { Link::Up } else { Link::Down }
    }
}

impl Lines {
    /// Tells and listens for as long as the arbiter runs.
    ///
    /// # Errors
    /// When the place isn't one.
    pub fn run(self, arbiter: &ArbiterHandle, listener: Arc<dyn Listener>) -> Result<(), RedisError> {
        let Self { place, is_up, queue, metrics } = self;
        let (client, redis, node) = (place.client()?, place.manager()?, NodeId::fresh());
        let mouth = Mouth { queue, redis, node, place: place.clone(), metrics: Arc::clone(&metrics), numbers: [0; CHANNELS] };
        arbiter.spawn(mouth.speak());
        arbiter.spawn(Ear { client, node, place, is_up, listener, metrics }.listen());
        Ok(())
    }
}
