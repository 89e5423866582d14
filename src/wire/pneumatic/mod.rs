//! Pneumatic's own dialects: what both versions share.

mod said;
pub mod v1;
pub mod v2;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::{
    clock::Timestamp,
    conversation::ReadMark,
    ids::{ConversationId, Epoch, UserId},
    message::NewMessage,
    refusal::Refusal,
};

pub use self::v2::Cursors;

/// Most characters of a `ref` that is text.
const MAX_REF: usize = 255;

/// What a client can say.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Confirm that a conversation is open to me. Delivery doesn't depend on it.
    Join(ConversationId),
    /// Store and deliver this.
    Send(NewMessage),
    /// Tell me what I have missed.
    Resume(Resume),
    /// Tell the others that I write, or don't any more.
    Typing {
        /// Where.
        conversation_id: ConversationId,
        /// Whether.
        is_typing: bool,
    },
    /// I have read so far.
    Read(ReadMark),
    /// Tell me who is here: of these, or of all with whom I share a conversation.
    Presence(Option<Vec<UserId>>),
    /// Answer me.
    Ping,
}

/// What a device knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Resume {
    /// Of which database; none: it doesn't say.
    pub epoch: Option<Epoch>,
    /// Up to where, by conversation.
    pub cursors: Cursors,
    /// Up to when, of read marks.
    pub reads_since: Option<Timestamp>,
}

/// What a client calls a frame of its own, for the answer to carry back: a string or a whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Reference {
    /// At most 255 characters.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// What of a refused frame its `error` carries back, so that a client can tell which one it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct About {
    /// As the frame had it.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reference: Option<Reference>,
    /// As the frame had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message_id: Option<String>,
    /// As the frame had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conversation_id: Option<String>,
}

impl About {
    /// The reference alone.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    fn frame(frame: &Map<String, Value>) -> Self {
        let text = |name| frame.get(name).and_then(Value::as_str).map(|s| s.chars().take(255).collect());
        Self { reference: None, message_id: text("message_id"), conversation_id: text("conversation_id") }
    }
}

/// A client's frame, and what it was about.
pub type Decoded = (Result<Command, Refusal>, About);

/// Takes a text frame apart: its fields, and what it is about.
fn open(text: &str) -> Result<(Map<String, Value>, About), Refusal> {
    match serde_json::from_str(text) {
        Ok(Value::Object(frame)) => {
            let about = About::frame(&frame);
            Ok((frame, about))
        }
        Ok(_) => Err(Refusal::Malformed("The frame must be a JSON object".into())),
        Err(_) => Err(Refusal::Malformed("The frame is not valid JSON".into())),
    }
}

/// Takes the `type` out of a frame.
fn kind(frame: &mut Map<String, Value>) -> Result<String, Refusal> {
    match frame.remove("type") {
        Some(Value::String(kind)) => Ok(kind.chars().take(64).collect()),
        _ => Err(Refusal::field("type", "is required and must be a string")),
    }
}

/// Takes the `ref` out of a frame.
fn reference(frame: &mut Map<String, Value>) -> Result<Option<Reference>, Refusal> {
    match frame.remove("ref") {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= MAX_REF => Ok(Some(Reference::Text(text))),
        Some(Value::Number(number)) if number.is_i64() => Ok(number.as_i64().map(Reference::Number)),
        Some(_) => Err(Refusal::field("ref", format!("must be a string of at most {MAX_REF} characters, or a whole number"))),
    }
}
