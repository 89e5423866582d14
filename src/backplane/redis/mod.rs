//! The bus over Redis: sharded pub/sub, one connection that listens and one that tells. Nothing is kept in Redis.
//!
//! The channels are many, so that a cluster spreads them. Every node listens to all of them: a thousand rooms would touch
//! each anyway, and news of a conversation without a room here is dropped once it is read. Letters are numbered: what gets
//! lost is noticed with the next, or when their count is told.

mod connection;
mod ear;
mod line;
mod mouth;
mod place;
mod retry;
mod tally;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use actix::ArbiterHandle;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};

use self::{
    ear::Ear,
    mouth::{Mouth, Waiting},
    place::CHANNELS,
};
use super::{Bus, Link, Listener, News, NodeId};
use crate::{domain::ids::Epoch, metrics::Metrics};

pub use self::{line::Line, place::Place};

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
    /// Whether others are heard.
    is_up: Arc<AtomicBool>,
    /// Whether what was told last got to Redis.
    is_heard: Arc<AtomicBool>,
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Waiting>,
    metrics: Arc<Metrics>,
}

/// What has to be run for the bus to work, once there is somebody to listen.
#[derive(Debug)]
pub struct Lines {
    place: Place,
    node: NodeId,
    is_up: Arc<AtomicBool>,
    is_heard: Arc<AtomicBool>,
    queue: mpsc::UnboundedReceiver<Waiting>,
    metrics: Arc<Metrics>,
}

impl Redis {
    /// A bus that is down until its lines run.
    pub fn new(place: Place, node: NodeId, metrics: Arc<Metrics>) -> (Self, Lines) {
        let (is_up, is_heard) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        // Bounded by the room that each letter takes.
        let (queue, waiting) = mpsc::unbounded_channel();
        let lines = Lines {
            place,
            node,
            is_up: Arc::clone(&is_up),
            is_heard: Arc::clone(&is_heard),
            queue: waiting,
            metrics: Arc::clone(&metrics),
        };
        (Self { is_up, is_heard, room: Arc::new(Semaphore::new(QUEUE)), queue, metrics }, lines)
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
        let holds = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        if holds(&self.is_up) && holds(&self.is_heard) { Link::Up } else { Link::Down }
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        let room = Arc::clone(&self.room);
        // An error means closed, which nobody does.
        Box::pin(async move { drop(room.acquire_many(QUEUE as u32).await) })
    }
}

impl Lines {
    /// Tells and listens for as long as the arbiter runs, and keeps one more line for whatever else nodes share. `held` is kept for
    /// as long as it tells and listens.
    pub fn run<H: Clone + Send + 'static>(
        self,
        arbiter: &ArbiterHandle,
        epoch: Epoch,
        listener: Arc<dyn Listener>,
        held: H,
    ) -> Line {
        let Self { place, node, is_up, is_heard, queue, metrics } = self;
        let place = place.within(epoch);
        let (line, shared) = (Line::new(place.clone()), Line::new(place.clone()));
        let ear = Ear { node, place: place.clone(), is_up, listener, metrics: Arc::clone(&metrics) };
        arbiter.spawn(line.clone().keep("telling"));
        arbiter.spawn(shared.clone().keep("limits and tickets"));
        let mouth = Mouth { queue, line, is_heard, node, place, metrics, numbers: [0; CHANNELS] };
        let also = held.clone();
        arbiter.spawn(async move {
            mouth.speak().await;
            drop(held);
        });
        arbiter.spawn(async move {
            ear.listen().await;
            drop(also);
        });
        shared
    }
}
