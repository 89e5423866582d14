//! Messages: the group commit.

use std::collections::BTreeSet;

use entity::message;

use super::{
    Failure, Repeat, Store,
    batch::{lock, write},
    sequencer::{Plan, plan},
};
use crate::domain::{
    event::Event,
    ids::{ConversationId, MessageKey, Rev, Seq, UserId},
    message::{Message, NewMessage, Posted},
    refusal::Refusal,
    text::{Content, MessageId},
};

/// A post on its way into the store. The row's id is drawn before the first try, so that a later try
/// knows its own row again when the answer to a commit was lost.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The id its row will have.
    pub id: MessageKey,
    /// What was asked.
    pub post: NewMessage,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Committed {
    /// One answer per draft, in their order.
    pub outcomes: Vec<Result<Posted, Refusal>>,
    /// What to publish, in commit order.
    pub events: Vec<Event>,
    /// Conversations of which it isn't known whether something was stored: their rooms have to look.
    pub doubtful: Vec<ConversationId>,
}

impl Committed {
    /// None of them was stored, or it isn't known.
    fn refused(drafts: &[Draft], failure: Failure) -> Self {
        let conversations: BTreeSet<_> = drafts.iter().map(|draft| draft.post.conversation_id).collect();
        let doubtful = if matches!(failure, Failure::Unavailable(_)) { conversations.into_iter().collect() } else { Vec::new() };
        let refusal = failure.into_refusal();
        Self { outcomes: drafts.iter().map(|_| Err(refusal.clone())).collect(), events: Vec::new(), doubtful }
    }
}

impl From<message::Model> for Message {
    fn from(row: message::Model) -> Self {
        Self {
            id: MessageKey(row.id),
            message_id: MessageId::from_stored(row.message_id),
            sender_id: UserId(row.sender_id),
            conversation_id: ConversationId(row.conversation_id),
            content: Content::from_stored(row.content),
            created_at: row.created_at,
            seq: Seq(row.seq),
            rev: Rev(row.rev),
        }
    }
}

impl Store {
    /// Stores a batch in one transaction. A refused draft doesn't touch its neighbours; when the transaction
    /// fails for another reason than a race or a lost connection, each draft is tried alone, so that only the
    /// one that can't be stored fails.
    pub async fn post(&self, drafts: &[Draft]) -> Committed {
        match self.post_together(drafts).await {
            Ok(plan) => {
                let events = plan.events().collect();
                Committed { outcomes: plan.outcomes, events, doubtful: Vec::new() }
            }
            Err(Failure::Broken(error)) if drafts.len() > 1 => {
                tracing::warn!(%error, posts = drafts.len(), "store.batch_split");
                self.post_one_by_one(drafts).await
            }
            Err(failure) => Committed::refused(drafts, failure),
        }
    }

    async fn post_one_by_one(&self, drafts: &[Draft]) -> Committed {
        let mut all = Committed { outcomes: Vec::with_capacity(drafts.len()), events: Vec::new(), doubtful: Vec::new() };
        for (place, draft) in drafts.iter().enumerate() {
            match self.post_together(std::slice::from_ref(draft)).await {
                Ok(plan) => {
                    all.events.extend(plan.events());
                    all.outcomes.extend(plan.outcomes);
                }
                // The database has gone meanwhile: waiting for it once more with each of the others helps nobody.
                Err(failure @ Failure::Unavailable(_)) => {
                    let rest = Committed::refused(&drafts[place..], failure);
                    all.outcomes.extend(rest.outcomes);
                    all.doubtful.extend(rest.doubtful);
                    break;
                }
                Err(failure) => all.outcomes.push(Err(failure.into_refusal())),
            }
        }
        all
    }

    async fn post_together(&self, drafts: &[Draft]) -> Result<Plan, Failure> {
        let outcome = self
            .transact(Repeat::Always, async |transaction| {
                let locked = lock(transaction, drafts).await?;
                let plan = plan(drafts, locked, self.clock.now());
                if !plan.inserts.is_empty() {
                    write(transaction, &plan).await?;
                }
                Ok(plan)
            })
            .await;
        // Whatever came of it: it may be stored although nobody can say so.
        drafts.iter().for_each(|draft| self.pages.changed(draft.post.conversation_id));
        outcome
    }
}
