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
