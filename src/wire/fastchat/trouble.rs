//! What this dialect says no with.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::refusal::{FieldError, Refusal};

/// Why a frame wasn't a command: its code, a sentence, and what the matter is with which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// One of a closed list.
    pub code: Code,
    /// A plain sentence.
    pub message: String,
    /// Field by field.
    pub details: Vec<FieldError>,
}

macro_rules! trouble_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// Everything that this dialect says no with: a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum Code {
            $($(#[$doc])* $name),*
        }

        impl Code {
            /// Its name on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

trouble_codes! {
    /// A field breaks its rules.
    Validation = "VALIDATION",
    /// The message couldn't be stored; trying again may help.
    MessageFailed = "MESSAGE_FAILED",
    /// Nobody has that id.
    UserNotFound = "USER_NOT_FOUND",
    /// There is no such chat, or none was opened.
    ChatNotOpened = "CHAT_NOT_OPENED",
    /// The chat is somebody else's.
    NotInChat = "NOT_IN_CHAT",
    /// Too much at once.
    RateLimited = "RATE_LIMITED",
    /// The id is somebody else's.
    Unauthorized = "UNAUTHORIZED",
    /// Something was said before `HELLO`.
    HelloRequired = "HELLO_REQUIRED",
    /// No `HELLO` came in time.
    HelloTimeout = "HELLO_TIMEOUT",
    /// The frame isn't a JSON object.
    InvalidJson = "INVALID_JSON",
    /// Its type isn't known.
    UnknownMessageType = "UNKNOWN_MESSAGE_TYPE",
}

impl Trouble {
    /// With a sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    /// What a refusal is called here.
    pub fn from_refusal(refusal: &Refusal) -> Self {
        let code = match refusal {
            Refusal::Malformed(_) => Code::InvalidJson,
            Refusal::UnknownType(_) => Code::UnknownMessageType,
            Refusal::Invalid(_) => Code::Validation,
            Refusal::NotAMember => Code::NotInChat,
            Refusal::UnknownConversation => Code::ChatNotOpened,
            Refusal::UnknownMember | Refusal::UnknownUser => Code::UserNotFound,
            Refusal::NotAuthenticated => Code::Unauthorized,
            Refusal::RateLimited(_) => Code::RateLimited,
            _ => Code::MessageFailed,
        };
        Self { code, message: refusal.to_string(), details: refusal.fields().to_vec() }
    }
}
