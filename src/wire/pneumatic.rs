//! Pneumatic's own dialect, v1: what a client is spoken to in when it asks for no subprotocol. It is sent
//! `joined`, `message` and `error`, and nothing else.

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{asyncapi::Dialect, fields::frames, frame};
use crate::domain::{
    event::{Change, Event},
    ids::{ConversationId, MessageKey, Rev, Seq, UserId},
    message::{Message, NewMessage},
    refusal::{Code, Refusal},
    text::{Content, Fields, MessageId},
};

frames! {
    /// What a client can say: the frames that [`decode`] takes.
    enum Frame {
        /// Asks whether a conversation is open to me. Delivery doesn't depend on it.
        Join = "join" {
            conversation_id: ConversationId,
        },
        /// Stores a message and delivers it to every device of every member, the sender's own included.
        Message = "message" {
            message_id: MessageId,
            conversation_id: ConversationId,
            content: Content,
        },
    }
}

/// What a client can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Confirm that a conversation is open to me. Delivery doesn't depend on it.
    Join(ConversationId),
    /// Store and deliver this.
    Send(NewMessage),
}

/// What of a refused frame its `error` carries back, so that a client can tell which one it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct About {
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
    let read = match frame.remove("type") {
        Some(Value::String(kind)) => {
            let kind: String = kind.chars().take(64).collect();
            Frame::read(&kind, &mut frame).unwrap_or(Err(Refusal::UnknownType(kind)))
        }
        _ => Err(Refusal::field("type", "is required and must be a string")),
    };
    match read {
        Ok(Frame::Join { conversation_id }) => Ok(Command::Join(conversation_id)),
        Ok(Frame::Message { message_id, conversation_id, content }) => {
            Ok(Command::Send(NewMessage { message_id, conversation_id, sender_id: sender, content }))
        }
        Err(refusal) => Err((refusal, about)),
    }
}

/// What the server says.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Said<'a> {
    /// The conversation is open to this device.
    Joined { conversation_id: ConversationId },
    /// A message was stored; or, to its sender alone, it had been stored before.
    Message { message: &'a Message },
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

/// The dialect as the API's description tells it.
pub fn dialect() -> Dialect {
    let id = "0192a1b2-c3d4-7e5f-8a6b-1c2d3e4f5a6b";
    let conversation_id = ConversationId(uuid::uuid!("0192a1b2-c3d4-7e5f-8a6b-1c2d3e4f5a6b"));
    let text = "Shall we meet at noon?";
    let message = Message {
        id: MessageKey(uuid::uuid!("0192a1b2-d4e5-7f60-9b7c-2d3e4f5a6b7c")),
        message_id: MessageId::from_stored("9b2f6a70-5b0c-4b5e-9c2e-2f1f4f1c7a10".into()),
        sender_id: UserId(uuid::uuid!("0192a1b2-a1b2-7c3d-8e4f-5a6b7c8d9e0f")),
        conversation_id,
        content: Content::from_stored(text.into()),
        created_at: chrono::DateTime::from_timestamp_nanos(1_763_694_000_123_456_000),
        seq: Seq(17),
        rev: Rev(19),
    };
    let about = About { message_id: Some(message.message_id.to_string()), conversation_id: Some(conversation_id.to_string()) };
    let refusal = Refusal::NotAMember;
    let said = [
        Said::Joined { conversation_id },
        Said::Message { message: &message },
        Said::Error { reason: refusal.to_string(), code: refusal.code(), about: &about },
    ];
    Dialect::new::<Frame, Said<'_>>(
        "v1",
        "Spoken when the client asks for no subprotocol. A client is sent `joined`, `message` and `error`, and nothing else.",
        None,
        vec![
            json!({ "type": "join", "conversation_id": id }),
            json!({ "type": "message", "message_id": message.message_id, "conversation_id": id, "content": text }),
        ],
        said.iter().map(|said| json!(said)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every frame of the client's that is described is understood, and no command is without one.
    #[test]
    fn described_frames_are_understood() {
        let dialect = dialect();
        let mut commands = Vec::new();
        for spoken in &dialect.client {
            for example in &spoken.examples {
                let command = decode(&example.to_string(), sender()).unwrap();
                commands.push(match command {
                    Command::Join(_) => "join",
                    Command::Send(_) => "message",
                });
                assert_eq!(commands.last(), Some(&spoken.kind.as_str()));
            }
        }
        assert_eq!(commands, ["join", "message"]);
    }

    /// The fields that a description calls required are, and are told by name.
    #[test]
    fn required_fields_are_required() {
        for spoken in dialect().client {
            for field in spoken.schema["required"].as_array().unwrap() {
                let mut frame = spoken.examples[0].clone();
                frame.as_object_mut().unwrap().remove(field.as_str().unwrap());
                let (refusal, _) = decode(&frame.to_string(), sender()).unwrap_err();
                assert_eq!(refusal.fields()[0].field, field.as_str().unwrap(), "{}", spoken.kind);
            }
        }
    }

    /// Whatever the server says is described.
    #[test]
    fn what_is_said_is_described() {
        let kinds: Vec<String> = dialect().server.into_iter().map(|spoken| spoken.kind).collect();
        assert_eq!(kinds, ["joined", "message", "error"]);
    }

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
