//! What happened, for rooms to tell: the one kind of thing that travels from the writer to devices.

use std::sync::Arc;

use super::{
    conversation::ConversationState,
    ids::{ConversationId, Rev},
    message::Message,
};

/// A committed change of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose.
    pub conversation_id: ConversationId,
    /// Its place among that conversation's changes.
    pub rev: Rev,
    /// What it was.
    pub change: Change,
}

/// The kinds of change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A message was stored.
    Message(Message),
    /// The conversation was made, or its title or members changed: this is what it is now.
    Conversation(Arc<ConversationState>),
}

/// What changed in a conversation after some `rev`.
#[derive(Clone, Debug)]
pub struct Changes {
    /// The changed messages, and the conversation itself if its title or members changed, by ascending `rev`, in their
    /// present state.
    pub events: Vec<Event>,
    /// What the conversation is now, if its title or members changed: also when that comes after `upto`.
    pub state: Option<Arc<ConversationState>>,
    /// All changes up to here are included.
    pub upto: Rev,
    /// Whether more follow.
    pub more: bool,
}

impl Event {
    /// The event of a stored message.
    pub fn message(message: Message) -> Self {
        Self { conversation_id: message.conversation_id, rev: message.rev, change: Change::Message(message) }
    }

    /// The event of a conversation that was made or changed.
    pub fn conversation(state: Arc<ConversationState>) -> Self {
        Self { conversation_id: state.id, rev: state.rev, change: Change::Conversation(state) }
    }
}
