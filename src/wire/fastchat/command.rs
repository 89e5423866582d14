//! What a guest's client can say.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::{
    domain::{
        ids::{ConversationId, UserId},
        refusal::Refusal,
        text::{Content, DisplayName, Fields, MessageId, TextResult},
    },
    wire::{
        dialect::Dialect,
        fields::{Field, frames},
    },
};

/// Most characters of a message.
const MAX_CONTENT: usize = 1_000;
/// Most characters of what a client calls its session, or itself.
const MAX_NAME: usize = 255;

/// What a guest is called by themselves: an id, or any text that stands for one.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
pub struct GuestId(#[schema(inline)] pub UserId);

/// The text that a client calls its session.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
pub struct SessionId(pub String);

/// A message's text in this dialect: 1–1,000 characters.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
pub struct ChatContent(#[schema(inline)] pub Content);

fn short_text(value: Option<Value>) -> TextResult<String> {
    match value {
        Some(Value::String(text)) if !text.is_empty() && text.chars().count() <= MAX_NAME && !text.contains('\0') => Ok(text),
        None => Err("is required".into()),
        Some(_) => Err(format!("must be text of 1 to {MAX_NAME} characters")),
    }
}

impl GuestId {
    /// The id that a text stands for: itself if it is one, or else always the same (UUID v8, RFC 9562, of its SHA-256).
    pub fn of(text: &str) -> Self {
        let hashed = || {
            let mut half = [0; 16];
            half.copy_from_slice(&Sha256::digest(text)[..16]);
            UserId(uuid::Uuid::new_v8(half))
        };
        Self(text.parse().unwrap_or_else(|_| hashed()))
    }
}

impl Field for GuestId {
    fn read(value: Option<Value>) -> TextResult<Self> {
        Ok(Self::of(&short_text(value)?))
    }
}

impl Field for SessionId {
    fn read(value: Option<Value>) -> TextResult<Self> {
        short_text(value).map(Self)
    }
}

impl Field for DisplayName {
    fn read(value: Option<Value>) -> TextResult<Self> {
        match value {
            Some(Value::String(text)) => Self::parse(&text),
            Some(_) => Err("must be a string".into()),
            None => Err("is required".into()),
        }
    }
}

impl Field for ChatContent {
    fn read(value: Option<Value>) -> TextResult<Self> {
        let content = Content::read(value)?;
        if content.as_str().chars().count() > MAX_CONTENT {
            return Err(format!("must be 1 to {MAX_CONTENT} characters long"));
        }
        Ok(Self(content))
    }
}

/// The id of a chat; what isn't one names none.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
pub struct ChatId(#[schema(inline)] pub Option<ConversationId>);

impl Field for ChatId {
    fn read(value: Option<Value>) -> TextResult<Self> {
        Ok(Self(short_text(value)?.parse().ok()))
    }
}

frames! {
    /// What a client can say: the frames that [`decode`] takes.
    pub enum ChatCommand {
        /// Says who one is, first of all.
        Hello = "HELLO" {
            /// What one is called.
            display_name: DisplayName,
            /// Who one was before.
            user_id: Option<GuestId>,
            /// The same in each tab of one person: only it may share the id.
            session_id: Option<SessionId>,
        },
        /// Begins to talk with somebody; a `target_display_name` counts for nothing.
        OpenChat = "OPEN_CHAT" {
            /// With whom.
            target_user_id: GuestId,
        },
        /// Says something, to whom the last chat was opened with if it isn't said.
        Msg = "MSG" {
            /// What.
            content: ChatContent,
            /// To whom.
            to: Option<GuestId>,
            /// Or where.
            chat_id: Option<ChatId>,
            /// A repeat is known by it.
            message_id: Option<MessageId>,
        },
        /// Tells the other that one writes, or doesn't any more.
        Typing = "TYPING" {
            /// Whether.
            is_typing: bool,
            /// Where.
            chat_id: Option<ChatId>,
        },
        /// Asks for a `PONG`.
        Ping = "PING" {},
        /// Nothing comes of it.
        Pong = "PONG" {},
        /// Nothing comes of it.
        MsgAck = "MSG_ACK" {},
    }
}

/// Reads one text frame: its shape, and what it says.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::UnknownType`], [`Refusal::Invalid`].
pub fn decode(text: &str) -> (Option<Dialect>, Result<ChatCommand, Refusal>) {
    let malformed = || Refusal::Malformed("The frame is not a JSON object".into());
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else { return (None, Err(malformed())) };
    let (shape, mut fields) = match frame.remove("data") {
        Some(Value::Object(data)) => (Dialect::Enveloped, data),
        _ => (Dialect::Flat, Map::new()),
    };
    let kind = match frame.remove("type") {
        Some(Value::String(kind)) => kind.chars().take(64).collect::<String>(),
        _ => return (Some(shape), Err(Refusal::field("type", "is required and must be a string"))),
    };
    if shape == Dialect::Flat {
        fields = frame;
    }
    (Some(shape), ChatCommand::read(&kind, &mut fields).unwrap_or(Err(Refusal::UnknownType(kind))))
}
