//! What the server's frames of both versions are made with.

use bytes::Bytes;
use serde::Serialize;

use super::About;
use crate::{
    domain::{
        ids::{ConversationId, MessageKey, Rev, Seq, UserId},
        message::Message,
        text::{Content, MessageId},
    },
    wire::frame,
};

/// As JSON.
pub(super) fn json(said: &impl Serialize) -> Vec<u8> {
    // Strings, integers, times and maps with string keys always serialise.
    serde_json::to_vec(said).unwrap_or_default()
}

/// As a finished frame.
pub(super) fn frame(said: &impl Serialize) -> Bytes {
    frame::text(&json(said))
}

/// A message for the description.
pub(super) fn example_message() -> Message {
    Message {
        id: MessageKey(uuid::uuid!("0192a1b2-d4e5-7f60-9b7c-2d3e4f5a6b7c")),
        message_id: MessageId::from_stored("9b2f6a70-5b0c-4b5e-9c2e-2f1f4f1c7a10".into()),
        sender_id: UserId(uuid::uuid!("0192a1b2-a1b2-7c3d-8e4f-5a6b7c8d9e0f")),
        conversation_id: ConversationId(uuid::uuid!("0192a1b2-c3d4-7e5f-8a6b-1c2d3e4f5a6b")),
        content: Content::from_stored("Shall we meet at noon?".into()),
        created_at: chrono::DateTime::from_timestamp_nanos(1_763_694_000_123_456_000),
        seq: Seq(17),
        rev: Rev(19),
    }
}

/// What an `error` about it carries back.
pub(super) fn example_about(message: &Message) -> About {
    About {
        reference: None,
        message_id: Some(message.message_id.to_string()),
        conversation_id: Some(message.conversation_id.to_string()),
    }
}
