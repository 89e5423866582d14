//! What devices are told first of conversations of which they know nothing: it is the same for all members, and is kept in
//! memory for as long as the conversation stands at the same `rev`.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};
use sea_orm::{ConnectionTrait, DbBackend};

use super::{
    Failure, Store,
    history::{messages_from, rows},
    rows::{Column, Rows},
    state,
};
use crate::domain::{
    clock::Timestamp,
    conversation::{ConversationState, Head},
    ids::{ConversationId, Rev, UserId},
    message::Message,
};

/// Bytes that the openings may take, roughly.
const ROOM: u64 = 16 << 20;
/// Openings that there is room for when they are of a usual size.
const USUAL: usize = 2_000;

/// What somebody is told first of a conversation.
#[derive(Debug)]
pub struct Opening {
    /// What it is now.
    pub state: Arc<ConversationState>,
    /// Its newest messages, ascending.
    pub messages: Vec<Message>,
    /// Its newest change.
    pub head: Rev,
    /// Before that moment it wasn't read; read marks that have moved since then may be missing.
    pub asked_at: Timestamp,
    frames: OnceLock<Vec<Bytes>>,
}

impl Opening {
    /// It as devices are told it, which is made once.
    pub fn frames(&self, make: impl FnOnce(&Self) -> Vec<Bytes>) -> &[Bytes] {
        self.frames.get_or_init(|| make(self))
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<ConversationId, Arc<Opening>> for ByBytes {
    fn weight(&self, _: &ConversationId, opening: &Arc<Opening>) -> u64 {
        /// An id in memory and in frames, and a read mark.
        const MEMBER: usize = 200;
        let messages: usize = opening.messages.iter().map(Message::weight).sum();
        // As they are, and in frames.
        (2 * messages + MEMBER * opening.state.members.len()) as u64
    }
}

/// The openings that are kept.
#[derive(Debug)]
pub struct Openings(Cache<ConversationId, Arc<Opening>, ByBytes>);

impl Default for Openings {
    fn default() -> Self {
        Self(Cache::with_weighter(USUAL, ROOM, ByBytes))
    }
}

impl Openings {
    /// What a member is told of a conversation that stands there. They are told by themselves of read marks that have moved
    /// since then: what is older than that isn't enough.
    pub fn get(&self, head: &Head, since: Option<Timestamp>) -> Option<Arc<Opening>> {
        let opening = self.0.get(&head.conversation_id)?;
        (opening.head == head.rev && since.is_none_or(|since| opening.asked_at >= since)).then_some(opening)
    }

    /// Keeps what was read.
    pub fn keep(&self, opening: &Arc<Opening>) {
        self.0.insert(opening.state.id, Arc::clone(opening));
    }
}

impl Store {
    /// Conversations and their newest messages, for a member who knows nothing of them. One of which `viewer` is no member
    /// isn't in the answer.
    pub async fn openings(&self, viewer: UserId, ids: &[ConversationId], limit: u64) -> Result<Vec<Opening>, Failure> {
        let (backend, asked_at) = (self.backend(), self.clock.now());
        let asked = Rows(vec![
            ("id", Column::Uuid(ids.iter().map(|id| id.0).collect())),
            ("viewer", Column::Uuid(vec![viewer.0; ids.len()])),
        ]);
        let together = asked.statement(backend, |source| sql(backend, source, limit));
        let mut openings = Vec::with_capacity(ids.len());
        for row in self.reading.query_all_raw(together).await? {
            let (state, head) = state::from_row(&row)?;
            let messages: Option<String> = row.try_get("", "messages")?;
            let messages = messages_from(state.id, messages.as_deref())?;
            openings.push(Opening { state: Arc::new(state), messages, head, asked_at, frames: OnceLock::new() });
        }
        Ok(openings)
    }
}

fn sql(backend: DbBackend, source: &str, limit: u64) -> String {
    let (members, messages) = (state::members(backend), rows(backend));
    format!(
        "SELECT c.*, {members}, \
         (SELECT {messages} FROM (SELECT * FROM messages WHERE conversation_id = c.id ORDER BY seq DESC LIMIT {limit}) m) AS messages \
         FROM {source} CROSS JOIN conversation_members v CROSS JOIN conversations c \
         WHERE v.conversation_id = r.id AND v.user_id = r.viewer AND c.id = r.id"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{clock::Clock, ids::Seq};

    fn opening(at: Timestamp) -> Arc<Opening> {
        let (ann, created_at) = (UserId::fresh(), at);
        let state = ConversationState {
            id: ConversationId::fresh(),
            title: None,
            direct: false,
            members: vec![ann],
            owners: vec![ann],
            reads: BTreeMap::new(),
            last_seq: Seq(6),
            rev: Rev(1),
            created_at,
            last_message_at: at,
        };
        Arc::new(Opening { state: Arc::new(state), messages: Vec::new(), head: Rev(7), asked_at: at, frames: OnceLock::new() })
    }

    #[test]
    fn an_opening_is_good_where_the_conversation_stands() {
        let (openings, now) = (Openings::default(), Clock::system().now());
        let opening = opening(now);
        let head = |rev| Head {
            conversation_id: opening.state.id,
            rev: Rev(rev),
            meta_rev: Rev(1),
            last_read_seq: Seq(0),
            last_seq: Seq(6),
            marked_at: None,
        };
        assert!(openings.get(&head(7), None).is_none());
        openings.keep(&opening);
        assert!(openings.get(&head(7), None).is_some());
        assert!(openings.get(&head(8), None).is_none(), "something has changed");
        assert!(openings.get(&head(6), None).is_none(), "who asked is behind, and may have been removed");
        let [before, after] = [now - chrono::Duration::seconds(1), now + chrono::Duration::seconds(1)];
        assert!(openings.get(&head(7), Some(before)).is_some());
        assert!(openings.get(&head(7), Some(after)).is_none(), "marks may have moved that nobody tells");
    }
}
