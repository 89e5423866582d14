//! The network between a node and its Redis on a bad day: it loses, doubles, delays and reorders messages, breaks, and
//! goes silent.

mod line;
mod resp;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use line::Line;

/// How probable it is that a message is lost, comes twice, comes late; each copy is late or not for itself.
#[derive(Clone, Copy)]
pub struct Faults {
    pub drop: f64,
    pub double: f64,
    pub delay: f64,
    /// The longest delay.
    pub longest: Duration,
}

impl Faults {
    pub const NONE: Self = Self { drop: 0.0, double: 0.0, delay: 0.0, longest: Duration::ZERO };
}

/// Only what RESP3 pushes as a message suffers: replies, confirmations and RESP2's arrays pass whole and in order.
pub struct Faulty {
    pub address: SocketAddr,
    way: watch::Sender<Way>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy)]
struct Way {
    faults: Faults,
    open: bool,
    flowing: bool,
    /// How often it was cut: a connection ends by it even when the cut was mended at once.
    cuts: u64,
}

#[derive(Default)]
struct Counts {
    dropped: AtomicU64,
    doubled: AtomicU64,
    delayed: AtomicU64,
}

impl Faulty {
    /// With the same seed, the same connection's same message has the same fate.
    pub async fn to(redis: SocketAddr, seed: u64, faults: Faults) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (way, seen) = watch::channel(Way { faults, open: true, flowing: true, cuts: 0 });
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn({
            let (mut seeds, counts) = (Rng::with_seed(seed), Arc::clone(&counts));
            async move {
                while let Ok((near, _)) = listener.accept().await {
                    let Way { open, cuts, .. } = *seen.borrow();
                    if open {
                        let line = Line { way: seen.clone(), random: seeds.fork(), counts: Arc::clone(&counts) };
                        tokio::spawn(line.carry(near, redis, cuts));
                    }
                }
            }
        });
        Self { address, way, counts, accepting }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// What happens to messages from now on. What is late already stays so.
    pub fn set(&self, faults: Faults) {
        self.way.send_modify(|way| way.faults = faults);
    }

    /// Breaks every connection and lets none through.
    pub fn cut(&self) {
        self.way.send_modify(|way| (way.open, way.cuts) = (false, way.cuts + 1));
    }

    pub fn mend(&self) {
        self.way.send_modify(|way| way.open = true);
    }

    /// When it returns, nothing moves any more, neither a byte nor an end, and connections seem to be accepted. All of it
    /// arrives with `flow`.
    pub fn stall(&self) {
        self.way.send_modify(|way| way.flowing = false);
    }

    pub fn flow(&self) {
        self.way.send_modify(|way| way.flowing = true);
    }

    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    pub fn doubled(&self) -> u64 {
        self.counts.doubled.load(Ordering::Relaxed)
    }

    /// Counts copies: a doubled message can be late twice.
    pub fn delayed(&self) -> u64 {
        self.counts.delayed.load(Ordering::Relaxed)
    }
}

/// The lines end with the way's sender.
impl Drop for Faulty {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
