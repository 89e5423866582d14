//! Pneumatic's own dialect, v1: what a client is spoken to in when it asks for no subprotocol. It is sent
//! `joined`, `message` and `error`, and nothing else.

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::{Map, Value};

use super::frame;
use crate::domain::{
    event::{Change, Event},
    ids::{ConversationId, UserId},
    message::{Message, NewMessage},
    refusal::Refusal,
    text::{Content, Fields, MessageId},
};

/// What a client can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Confirm that a conversation is open to me. Delivery doesn't depend on it.
    Join(ConversationId),
    /// Store and deliver this.
    Send(NewMessage),
}

/// What of a refused frame its `error` carries back, so that a client can tell which one it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation_id: Option<String>,
}

impl About {
    /// The message that a command wanted to send.
    pub fn post(post: &NewMessage) -> Self {
        Self { message_id: Some(post.message_id.as_str().to_owned()), conversation_id: Some(post.conversation_id.to_string()) }
    }

    /// The conversation that a command was about.
    pub fn conversation(id: ConversationId) -> Self {
        Self { message_id: None, conversation_id: Some(id.to_string()) }
    }

    fn frame(frame: &Map<String, Value>) -> Self {
        let text = |name| frame.get(name).and_then(Value::as_str).map(|s| s.chars().take(255).collect());
        Self { message_id: text("message_id"), conversation_id: text("conversation_id") }
    }
}

/// Reads one text frame of `sender`.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::UnknownType`], [`Refusal::Invalid`], with what the frame was about.
pub fn decode(text: &str, sender: UserId) -> Result<Command, (Refusal, About)> {
    let malformed = |how: &str| (Refusal::Malformed(how.into()), About::default());
    let mut frame = match serde_json::from_str(text) {
        Ok(Value::Object(frame)) => frame,
        Ok(_) => return Err(malformed("The frame must be a JSON object")),
        Err(_) => return Err(malformed("The frame is not valid JSON")),
    };
    let about = About::frame(&frame);
    let command = match frame.get("type").and_then(Value::as_str) {
        Some("join") => decode_join(&mut frame),
        Some("message") => decode_message(&mut frame, sender),
        Some(other) => Err(Refusal::UnknownType(other.chars().take(64).collect())),
        None => Err(Refusal::field("type", "is required and must be a string")),
    };
    command.map_err(|refusal| (refusal, about))
}

fn take_string(frame: &mut Map<String, Value>, name: &str) -> Result<String, String> {
    match frame.remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err("must be a string".into()),
        None => Err("is required".into()),
    }
}

fn take_conversation(frame: &mut Map<String, Value>) -> Result<ConversationId, String> {
    take_string(frame, "conversation_id")?.parse().map_err(|_| "must be a UUID".into())
}

fn decode_join(frame: &mut Map<String, Value>) -> Result<Command, Refusal> {
    take_conversation(frame).map(Command::Join).map_err(|message| Refusal::field("conversation_id", message))
}

fn decode_message(frame: &mut Map<String, Value>, sender: UserId) -> Result<Command, Refusal> {
    let mut fields = Fields::default();
    let message_id = fields.check("message_id", take_string(frame, "message_id").and_then(MessageId::parse));
    let conversation_id = fields.check("conversation_id", take_conversation(frame));
    let content = fields.check("content", take_string(frame, "content").and_then(Content::parse));
    match (message_id, conversation_id, content) {
        (Some(message_id), Some(conversation_id), Some(content)) => {
            Ok(Command::Send(NewMessage { message_id, conversation_id, sender_id: sender, content }))
        }
        _ => Err(fields.finish().err().unwrap_or(Refusal::Internal)),
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said<'a> {
    Joined {
        conversation_id: ConversationId,
    },
    Message {
        message: &'a Message,
    },
    Error {
        reason: String,
        code: &'a str,
        #[serde(flatten)]
        about: &'a About,
    },
}

impl Said<'_> {
    fn json(&self) -> Vec<u8> {
        // Strings, integers and maps with string keys always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The answer to [`Command::Join`].
pub fn joined(conversation_id: ConversationId) -> Bytes {
    frame::text(&Said::Joined { conversation_id }.json())
}

/// A message, to one device: the answer to a repeat.
pub fn message(message: &Message) -> Bytes {
    frame::text(&Said::Message { message }.json())
}

/// A refusal.
pub fn error(refusal: &Refusal, about: &About) -> Bytes {
    frame::text(&Said::Error { reason: refusal.to_string(), code: refusal.code(), about }.json())
}

/// Appends the frame that tells of an event; events that v1 has no word for add nothing.
pub fn append_event(into: &mut BytesMut, event: &Event) {
    match &event.change {
        Change::Message(message) => frame::append_text(into, &Said::Message { message }.json()),
        Change::Started(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> UserId {
        UserId(uuid::Uuid::nil())
    }

    #[test]
    fn a_broken_frame_names_every_broken_field() {
        let frame = r#"{"type":"message","message_id":"","conversation_id":"x"}"#;
        let (refusal, about) = decode(frame, sender()).unwrap_err();
        let fields: Vec<_> = refusal.fields().iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["message_id", "conversation_id", "content"]);
        assert_eq!(about.conversation_id.as_deref(), Some("x"));
    }

    #[test]
    fn refusals_have_their_codes() {
        let code = |text: &str| decode(text, sender()).unwrap_err().0.code();
        assert_eq!(code("{"), "malformed");
        assert_eq!(code("[]"), "malformed");
        assert_eq!(code("{}"), "invalid");
        assert_eq!(code(r#"{"type":7}"#), "invalid");
        assert_eq!(code(r#"{"type":"dance"}"#), "unknown_type");
        assert_eq!(code(r#"{"type":"join","conversation_id":7}"#), "invalid");
        assert_eq!(code(&"[".repeat(100_000)), "malformed");
    }

    #[test]
    fn an_error_frame() {
        let frame = error(&Refusal::NotAMember, &About { message_id: Some("m".into()), conversation_id: None });
        let expected =
            r#"{"type":"error","reason":"You are not a member of this conversation","code":"not_a_member","message_id":"m"}"#;
        assert_eq!(&frame[2..], expected.as_bytes());
    }
}
