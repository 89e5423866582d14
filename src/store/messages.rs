//! Messages: the group commit.

use std::collections::{BTreeSet, HashMap, HashSet};

use entity::message;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Statement};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
    sequencer::{Counters, Locked, Plan, plan},
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

/// Locks the batch's conversations in id order (two nodes can't deadlock), then reads what the plan needs.
async fn lock(transaction: &DatabaseTransaction, drafts: &[Draft]) -> Result<Locked, Failure> {
    let backend = transaction.get_database_backend();
    let conversations: BTreeSet<Uuid> = drafts.iter().map(|draft| draft.post.conversation_id.0).collect();
    let rows = Rows(vec![("id", Column::Uuid(conversations.into_iter().collect()))]);
    let lock = if backend == DbBackend::Postgres { "FOR UPDATE OF c" } else { "" };
    let locking = rows.statement(backend, |source| {
        format!("SELECT c.id, c.last_seq, c.rev FROM {source} CROSS JOIN conversations c WHERE c.id = r.id ORDER BY c.id {lock}")
    });
    let mut counters = HashMap::new();
    for row in transaction.query_all_raw(locking).await? {
        let id: Uuid = row.try_get_by_index(0)?;
        let standing = Counters { last_seq: Seq(row.try_get_by_index(1)?), rev: Rev(row.try_get_by_index(2)?) };
        counters.insert(ConversationId(id), standing);
    }

    let pairs: BTreeSet<(Uuid, Uuid)> =
        drafts.iter().map(|draft| (draft.post.conversation_id.0, draft.post.sender_id.0)).collect();
    let (conversation_ids, user_ids) = pairs.into_iter().unzip();
    let rows = Rows(vec![("conversation_id", Column::Uuid(conversation_ids)), ("user_id", Column::Uuid(user_ids))]);
    let membership = rows.statement(backend, |source| {
        format!(
            "SELECT m.conversation_id, m.user_id FROM {source} CROSS JOIN conversation_members m \
             WHERE m.conversation_id = r.conversation_id AND m.user_id = r.user_id"
        )
    });
    let mut members = HashSet::new();
    for row in transaction.query_all_raw(membership).await? {
        members.insert((ConversationId(row.try_get_by_index(0)?), UserId(row.try_get_by_index(1)?)));
    }

    let rows = Rows(vec![
        ("conversation_id", Column::Uuid(drafts.iter().map(|d| d.post.conversation_id.0).collect())),
        ("sender_id", Column::Uuid(drafts.iter().map(|d| d.post.sender_id.0).collect())),
        ("message_id", Column::Text(drafts.iter().map(|d| d.post.message_id.as_str().to_owned()).collect())),
    ]);
    let repeats = rows.statement(backend, |source| {
        format!(
            "SELECT m.* FROM {source} CROSS JOIN messages m \
             WHERE m.conversation_id = r.conversation_id AND m.sender_id = r.sender_id AND m.message_id = r.message_id"
        )
    });
    let mut stored = HashMap::new();
    for row in transaction.query_all_raw(repeats).await? {
        let message = Message::from(message::Model::from_query_result(&row, "")?);
        stored.insert((message.conversation_id, message.sender_id, message.message_id.clone()), message);
    }
    Ok(Locked { counters, members, stored })
}

async fn write(transaction: &DatabaseTransaction, plan: &Plan) -> Result<(), Failure> {
    let backend = transaction.get_database_backend();
    for statement in [advance(backend, plan), insert(backend, plan), mark_read(backend, plan)] {
        transaction.execute_raw(statement).await?;
    }
    Ok(())
}

fn advance(backend: DbBackend, plan: &Plan) -> Statement {
    let now = plan.inserts.iter().map(|m| (m.conversation_id, m.created_at)).collect::<HashMap<_, _>>();
    let (mut ids, mut seqs, mut revs, mut times) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, at) in now {
        let standing = plan.advanced[&id];
        ids.push(id.0);
        seqs.push(standing.last_seq.0);
        revs.push(standing.rev.0);
        times.push(at);
    }
    let rows = Rows(vec![
        ("id", Column::Uuid(ids)),
        ("last_seq", Column::Int(seqs)),
        ("rev", Column::Int(revs)),
        ("at", Column::Time(times)),
    ]);
    rows.statement(backend, |source| {
        format!(
            "UPDATE conversations SET last_seq = r.last_seq, rev = r.rev, last_message_at = r.at \
             FROM {source} WHERE conversations.id = r.id"
        )
    })
}

fn insert(backend: DbBackend, plan: &Plan) -> Statement {
    let rows = &plan.inserts;
    let rows = Rows(vec![
        ("id", Column::Uuid(rows.iter().map(|m| m.id.0).collect())),
        ("message_id", Column::Text(rows.iter().map(|m| m.message_id.as_str().to_owned()).collect())),
        ("sender_id", Column::Uuid(rows.iter().map(|m| m.sender_id.0).collect())),
        ("conversation_id", Column::Uuid(rows.iter().map(|m| m.conversation_id.0).collect())),
        ("content", Column::Text(rows.iter().map(|m| m.content.as_str().to_owned()).collect())),
        ("created_at", Column::Time(rows.iter().map(|m| m.created_at).collect())),
        ("seq", Column::Int(rows.iter().map(|m| m.seq.0).collect())),
        ("rev", Column::Int(rows.iter().map(|m| m.rev.0).collect())),
    ]);
    rows.statement(backend, |source| {
        format!(
            "INSERT INTO messages (id, message_id, sender_id, conversation_id, content, created_at, seq, rev) \
             SELECT r.id, r.message_id, r.sender_id, r.conversation_id, r.content, r.created_at, r.seq, r.rev FROM {source}"
        )
    })
}

/// Posting means having read up to one's own message, so that what is unread counts nothing of one's own.
fn mark_read(backend: DbBackend, plan: &Plan) -> Statement {
    let mut marks: HashMap<(Uuid, Uuid), i64> = HashMap::new();
    for message in &plan.inserts {
        marks.insert((message.conversation_id.0, message.sender_id.0), message.seq.0);
    }
    let (mut conversations, mut users, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    for ((conversation, user), seq) in marks {
        conversations.push(conversation);
        users.push(user);
        seqs.push(seq);
    }
    let rows = Rows(vec![
        ("conversation_id", Column::Uuid(conversations)),
        ("user_id", Column::Uuid(users)),
        ("seq", Column::Int(seqs)),
    ]);
    rows.statement(backend, |source| {
        format!(
            "UPDATE conversation_members SET last_read_seq = r.seq FROM {source} \
             WHERE conversation_members.conversation_id = r.conversation_id AND conversation_members.user_id = r.user_id"
        )
    })
}
