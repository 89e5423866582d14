//! v1: what a client is spoken to in when it asks for no subprotocol. It is sent `joined`, `message` and `error`, and
//! nothing else.

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{About, Command, Decoded, kind, open, said};
use crate::{
    domain::{
        ids::{ConversationId, UserId},
        message::{Message, NewMessage},
        refusal::{Code, Refusal},
        text::{Content, Fields, MessageId},
    },
    wire::{asyncapi::Dialect, fields::frames, frame},
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

/// Reads one text frame of `sender`.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::UnknownType`], [`Refusal::Invalid`], with what the frame was about.
pub fn decode(text: &str, sender: UserId) -> Decoded {
    let (mut frame, about) = match open(text) {
        Ok(opened) => opened,
        Err(refusal) => return (Err(refusal), About::default()),
    };
    let read = kind(&mut frame).and_then(|kind| Frame::read(&kind, &mut frame).unwrap_or(Err(Refusal::UnknownType(kind))));
    let command = read.map(|frame| match frame {
        Frame::Join { conversation_id } => Command::Join(conversation_id),
        Frame::Message { message_id, conversation_id, content } => {
            Command::Send(NewMessage { message_id, conversation_id, sender_id: sender, content })
        }
    });
    (command, about)
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

/// The answer to [`Command::Join`].
pub fn joined(conversation_id: ConversationId) -> Bytes {
    said::frame(&Said::Joined { conversation_id })
}

/// A message, to one device: the answer to a repeat.
pub fn message(message: &Message) -> Bytes {
    said::frame(&Said::Message { message })
}

/// A refusal.
pub fn error(refusal: &Refusal, about: &About) -> Bytes {
    said::frame(&Said::Error { reason: refusal.to_string(), code: refusal.code(), about })
}

/// Appends the frame that tells of a message; v2 says it alike.
pub fn append_message(into: &mut BytesMut, message: &Message) {
    frame::append_text(into, &said::json(&Said::Message { message }));
}

/// The dialect as the API's description tells it.
pub fn dialect() -> Dialect {
    let message = said::example_message();
    let (id, conversation_id, text) = (message.conversation_id, message.conversation_id, message.content.as_str());
    let about = said::example_about(&message);
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
                let command = decode(&example.to_string(), sender()).0.unwrap();
                commands.push(match command {
                    Command::Join(_) => "join",
                    Command::Send(_) => "message",
                    other => panic!("{other:?}"),
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
                let refusal = decode(&frame.to_string(), sender()).0.unwrap_err();
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
        let (command, about) = decode(frame, sender());
        let refusal = command.unwrap_err();
        let fields: Vec<_> = refusal.fields().iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["message_id", "conversation_id", "content"]);
        assert_eq!(about.conversation_id.as_deref(), Some("x"));
    }

    #[test]
    fn refusals_have_their_codes() {
        let code = |text: &str| decode(text, sender()).0.unwrap_err().code();
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
        let frame = error(&Refusal::NotAMember, &About { message_id: Some("m".into()), ..About::default() });
        let expected =
            r#"{"type":"error","reason":"You are not a member of this conversation","code":"not_a_member","message_id":"m"}"#;
        assert_eq!(&frame[2..], expected.as_bytes());
    }
}
