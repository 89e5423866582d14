//! Work for the writer other than posts: what to do with the store, and what happens when it is done.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures_util::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::{Instrument, Span};

use super::online::Online;
use crate::{
    backplane::News,
    domain::{clock::Clock, ids::ConversationId, presence::Seen, refusal::Refusal},
    store::{Failure, Forgotten, Store},
};

/// What an ask brings back.
pub type Answer<T> = Result<T, Refusal>;

/// What to do with the store, on the writer's own thread.
pub type Job = Box<dyn FnOnce(Arc<Store>) -> LocalBoxFuture<'static, Finish> + Send>;

/// How a job ended: first others are told, then whoever asked gets the answer.
pub struct Finish {
    pub(super) aftermath: Aftermath,
    pub(super) answer: Box<dyn FnOnce() + Send>,
}

/// What others have to be told of a job, whether or not anybody still waits for its answer.
#[derive(Debug)]
pub enum Aftermath {
    /// Nothing.
    None,
    /// It isn't known whether this conversation has changed.
    Doubtful(ConversationId),
    /// This has happened, which every node hears of.
    News(News),
}

impl From<News> for Aftermath {
    fn from(news: News) -> Self {
        Self::News(news)
    }
}

/// Wraps an ask so that it carries its turn and its answer, and is a step of whoever asks.
pub(super) fn job<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    step: fn(Span) -> Span,
    ask: impl AsyncFnOnce(Arc<Store>) -> Result<(T, Aftermath), Failure> + Send + 'static,
) -> (Job, oneshot::Receiver<Answer<T>>) {
    let (reply, answer) = oneshot::channel();
    let asking = Span::current();
    let job: Job = Box::new(move |store| {
        let work = async move {
            let _turn = turn;
            let (answer, aftermath) = match ask(store).await {
                Ok((answer, aftermath)) => (Ok(answer), aftermath),
                Err(failure) => (Err(failure.into_refusal()), Aftermath::None),
            };
            // Whoever asked may have gone; what was done is done.
            Finish { aftermath, answer: Box::new(move || drop(reply.send(answer))) }
        };
        // What is logged on the way carries the request's id.
        Box::pin(work.instrument(step(asking)))
    });
    (job, answer)
}

/// Deletes what has no more to say.
pub(super) fn sweep(store: Arc<Store>) -> LocalBoxFuture<'static, Finish> {
    Box::pin(async move {
        if let Err(error) = store.sweep().await {
            tracing::warn!(%error, "writer.sweep_failed");
        }
        Finish { aftermath: Aftermath::None, answer: Box::new(|| {}) }
    })
}

/// What is done now and then, one at a time: while it is under way there is no turn for another.
#[derive(Clone, Debug)]
pub(super) struct Chore(Arc<Semaphore>);

impl Default for Chore {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Chore {
    /// A turn, unless somebody has it.
    pub(super) fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// Notes when people were last here.
pub(super) fn seen(store: Arc<Store>, people: Vec<Seen>, turn: OwnedSemaphorePermit) -> LocalBoxFuture<'static, Finish> {
    Box::pin(async move {
        let _turn = turn;
        if let Err(error) = store.seen(&people).await {
            tracing::warn!(%error, "writer.seen_not_stored");
        }
        Finish { aftermath: Aftermath::None, answer: Box::new(|| {}) }
    })
}

/// Which guests are forgotten: those who haven't been here for that long.
#[derive(Clone, Debug)]
pub struct GuestSweep {
    /// How long; none: there are no guests.
    pub after: Option<chrono::Duration>,
    /// Who is here all the same.
    pub online: Online,
    /// What time it is.
    pub clock: Clock,
}

impl GuestSweep {
    /// Forgets some of them, in one transaction.
    pub(super) async fn portion(&self, store: &Store) -> Result<Forgotten, Failure> {
        let Some(after) = self.after else { return Ok(Forgotten::default()) };
        store.forget_guests(self.clock.now() - after, |user| self.online.has_device(user)).await
    }
}

/// The same, as often as it comes; says whether there are more.
pub(super) fn forget_guests(
    store: Arc<Store>,
    guests: GuestSweep,
    more: Arc<AtomicBool>,
    turn: OwnedSemaphorePermit,
) -> LocalBoxFuture<'static, Finish> {
    Box::pin(async move {
        let _turn = turn;
        let portion = guests.portion(&store).await;
        let aftermath = match portion {
            Ok(portion) => {
                more.store(portion.more, Ordering::Relaxed);
                News::LoginsEnded(portion.ended).into()
            }
            Err(error) => {
                tracing::warn!(%error, "writer.guests_not_forgotten");
                Aftermath::None
            }
        };
        Finish { aftermath, answer: Box::new(|| {}) }
    })
}
