//! Tells the other nodes what this one did.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, timeout_at},
};

use super::{
    Body, Letter,
    line::Line,
    place::{CHANNELS, Place},
};
use crate::{
    backplane::{News, NodeId},
    metrics::Metrics,
};

/// Most news told at a time.
const BATCH: usize = 256;
/// How often is told how much was told.
const COUNT: Duration = Duration::from_secs(1);

/// News that waits to be told.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) news: News,
    pub(super) _room: OwnedSemaphorePermit,
}

/// Who tells.
pub(super) struct Mouth {
    pub(super) queue: mpsc::UnboundedReceiver<Waiting>,
    pub(super) line: Line,
    pub(super) is_heard: Arc<AtomicBool>,
    pub(super) node: NodeId,
    pub(super) place: Place,
    pub(super) metrics: Arc<Metrics>,
    /// By channel, the number of the last letter.
    pub(super) numbers: [u64; CHANNELS],
}

impl Mouth {
    /// Tells what waits, as much as has gathered at a time. What can't be told is dropped: its number is missed.
    pub(super) async fn speak(mut self) {
        let names = self.place.channels();
        let mut batch = Vec::new();
        let mut counted_at = Instant::now();
        loop {
            if let Ok(0) = timeout_at(counted_at + COUNT, self.queue.recv_many(&mut batch, BATCH)).await {
                return;
            }
            let is_count = counted_at.elapsed() >= COUNT;
            if batch.is_empty() && !is_count {
                continue;
            }
            let mut letters = Vec::with_capacity(batch.len() + 1);
            for Waiting { news, .. } in batch.iter() {
                let channel = Place::channel_of(news);
                self.numbers[channel] += 1;
                let letter = Letter { from: self.node, number: self.numbers[channel], body: Body::News(news) };
                // What is told is made of texts and numbers, for all of which there is JSON.
                let Ok(text) = serde_json::to_vec(&letter) else { continue };
                letters.push((&names[channel], text));
            }
            if is_count {
                counted_at = Instant::now();
                let letter = Letter { from: self.node, number: 0, body: Body::<&News>::Count(self.numbers.to_vec()) };
                if let Ok(text) = serde_json::to_vec(&letter) {
                    letters.push((&names[CHANNELS - 1], text));
                }
            }
            let is_told = match self.line.get() {
                Some(mut redis) => redis.publish(letters).await.inspect_err(|error| {
                    tracing::debug!(%error, "backplane.not_told");
                }),
                None => Err((redis::ErrorKind::Io, "no connection").into()),
            }
            .is_ok();
            self.is_heard.store(is_told, Ordering::Relaxed);
            let told = batch.len() as u64;
            // What it held on to is given back only now.
            batch.clear();
            if is_told {
                self.metrics.news_told(told);
            } else {
                self.metrics.news_lost(told);
            }
        }
    }
}
