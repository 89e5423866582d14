//! Tells the other nodes what this one did.

use std::{sync::Arc, time::Duration};

use redis::aio::ConnectionManager;
use tokio::{
    sync::{OwnedSemaphorePermit, mpsc},
    time::{Instant, timeout_at},
};

use super::{
    Body, Letter,
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
    pub(super) redis: ConnectionManager,
    pub(super) node: NodeId,
    pub(super) place: Place,
    pub(super) metrics: Arc<Metrics>,
    /// By channel, the number of the last letter.
    pub(super) numbers: [u64; CHANNELS],
}

impl Mouth {
    /// Tells what waits, as much as has gathered at a time. What can't be told is dropped: its number is missed.
    pub(super) async fn speak(mut self) {
        let names: Vec<String> = (0..CHANNELS).map(|number| self.place.channel(number)).collect();
        let mut batch = Vec::new();
        let mut counted_at = Instant::now();
        let mut is_down = false;
        loop {
            if let Ok(0) = timeout_at(counted_at + COUNT, self.queue.recv_many(&mut batch, BATCH)).await {
                return;
            }
            let mut pipe = redis::pipe();
            for Waiting { news, .. } in batch.iter() {
                let channel = Place::channel_of(news);
                self.numbers[channel] += 1;
                let letter = Letter { from: self.node, number: self.numbers[channel], body: Body::News(news) };
                // What is told is made of texts and numbers, for all of which there is JSON.
                let Ok(text) = serde_json::to_vec(&letter) else { continue };
                pipe.cmd("SPUBLISH").arg(&names[channel]).arg(text).ignore();
            }
            if counted_at.elapsed() >= COUNT {
                counted_at = Instant::now();
                let letter = Letter { from: self.node, number: 0, body: Body::<&News>::Count(self.numbers.to_vec()) };
                if let Ok(text) = serde_json::to_vec(&letter) {
                    pipe.cmd("SPUBLISH").arg(&names[CHANNELS - 1]).arg(text).ignore();
                }
            }
            let told = batch.drain(..).count() as u64;
            match pipe.query_async::<()>(&mut self.redis).await {
                Ok(()) => {
                    self.metrics.news_told(told);
                    if std::mem::take(&mut is_down) {
                        tracing::info!("backplane.telling_again");
                    }
                }
                Err(error) => {
                    self.metrics.news_lost(told);
                    if !std::mem::replace(&mut is_down, true) {
                        tracing::warn!(%error, "backplane.not_told");
                    }
                }
            }
        }
    }
}
