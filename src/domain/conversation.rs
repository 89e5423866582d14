//! Conversations: who talks with whom, and where the counters stand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    clock::Timestamp,
    ids::{ConversationId, Rev, Seq, UserId},
    message::Message,
    refusal::{FieldError, Refusal},
    text::{IdempotencyKey, Title},
};

/// Most members a conversation can have.
pub const MAX_MEMBERS: usize = 5_000;

/// A request to start a conversation, or to find the 1-on-1 that exists.
#[derive(Clone, Debug)]
pub struct NewConversation {
    /// Who asks; always a member.
    pub creator: UserId,
    /// All members in order, the creator among them, each once.
    pub members: Vec<UserId>,
    /// The title, if any.
    pub title: Option<Title>,
    /// The request's own name, if the caller gave it one.
    pub idempotency_key: Option<IdempotencyKey>,
}

impl NewConversation {
    /// Adds the creator, drops repeats, checks the bound.
    pub fn new(
        creator: UserId,
        members: impl IntoIterator<Item = UserId>,
        title: Option<Title>,
        idempotency_key: Option<IdempotencyKey>,
    ) -> Result<Self, Refusal> {
        let mut members: Vec<UserId> = members.into_iter().collect();
        // Repeats among those named count as well: so the bound can be described.
        let named = members.len();
        members.push(creator);
        members.sort_unstable();
        members.dedup();
        if named.max(members.len()) > MAX_MEMBERS {
            let message = format!("must name at most {MAX_MEMBERS} members");
            return Err(Refusal::Invalid(vec![FieldError::new("member_ids", message)]));
        }
        Ok(Self { creator, members, title, idempotency_key })
    }

    /// The conversation that this makes.
    pub fn made(&self, id: ConversationId, at: Timestamp) -> ConversationState {
        ConversationState {
            id,
            title: self.title.clone(),
            direct: self.direct_key().is_some(),
            members: self.members.clone(),
            owners: vec![self.creator],
            reads: BTreeMap::new(),
            last_seq: Seq(0),
            rev: Rev(1),
            created_at: at,
            last_message_at: at,
        }
    }

    /// For exactly two members: the key under which there can be only one conversation.
    pub fn direct_key(&self) -> Option<String> {
        match self.members.as_slice() {
            [a, b] => Some(format!("{a}:{b}")),
            _ => None,
        }
    }
}

/// A conversation as all its members see it alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConversationState {
    /// Its id.
    pub id: ConversationId,
    /// Its title, if it has one.
    #[schema(required = true)]
    pub title: Option<Title>,
    /// Whether it is the 1-on-1 of its two members.
    pub direct: bool,
    /// All members, in the order of their ids.
    pub members: Vec<UserId>,
    /// Those of them who may change title and members.
    pub owners: Vec<UserId>,
    /// How far each member has read; whoever has read nothing isn't in it.
    pub reads: BTreeMap<UserId, Seq>,
    /// The `seq` of its newest message.
    pub last_seq: Seq,
    /// The `rev` of its newest change; in a frame of a socket, of the change that the frame tells of.
    pub rev: Rev,
    /// When it was made.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// When its newest message was sent, or when it was made.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub last_message_at: Timestamp,
}

/// A conversation as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conversation {
    /// What all see.
    #[serde(flatten)]
    pub state: ConversationState,
    /// How far the viewer has read.
    pub last_read_seq: Seq,
    /// How many messages that leaves: `last_seq - last_read_seq`.
    #[schema(minimum = 0)]
    pub unread_count: i64,
    /// Its newest message.
    #[schema(required = true)]
    pub last_message: Option<Message>,
}

impl ConversationState {
    /// As one of its members sees it.
    pub fn seen_by(self, viewer: UserId, last_message: Option<Message>) -> Conversation {
        let last_read_seq = self.reads.get(&viewer).copied().unwrap_or_default();
        Conversation { last_read_seq, unread_count: self.last_seq.0 - last_read_seq.0, last_message, state: self }
    }
}

