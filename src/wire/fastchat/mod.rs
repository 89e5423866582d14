//! FastChat's dialect, for guests. It has two shapes, and a client is answered in the one that it uses: fields beside the
//! type, or in `data`.

mod command;
mod trouble;

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

pub use self::{
    command::{ChatCommand, ChatContent, ChatId, GuestId, SessionId, decode},
    trouble::{Code, Trouble},
};
use super::{asyncapi, dialect::Dialect, frame};
use crate::domain::{
    clock::Timestamp,
    conversation::Participants,
    ids::{ConversationId, UserId},
    message::Message,
    text::{Content, MessageId},
};

/// What people are called, by whom a conversation's messages may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    direct: bool,
    of: HashMap<UserId, String>,
}

impl From<&Participants> for Names {
    fn from(participants: &Participants) -> Self {
        Self { direct: participants.direct, of: participants.named.iter().cloned().collect() }
    }
}

impl Names {
    /// Everybody but this one.
    pub fn others(&self, user: UserId) -> impl Iterator<Item = UserId> {
        self.of.keys().copied().filter(move |other| *other != user)
    }

    /// The partner of somebody; none in a group.
    pub fn partner(&self, user: UserId) -> Option<UserId> {
        self.others(user).next().filter(|_| self.direct)
    }
}

/// Somebody, in a `PRESENCE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Person {
    /// Who.
    pub user_id: UserId,
    /// What they are called.
    pub display_name: String,
    /// Whether they are here.
    pub online: bool,
}

/// What a `PRESENCE` tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// They are here.
    Connect,
    /// They have gone.
    Disconnect,
}

/// What the server says.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
enum Said<'a> {
    /// One is let in, under this id.
    HelloAck {
        user_id: UserId,
        #[schema(examples("connected"))]
        status: &'a str,
        message: &'a str,
    },
    /// Who is here, or has come or gone.
    Presence { users: &'a [Person], action: Action },
    /// A chat is open, on both sides; the target is the other one, and none in a group.
    ChatOpened {
        chat_id: ConversationId,
        participants: &'a [UserId],
        #[schema(required = true)]
        target_user_id: Option<UserId>,
        #[schema(required = true)]
        target_display_name: Option<&'a str>,
    },
    /// Somebody else says something.
    Msg {
        message_id: &'a MessageId,
        content: &'a Content,
        sender_id: UserId,
        sender_name: &'a str,
        from: UserId,
        /// The partner; none in a group.
        #[schema(required = true)]
        to: Option<UserId>,
        chat_id: ConversationId,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        timestamp: Timestamp,
    },
    /// One's own message is stored: `delivered` if a device of somebody else's is there, else `pending`.
    MsgAck {
        message_id: &'a MessageId,
        #[schema(examples("delivered", "pending"))]
        status: &'a str,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        timestamp: Timestamp,
    },
    /// The other writes, or doesn't any more.
    Typing { user_id: UserId, is_typing: bool, chat_id: ConversationId },
    /// The answer to a `PING`.
    Pong {
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        timestamp: Timestamp,
    },
    /// A frame was refused.
    Error {
        error_code: Code,
        /// The same.
        code: Code,
        /// A plain sentence.
        message: &'a str,
        /// Field by field.
        #[schema(required = true, value_type = Option<HashMap<String, String>>)]
        details: Option<Map<String, Value>>,
    },
}

impl Said<'_> {
    /// In a shape.
    fn json(&self, shape: Dialect) -> Value {
        // Strings, integers, times and lists of them always serialise.
        let mut flat = serde_json::to_value(self).unwrap_or_default();
        if shape == Dialect::Enveloped {
            let kind = flat.as_object_mut().and_then(|fields| fields.remove("type"));
            flat = json!({ "type": kind, "data": flat });
        }
        flat
    }

    fn frame(&self, shape: Dialect) -> Bytes {
        frame::text(self.json(shape).to_string().as_bytes())
    }
}

/// One is let in.
pub fn hello_ack(shape: Dialect, user_id: UserId) -> Bytes {
    Said::HelloAck { user_id, status: "connected", message: "Connected successfully" }.frame(shape)
}

/// Who is here, or has come or gone.
pub fn presence(shape: Dialect, users: &[Person], action: Action) -> Bytes {
    Said::Presence { users, action }.frame(shape)
}

/// A chat is open, as `viewer` sees it.
pub fn chat_opened(shape: Dialect, chat_id: ConversationId, viewer: UserId, who: &Participants) -> Bytes {
    let participants: Vec<UserId> = who.named.iter().map(|(user, _)| *user).collect();
    let other = who.named.iter().find(|(user, _)| who.direct && *user != viewer);
    let (target_user_id, target_display_name) = other.map(|(user, name)| (*user, name.as_str())).unzip();
    Said::ChatOpened { chat_id, participants: &participants, target_user_id, target_display_name }.frame(shape)
}

/// Appends the frame that tells of a message.
pub fn append_message(into: &mut BytesMut, shape: Dialect, message: &Message, names: &Names) {
    let sender = message.sender_id;
    let said = Said::Msg {
        message_id: &message.message_id,
        content: &message.content,
        sender_id: sender,
        sender_name: names.of.get(&sender).map_or("", String::as_str),
        from: sender,
        to: names.partner(sender),
        chat_id: message.conversation_id,
        timestamp: message.created_at,
    };
    frame::append_text(into, said.json(shape).to_string().as_bytes());
}

/// What the one who sent a message is told in its place.
pub fn msg_ack(shape: Dialect, message: &Message, delivered: bool) -> Bytes {
    let status = if delivered { "delivered" } else { "pending" };
    Said::MsgAck { message_id: &message.message_id, status, timestamp: message.created_at }.frame(shape)
}

