//! What is said.

use std::borrow::Cow;

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// As it comes: in a frame the connection says who sends it, in a request a field.
#[derive(Debug, Deserialize)]
pub(crate) struct Post<'input> {
    #[serde(borrow)]
    pub(crate) message_id: Cow<'input, str>,
    #[serde(borrow)]
    pub(crate) conversation_id: Cow<'input, str>,
    #[serde(borrow)]
    pub(crate) content: Cow<'input, str>,
    #[serde(borrow)]
    pub(crate) sender_id: Option<Cow<'input, str>>,
}

/// As it goes.
#[derive(Debug, Serialize)]
pub(crate) struct Message<'post> {
    id: Uuid,
    message_id: &'post str,
    sender_id: &'post str,
    conversation_id: &'post str,
    content: &'post str,
    created_at: String,
    seq: u64,
}

impl<'post> Message<'post> {
    /// One that is new.
    pub(crate) fn new(sender: &'post str, post: &'post Post<'_>, seq: u64) -> Self {
        Self {
            id: Uuid::new_v4(),
            message_id: &post.message_id,
            sender_id: sender,
            conversation_id: &post.conversation_id,
            content: &post.content,
            created_at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            seq,
        }
    }

    /// As JSON.
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Texts and numbers can't fail to be encoded.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