/// What became of a request to start one.
#[derive(Clone, Debug)]
pub enum Started {
    /// It is new.
    New(ConversationState),
    /// It was there before (a 1-on-1, or a repeated request).
    Existing(Conversation),
}

/// Where a conversation stood when a device asked: what it must hear is everything after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// Its newest change.
    pub rev: Rev,
    /// When its title or members last changed.
    pub meta_rev: Rev,
    /// How far who asked has read.
    pub last_read_seq: Seq,
    /// Its newest message.
    pub last_seq: Seq,
    /// A read mark there has moved no later than [`ReadMark::NOTED_WITHIN`] after that; none when none has but by posting.
    pub marked_at: Option<Timestamp>,
}

impl Head {
    /// Whether read marks may have moved since then, or there may be any.
    pub fn may_be_marked(&self, since: Option<Timestamp>) -> bool {
        match since {
            None => self.last_seq > Seq(0),
            Some(since) => self.marked_at.is_some_and(|at| at > since - ReadMark::LOOK_BACK - ReadMark::NOTED_WITHIN),
        }
    }
}

/// What a member's device doesn't know of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// The newest change that the device knows.
    pub after: Rev,
    /// The newest that it is to know.
    pub upto: Rev,
}

impl Gap {
    /// How many changes there are in it at most.
    pub fn width(&self) -> u64 {
        u64::try_from(self.upto.0 - self.after.0).unwrap_or_default()
    }
}

/// Who is in a conversation, and what they are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participants {
    /// Whether it is the 1-on-1 of its two members.
    pub direct: bool,
    /// They, in the order of their ids.
    pub named: Vec<(UserId, String)>,
}

/// Somebody has become a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Of which conversation.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
    /// When its title or members last changed.
    pub meta_rev: Rev,
}

/// How far a member has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMark {
    /// Which conversation.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
    /// How far.
    pub seq: Seq,
}

impl ReadMark {
    /// A device that comes back is told of marks from that much further back than it asks: further than clocks differ and commits take.
    pub const LOOK_BACK: chrono::Duration = chrono::Duration::seconds(60);
    /// How exactly a conversation has when a mark of it last moved. Otherwise everybody who reads would wait for who writes.
    pub const NOTED_WITHIN: chrono::Duration = chrono::Duration::seconds(30);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    #[test]
    fn marks_are_looked_for_where_some_may_have_moved() {
        let now = Clock::system().now();
        let head = |last_seq, marked_at| Head {
            conversation_id: ConversationId::fresh(),
            rev: Rev(9),
            meta_rev: Rev(1),
            last_read_seq: Seq(0),
            last_seq: Seq(last_seq),
            marked_at,
        };
        let ago = |seconds| Some(now - chrono::Duration::seconds(seconds));
        assert!(!head(0, None).may_be_marked(None), "nothing can be read");
        assert!(head(1, None).may_be_marked(None), "whoever has said it has read it");
        assert!(!head(1, None).may_be_marked(Some(now)));
        assert!(head(1, ago(89)).may_be_marked(Some(now)) && !head(1, ago(91)).may_be_marked(Some(now)));
    }

    #[test]
    fn members_are_bounded_as_they_are_named() {
        let (creator, other) = (UserId::fresh(), UserId::fresh());
        let members = |ids: Vec<UserId>| NewConversation::new(creator, ids, None, None).map(|new| new.members.len());
        assert_eq!(members(vec![other; MAX_MEMBERS]), Ok(2));
        assert_eq!(members(vec![other; MAX_MEMBERS + 1]).unwrap_err().fields()[0].field, "member_ids");
        let all = |count| (0..count).map(|_| UserId::fresh()).collect();
        assert_eq!(members(all(MAX_MEMBERS - 1)), Ok(MAX_MEMBERS));
        assert!(members(all(MAX_MEMBERS)).is_err(), "with the creator it is one too many");
    }
}
