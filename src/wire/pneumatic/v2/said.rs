//! What the server says in v2.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        clock::Timestamp,
        conversation::{ConversationState, ReadMark},
        event::{Change, Event},
        ids::{ConversationId, Epoch, MessageKey, Rev, Seq, UserId},
        message::Message,
        presence::Presence,
        refusal::{Code, Refusal},
        text::MessageId,
        user::User,
    },
    wire::{
        frame,
        pneumatic::{About, Reference, said},
    },
};

/// Not there unless it is so.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What the server says.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    /// First of all: who is connected, to which database.
    Ready {
        /// This connection's own name.
        session_id: uuid::Uuid,
        user: &'a User,
        epoch: Epoch,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        time: Timestamp,
    },
    /// The conversation is open to this device.
    Joined {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        conversation_id: ConversationId,
    },
    /// This device's message is stored.
    Ack {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        message_id: &'a MessageId,
        id: MessageKey,
        conversation_id: ConversationId,
        seq: Seq,
        rev: Rev,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        created_at: Timestamp,
        /// Whether it had been stored before.
        duplicate: bool,
    },
    /// A message was stored.
    Message {
        message: &'a Message,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// A conversation was made, or its title or members changed.
    Conversation {
        conversation: &'a ConversationState,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// A conversation isn't the user's, or not any more.
    ConversationRemoved {
        conversation_id: ConversationId,
        /// By which change; unless a `resume` asked for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        rev: Option<Rev>,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// Somebody else writes, or doesn't any more.
    Typing { conversation_id: ConversationId, user_id: UserId, is_typing: bool },
    /// A member has read so far.
    Read {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        conversation_id: ConversationId,
        user_id: UserId,
        seq: Seq,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// Who is here, or has come or gone.
    Presence {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        users: &'a [Presence],
    },
    /// The answer to a `ping`.
    Pong {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        time: Timestamp,
    },
    /// The device knows of another database: it has to forget everything.
    Reset {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        epoch: Epoch,
    },
    /// A `resume` is done.
    Resumed {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        epoch: Epoch,
        /// Up to where everything has been told, for all the user's conversations.
        heads: &'a BTreeMap<ConversationId, Rev>,
        /// How far the user has read in each.
        reads: &'a BTreeMap<ConversationId, Seq>,
        /// The next `reads_since`.
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        time: Timestamp,
    },
    /// A frame was refused. The socket stays open.
    Error {
        /// A plain sentence, fit to be shown.
        reason: String,
        #[schema(value_type = Code)]
        code: &'a str,
        #[serde(flatten)]
        about: &'a About,
    },
}

/// The first frame.
pub fn ready(session_id: uuid::Uuid, user: &User, epoch: Epoch, time: Timestamp) -> Bytes {
    said::frame(&Said::Ready { session_id, user, epoch, time })
}

/// The answer to [`Command::Join`].
pub fn joined(reference: Option<&Reference>, conversation_id: ConversationId) -> Bytes {
    said::frame(&Said::Joined { reference, conversation_id })
}

/// What the device that sent a message is told in its place.
pub fn ack(reference: Option<&Reference>, message: &Message, duplicate: bool) -> Bytes {
    let Message { id, message_id, conversation_id, created_at, seq, rev, .. } = message;
    said::frame(&Said::Ack {
        reference,
        message_id,
        id: *id,
        conversation_id: *conversation_id,
        seq: *seq,
        rev: *rev,
        created_at: *created_at,
        duplicate,
    })
}

/// Appends the frame that tells of an event, as it happens or because a `resume` asked for it.
pub fn append_event(into: &mut BytesMut, event: &Event, resumed: bool) {
    let json = match &event.change {
        Change::Message(message) => said::json(&Said::Message { message, resumed }),
        Change::Conversation(conversation) => said::json(&Said::Conversation { conversation, resumed }),
    };
    frame::append_text(into, &json);
}

/// A conversation isn't the user's any more, by this change.
pub fn removed(conversation_id: ConversationId, rev: Rev) -> Bytes {
    said::frame(&Said::ConversationRemoved { conversation_id, rev: Some(rev), resumed: false })
}

/// A conversation isn't the user's; because a `resume` asked.
pub fn not_there(conversation_id: ConversationId) -> Bytes {
    said::frame(&Said::ConversationRemoved { conversation_id, rev: None, resumed: true })
}

/// Somebody writes, or doesn't any more.
pub fn typing(conversation_id: ConversationId, user_id: UserId, is_typing: bool) -> Bytes {
    said::frame(&Said::Typing { conversation_id, user_id, is_typing })
}

/// Appends how far a member has read.
pub fn append_read(into: &mut BytesMut, mark: &ReadMark, resumed: bool) {
    frame::append_text(into, &said::json(&read_said(None, mark, resumed)));
}

/// The answer to [`Command::Read`].
pub fn read(reference: Option<&Reference>, mark: &ReadMark) -> Bytes {
    said::frame(&read_said(reference, mark, false))
}

fn read_said<'a>(reference: Option<&'a Reference>, mark: &ReadMark, resumed: bool) -> Said<'a> {
    let ReadMark { conversation_id, user_id, seq } = *mark;
    Said::Read { reference, conversation_id, user_id, seq, resumed }
}

/// Who is here.
pub fn presence(reference: Option<&Reference>, users: &[Presence]) -> Bytes {
    said::frame(&Said::Presence { reference, users })
}

/// The answer to [`Command::Ping`].
pub fn pong(reference: Option<&Reference>, time: Timestamp) -> Bytes {
    said::frame(&Said::Pong { reference, time })
}

/// The device has to forget everything.
pub fn reset(reference: Option<&Reference>, epoch: Epoch) -> Bytes {
    said::frame(&Said::Reset { reference, epoch })
}

/// The end of a resume.
pub fn resumed(
    reference: Option<&Reference>,
    epoch: Epoch,
    heads: &BTreeMap<ConversationId, Rev>,
    reads: &BTreeMap<ConversationId, Seq>,
    time: Timestamp,
) -> Bytes {
    said::frame(&Said::Resumed { reference, epoch, heads, reads, time })
}

/// A refusal.
pub fn error(refusal: &Refusal, about: &About) -> Bytes {
    said::frame(&Said::Error { reason: refusal.to_string(), code: refusal.code(), about })
}
