//! What happened, for rooms to tell: the one kind of thing that travels from the writer to devices.

use super::{
    ids::{ConversationId, Rev, UserId},
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
    /// The conversation was made, with these members.
    Started(Vec<UserId>),
}

impl Event {
    /// The event of a stored message.
    pub fn message(message: Message) -> Self {
        Self { conversation_id: message.conversation_id, rev: message.rev, change: Change::Message(message) }
    }
}
