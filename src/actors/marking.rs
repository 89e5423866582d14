//! Read marks on their way into the database: whoever scrolls sends many, and only the last one counts. What has gathered
//! goes into one transaction, a few times a second.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::{Duration, Instant},
};

use actix::Message;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tracing::Span;

use super::job::{Answer, Finish, Job};
use crate::{
    backplane::News,
    domain::{
        conversation::ReadMark,
        ids::{ConversationId, Seq, UserId},
        refusal::Refusal,
    },
};

/// Least time between two transactions.
const PAUSE: Duration = Duration::from_millis(200);

/// Move a read mark forward; the answer is where it stands.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Mark {
    pub(super) mark: ReadMark,
    /// Whoever waits for the answer, with their turn and their step of a trace.
    pub(super) waiter: (OwnedSemaphorePermit, Span, oneshot::Sender<Answer<Seq>>),
}

type Waiters = Vec<(OwnedSemaphorePermit, Span, oneshot::Sender<Answer<Seq>>)>;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Marking {
    waiting: HashMap<(ConversationId, UserId), (Seq, Waiters)>,
    /// Whether it will be taken.
    due: bool,
    taken_at: Option<Instant>,
}

impl Marking {
    /// Adds a mark. If nobody is due to take what waits: after how long it is to be taken.
    pub(super) fn add(&mut self, Mark { mark, waiter }: Mark, now: Instant) -> Option<Duration> {
        match self.waiting.entry((mark.conversation_id, mark.user_id)) {
            Entry::Vacant(vacancy) => drop(vacancy.insert((mark.seq, vec![waiter]))),
            Entry::Occupied(mut waiting) => {
                let (seq, waiters) = waiting.get_mut();
                *seq = mark.seq.max(*seq);
                waiters.push(waiter);
            }
        }
        if std::mem::replace(&mut self.due, true) {
            return None;
        }
        Some(self.taken_at.map_or(Duration::ZERO, |at| PAUSE.saturating_sub(now.saturating_duration_since(at))))
    }

    /// Takes what waits, as a job that stores it.
    pub(super) fn take(&mut self, now: Instant) -> Job {
        self.due = false;
        self.taken_at = Some(now);
        let (marks, waiters): (Vec<ReadMark>, Vec<Waiters>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|((conversation_id, user_id), (seq, waiters))| (ReadMark { conversation_id, user_id, seq }, waiters))
            .unzip();
        Box::new(move |store| {
            Box::pin(async move {
                let (outcomes, moved): (Vec<Result<Seq, Refusal>>, _) = match store.mark_read(&marks).await {
                    Ok(outcomes) => {
                        let moved = outcomes.iter().flatten().filter(|marked| marked.moved).map(|marked| marked.mark).collect();
                        (outcomes.into_iter().map(|outcome| outcome.map(|marked| marked.mark.seq)).collect(), moved)
                    }
                    Err(failure) => {
                        let refusal = failure.into_refusal();
                        (marks.iter().map(|_| Err(refusal.clone())).collect(), Vec::new())
                    }
                };
                let answer = move || {
                    for (outcome, waiters) in outcomes.into_iter().zip(waiters) {
                        for (_turn, _step, reply) in waiters {
                            // Whoever asked may have gone.
                            drop(reply.send(outcome.clone()));
                        }
                    }
                };
                Finish { aftermath: News::Marked(moved).into(), answer: Box::new(answer) }
            })
        })
    }
}
