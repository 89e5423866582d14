//! Hears what other nodes tell.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use redis::{ErrorKind, PushInfo, PushKind, RedisError, Value, cmd};
use tokio::{sync::Notify, time::sleep};

use super::{
    Body, Letter,
    connection::Connection,
    place::{PING, Place},
    retry::Retry,
    tally::Tally,
};
use crate::{
    backplane::{Listener, News, NodeId},
    metrics::Metrics,
};

/// Who listens.
pub(super) struct Ear {
    pub(super) node: NodeId,
    pub(super) place: Place,
    pub(super) is_up: Arc<AtomicBool>,
    pub(super) listener: Arc<dyn Listener>,
    pub(super) metrics: Arc<Metrics>,
}

impl Ear {
    /// Listens for ever, by one connection after the other.
    pub(super) async fn listen(self) {
        let mut retry = Retry::default();
        loop {
            let Err(error) = self.stay().await;
            if self.is_up.swap(false, Ordering::Relaxed) {
                retry = Retry::default();
                self.metrics.link_changed(false);
                self.listener.link_changed(false);
            }
            if retry.is_first() {
                tracing::warn!(%error, "backplane.down: other nodes aren't heard; is Redis there, and REDIS_URL right?");
            }
            retry.wait().await;
        }
    }

    /// Listens until the connection is lost.
    async fn stay(&self) -> Result<Infallible, RedisError> {
        let lost = Arc::new(Notify::new());
        let mut redis = self.connect(Arc::clone(&lost)).await?;
        redis.subscribe(&self.place.channels()).await?;
        self.is_up.store(true, Ordering::Relaxed);
        self.metrics.link_changed(true);
        tracing::info!("backplane.up");
        self.listener.link_changed(true);
        loop {
            tokio::select! {
                () = lost.notified() => return Err((ErrorKind::Io, "the connection was lost").into()),
                () = sleep(PING) => cmd("PING").query_async::<()>(&mut redis).await?,
            }
        }
    }

    async fn connect(&self, lost: Arc<Notify>) -> Result<Connection, RedisError> {
        // What was said before is covered by the comparison that follows the connection.
        let tally = Mutex::new(Tally::default());
        let (node, listener, metrics) = (self.node, Arc::clone(&self.listener), Arc::clone(&self.metrics));
        let hear = move |PushInfo { kind, data }: PushInfo| {
            match (kind, data.get(1)) {
                // A cluster unsubscribes who listens to a channel that moves to another server of it.
                (PushKind::Disconnection | PushKind::SUnsubscribe, _) => lost.notify_one(),
                (PushKind::SMessage, Some(Value::BulkString(text))) => match serde_json::from_slice::<Letter<News>>(text) {
                    Ok(Letter { from, .. }) if from == node => {}
                    Ok(letter) => open(letter, &tally, &*listener, &metrics),
                    // Of another version, perhaps; what it was of is missed, and looked up.
                    Err(error) => tracing::debug!(%error, "backplane.not_understood"),
                },
                _ => {}
            }
        };
        Connection::to(&self.place, Some(Arc::new(hear))).await
    }
}

fn open(Letter { from, number, body }: Letter<News>, tally: &Mutex<Tally>, listener: &dyn Listener, metrics: &Metrics) {
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    let has_missed = match &body {
        Body::News(news) => tally.letter(from, Place::channel_of(news), number, Instant::now()),
        Body::Count(numbers) => tally.count(from, numbers, Instant::now()),
    };
    drop(tally);
    if let Body::News(news) = body {
        metrics.news_heard();
        listener.hear(from, news);
    }
    if has_missed {
        metrics.news_missed();
        listener.missed();
    }
}
