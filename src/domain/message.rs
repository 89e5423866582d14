//! Messages, as commands and as stored facts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    clock::Timestamp,
    ids::{ConversationId, MessageKey, Rev, Seq, UserId},
    text::{Content, MessageId},
};

/// What both doors (REST and socket) make of a request to send: the same command for the same writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The sender's own name for it.
    pub message_id: MessageId,
    /// Where to.
    pub conversation_id: ConversationId,
    /// Who sends.
    pub sender_id: UserId,
    /// What it says.
    pub content: Content,
}

impl NewMessage {
    /// Bytes that it, and the frame made of it, hold on to until it is delivered, roughly.
    pub fn weight(&self) -> usize {
        weight(&self.content, &self.message_id)
    }
}

/// A committed message, as every client sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// The server's id.
    pub id: MessageKey,
    /// The sender's own name for it.
    pub message_id: MessageId,
    /// Who sent it.
    pub sender_id: UserId,
    /// Where to.
    pub conversation_id: ConversationId,
    /// What it says.
    pub content: Content,
    /// When it was accepted.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// Its place in the history.
    pub seq: Seq,
    /// The conversation's `rev` at which it last changed.
    pub rev: Rev,
}

impl Message {
    /// Bytes that it, and the frame made of it, hold on to until it is delivered, roughly.
    pub fn weight(&self) -> usize {
        weight(&self.content, &self.message_id)
    }
}

fn weight(content: &Content, id: &MessageId) -> usize {
    2 * (content.as_str().len() + id.as_str().len()) + 512
}

/// What became of an accepted command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// Stored and published.
    New(Message),
    /// Stored before under this sender, conversation and `message_id`: the stored one, published then.
    Repeat(Message),
}

impl Posted {
    /// The stored message.
    pub fn message(&self) -> &Message {
        match self {
            Self::New(message) | Self::Repeat(message) => message,
        }
    }
}

/// Which page of a conversation's history, ascending by `seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest ones.
    Latest,
    /// The newest ones below.
    Before(Seq),
    /// The oldest ones above.
    After(Seq),
}
