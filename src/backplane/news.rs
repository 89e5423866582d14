//! What nodes tell each other.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{
    clock::Timestamp,
    conversation::{ConversationState, ReadMark},
    ids::{ConversationId, LoginId, Rev, UserId},
    message::Message,
};

/// One process among those that share a database; each start makes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(Uuid);

impl NodeId {
    /// This process, which has just started.
    pub fn fresh() -> Self {
        Self(Uuid::now_v7())
    }
}

/// Something that happened on one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// These messages were stored, all of one conversation, by ascending `rev`.
    Said(Vec<Message>),
    /// A conversation was made or changed.
    Changed {
        /// What it is now.
        state: Box<ConversationState>,
        /// Who has come by that.
        added: Vec<UserId>,
        /// Who has gone by that.
        removed: Option<UserId>,
    },
    /// A conversation was there as it was to be; should its members not have been told, then now.
    Known {
        /// It.
        state: Box<ConversationState>,
        /// Whether somebody wants to talk there.
        opened: bool,
    },
    /// These read marks have moved.
    Marked(Vec<ReadMark>),
    /// Somebody writes, or doesn't any more.
    Typing {
        /// Where.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
        /// Whether they do.
        is_typing: bool,
    },
    /// A member of these conversations, which stood at these changes, is called something else.
    Renamed(Vec<(ConversationId, Rev)>),
    /// These logins have ended.
    LoginsEnded(Vec<LoginId>),
    /// Who is on the sender's node.
    Presence(Gossip),
}

impl News {
    /// The conversation that it is of, if it is of one: what is of one keeps its order on the way.
    pub(super) fn conversation(&self) -> Option<ConversationId> {
        match self {
            Self::Said(messages) => messages.first().map(|message| message.conversation_id),
            Self::Changed { state, .. } | Self::Known { state, .. } => Some(state.id),
            Self::Typing { conversation_id, .. } => Some(*conversation_id),
            // A mark only moves forward, whatever overtakes it.
            Self::Marked(_) | Self::Renamed(_) | Self::LoginsEnded(_) | Self::Presence(_) => None,
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Said(messages) => messages.is_empty(),
            Self::Marked(marks) => marks.is_empty(),
            Self::Renamed(conversations) => conversations.is_empty(),
            Self::LoginsEnded(logins) => logins.is_empty(),
            Self::Changed { .. } | Self::Known { .. } | Self::Typing { .. } | Self::Presence(_) => false,
        }
    }

    /// Bytes that it holds on to, roughly.
    pub(super) fn weight(&self) -> u32 {
        let things = match self {
            Self::Said(messages) => return messages.iter().map(|message| 512 + message.content.as_str().len() as u32).sum(),
            Self::Changed { state, .. } | Self::Known { state, .. } => state.members.len(),
            Self::Marked(marks) => marks.len(),
            Self::Renamed(conversations) => conversations.len(),
            Self::LoginsEnded(logins) => logins.len(),
            Self::Presence(Gossip::Moves { moves, .. }) => moves.iter().map(|moved| 1 + moved.conversations.len()).sum(),
            Self::Presence(Gossip::Roll { people, .. }) => people.len(),
            Self::Typing { .. } | Self::Presence(Gossip::Pulse(_) | Gossip::CallRoll(_)) => 1,
        };
        256 + 64 * things as u32
    }
}

/// Who is on a node, told so that the others notice when they have missed some of it. A node that stops says nothing: its people
/// come back elsewhere before its silence is noticed, or have gone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gossip {
    /// The node lives, and has told so many moves.
    Pulse(u64),
    /// People have come or gone.
    Moves {
        /// The how manyth this is.
        number: u64,
        /// In this order.
        moves: Vec<Move>,
    },
    /// Everybody who is there, in parts.
    Roll {
        /// After so many moves.
        number: u64,
        /// Which part this is, from 0.
        part: usize,
        /// How many there are.
        parts: usize,
        /// Some of them.
        people: Vec<Resident>,
    },
    /// This node should call its roll; none: all should.
    CallRoll(Option<NodeId>),
}

/// Somebody who is on a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resident {
    /// Who.
    pub user_id: UserId,
    /// If it is a guest.
    pub guest: Option<Guest>,
}

/// What other nodes have to know of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// What they are called.
    pub name: Arc<str>,
    /// What only who belongs to the same session can show, while a socket of theirs is there.
    pub proof: Option<Arc<str>>,
}

/// Somebody has come to a node, or gone from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Who.
    pub who: Resident,
    /// When they went; none: they have come.
    pub gone_at: Option<Timestamp>,
    /// Where they can be seen.
    pub conversations: Vec<ConversationId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        clock::Clock,
        ids::{MessageKey, Seq},
        text::{Content, MessageId},
    };

    #[test]
    fn what_is_told_is_what_is_heard() {
        let (conversation_id, user_id, time) = (ConversationId::fresh(), UserId::fresh(), Clock::system().now());
        let message = Message {
            id: MessageKey::fresh(),
            message_id: MessageId::from_stored("mine".into()),
            sender_id: user_id,
            conversation_id,
            content: Content::from_stored("hé\u{1F600}\n".into()),
            created_at: time,
            seq: Seq(4),
            rev: Rev(7),
        };
        let resident = Resident { user_id, guest: Some(Guest { name: "Ann".into(), proof: None }) };
        let moved = Move { who: resident.clone(), gone_at: Some(time), conversations: vec![conversation_id] };
        let all = [
            News::Said(vec![message]),
            News::Marked(vec![ReadMark { conversation_id, user_id, seq: Seq(3) }]),
            News::Typing { conversation_id, user_id, is_typing: true },
            News::Renamed(vec![(conversation_id, Rev(3))]),
            News::LoginsEnded(vec![LoginId::fresh()]),
            News::Presence(Gossip::Moves { number: 9, moves: vec![moved] }),
            News::Presence(Gossip::Roll { number: 9, part: 0, parts: 1, people: vec![resident] }),
            News::Presence(Gossip::CallRoll(Some(NodeId::fresh()))),
        ];
        for news in all {
            let text = serde_json::to_string(&news).unwrap();
            assert_eq!(serde_json::from_str::<News>(&text).unwrap(), news, "{text}");
        }
    }
}
