//! Work for the writer other than posts: what to do with the store, and what happens when it is done.

use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::{Instrument, Span};

use crate::{
    domain::{event::Event, ids::LoginId, refusal::Refusal},
    store::{Failure, Store},
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
    /// This is committed.
    Committed(Event),
    /// These logins have ended.
    LoginsEnded(Vec<LoginId>),
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