/// The other writes, or doesn't any more.
pub fn typing(shape: Dialect, chat_id: ConversationId, user_id: UserId, is_typing: bool) -> Bytes {
    Said::Typing { user_id, is_typing, chat_id }.frame(shape)
}

/// The answer to [`ChatCommand::Ping`].
pub fn pong(shape: Dialect, timestamp: Timestamp) -> Bytes {
    Said::Pong { timestamp }.frame(shape)
}

/// A refusal.
pub fn error(shape: Dialect, trouble: &Trouble) -> Bytes {
    let fields = trouble.details.iter().map(|error| (error.field.clone(), error.message.clone().into()));
    let details: Map<String, Value> = fields.collect();
    let details = (!details.is_empty()).then_some(details);
    Said::Error { error_code: trouble.code, code: trouble.code, message: &trouble.message, details }.frame(shape)
}

/// The dialect as the API's description tells it.
pub fn dialect() -> asyncapi::Dialect {
    let id = uuid::uuid!("0192a1b2-a1b2-7c3d-8e4f-5a6b7c8d9e0f");
    let (user_id, chat_id) = (UserId(id), ConversationId(id));
    let timestamp = chrono::DateTime::from_timestamp_nanos(1_763_694_000_123_456_000);
    let (message_id, content) = (MessageId::from_stored("7".into()), Content::from_stored("Hello!".into()));
    let users = [Person { user_id, display_name: "Ann".into(), online: true }];
    let said = [
        Said::HelloAck { user_id, status: "connected", message: "Connected successfully" },
        Said::Presence { users: &users, action: Action::Connect },
        Said::ChatOpened { chat_id, participants: &[user_id], target_user_id: Some(user_id), target_display_name: Some("Ann") },
        Said::Msg {
            message_id: &message_id,
            content: &content,
            sender_id: user_id,
            sender_name: "Ann",
            from: user_id,
            to: Some(user_id),
            chat_id,
            timestamp,
        },
        Said::MsgAck { message_id: &message_id, status: "delivered", timestamp },
        Said::Typing { user_id, is_typing: true, chat_id },
        Said::Pong { timestamp },
        Said::Error { error_code: Code::ChatNotOpened, code: Code::ChatNotOpened, message: "No chat is open", details: None },
    ];
    asyncapi::Dialect::new::<ChatCommand, Said<'_>>(
        "fastchat",
        "Spoken by guests, who come without a token, where `ALLOW_GUESTS` is set. `HELLO` has to come within 5 seconds. The fields \
         may stand beside the type, as shown here, or in `data`; the answers come in the same shape.",
        None,
        vec![
            json!({ "type": "HELLO", "display_name": "Ann", "user_id": id, "session_id": "one tab" }),
            json!({ "type": "OPEN_CHAT", "target_user_id": id, "target_display_name": "Bob" }),
            json!({ "type": "MSG", "content": "Hello!", "message_id": "7" }),
            json!({ "type": "TYPING", "is_typing": true }),
            json!({ "type": "PING" }),
            json!({ "type": "PONG" }),
            json!({ "type": "MSG_ACK", "message_id": "7" }),
        ],
        said.iter().map(|said| json!(said)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Refusal;

    #[test]
    fn described_frames_are_understood_in_both_shapes() {
        for spoken in dialect().client {
            for mut example in spoken.examples {
                let (shape, flat) = decode(&example.to_string());
                assert_eq!(shape, Some(Dialect::Flat));
                example.as_object_mut().unwrap().remove("type");
                let enveloped = json!({ "type": spoken.kind, "data": example }).to_string();
                assert_eq!(decode(&enveloped), (Some(Dialect::Enveloped), flat));
            }
        }
    }

    #[test]
    fn codes_are_told_by_name() {
        for code in [Code::Validation, Code::HelloTimeout, Code::InvalidJson, Code::UnknownMessageType, Code::NotInChat] {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        let fields = |frame: Value| match decode(&frame.to_string()).1.unwrap_err() {
            Refusal::Invalid(fields) => fields.into_iter().map(|error| error.field).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fields(json!({ "type": "HELLO" })), ["display_name"]);
        assert_eq!(
            fields(json!({ "type": "HELLO", "data": { "display_name": " ", "session_id": 7 } })),
            ["display_name", "session_id"]
        );
        assert_eq!(fields(json!({ "type": "MSG", "content": "x".repeat(1_001) })), ["content"]);
        assert!(matches!(decode(r#"{"type":"DANCE"}"#).1, Err(Refusal::UnknownType(_))));
        assert!(matches!(decode("[]").1, Err(Refusal::Malformed(_))));
    }

    #[test]
    fn any_text_stands_for_one_id() {
        let id = UserId::fresh();
        assert_eq!(GuestId::of(&id.to_string()).0, id);
        assert_eq!(GuestId::of("test-123"), GuestId::of("test-123"));
        assert_ne!(GuestId::of("test-123"), GuestId::of("test-124"));
    }

    #[test]
    fn both_shapes_say_the_same() {
        let text = |frame: Bytes| String::from_utf8_lossy(&frame[2..]).into_owned();
        let now = chrono::DateTime::from_timestamp_nanos(0);
        assert_eq!(text(pong(Dialect::Flat, now)), r#"{"timestamp":"1970-01-01T00:00:00Z","type":"PONG"}"#);
        assert_eq!(text(pong(Dialect::Enveloped, now)), r#"{"data":{"timestamp":"1970-01-01T00:00:00Z"},"type":"PONG"}"#);
    }
}
