//! Whether pages that are kept still hold: many questions in one statement, one statement at a time. What gathers while one is
//! under way goes with the next.

use std::{panic::AssertUnwindSafe, sync::Arc};

use actix::Message;
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;

use super::{job::Answer, login_watch::in_time};
use crate::{
    domain::{
        ids::{ConversationId, UserId},
        refusal::Refusal,
    },
    store::{Standing, Store},
};

/// How does a conversation stand, for a viewer? Nothing if there is no such conversation.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Confirm {
    pub(super) id: ConversationId,
    pub(super) viewer: UserId,
    /// Whoever waits for the answer, with their turn and their step of a trace.
    pub(super) waiter: (OwnedSemaphorePermit, Span, oneshot::Sender<Answer<Option<Standing>>>),
}

/// A statement has been answered.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Confirmed;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Confirming {
    waiting: Vec<Confirm>,
    under_way: bool,
}

impl Confirming {
    /// One more waits.
    pub(super) fn add(&mut self, confirm: Confirm) {
        self.waiting.push(confirm);
    }

    /// The statement that was under way is answered.
    pub(super) fn end(&mut self) {
        self.under_way = false;
    }

    /// Asks for all that wait, unless a statement is under way. It has to be told of the end, however that comes about.
    pub(super) fn next(&mut self, store: &Arc<Store>) -> Option<impl Future<Output = ()> + use<>> {
        if self.under_way || self.waiting.is_empty() {
            return None;
        }
        self.under_way = true;
        let (waiting, store) = (std::mem::take(&mut self.waiting), Arc::clone(store));
        let work = AssertUnwindSafe(answer(waiting, store)).catch_unwind();
        // A panic is logged where it happens; whoever isn't answered hears that it went wrong.
        Some(async { work.await.unwrap_or(()) })
    }
}

async fn answer(waiting: Vec<Confirm>, store: Arc<Store>) {
    let asked: Vec<(ConversationId, UserId)> = waiting.iter().map(|confirm| (confirm.id, confirm.viewer)).collect();
    let standings = in_time(store.standings(&asked)).await;
    let standings: Vec<Answer<Option<Standing>>> = match standings {
        Ok(standings) => standings.into_iter().map(Ok).collect(),
        Err(failure) => {
            let refusal: Refusal = failure.into_refusal();
            asked.iter().map(|_| Err(refusal.clone())).collect()
        }
    };
    for (Confirm { waiter: (_turn, _step, reply), .. }, standing) in waiting.into_iter().zip(standings) {
        // Whoever asked may have gone.
        drop(reply.send(standing));
    }
}
