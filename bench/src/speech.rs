//! How each of the servers is spoken to.

use clap::ValueEnum;
use uuid::Uuid;

use crate::frames::{Kind, append_pong, append_text};

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Speech {
    /// Pneumatic without a subprotocol.
    V1,
    /// `pneumatic.v2`.
    V2,
    /// Plain JSON frames without tokens: the peers on `ws`, and the bare one.
    Plain,
    /// Socket.IO 4 over a WebSocket (Engine.IO 4).
    SocketIo,
}

/// Somebody who listens in a room, and may talk.
#[derive(Clone, Debug)]
pub struct Member {
    /// Host and port of their server.
    pub server: String,
    /// Their access token, or for a peer their name.
    pub token: String,
}

/// What a frame asks of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// Whatever it does was appended.
    Nothing,
    /// The connection is over.
    Ends,
}

impl Speech {
    /// Whether there are accounts, and conversations to be made.
    pub fn has_accounts(self) -> bool {
        matches!(self, Self::V1 | Self::V2)
    }

    /// The request by which a member's socket is opened.
    pub fn request(self, member: &Member, room: &str) -> String {
        let Member { server, token } = member;
        let (path, more) = match self {
            Self::V1 => (format!("/ws?token={token}"), ""),
            Self::V2 => (format!("/ws?token={token}"), "Sec-WebSocket-Protocol: pneumatic.v2\r\n"),
            Self::Plain => (format!("/ws?user={token}&rooms={room}"), ""),
            Self::SocketIo => (format!("/socket.io/?EIO=4&transport=websocket&user={token}&rooms={room}"), ""),
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
        )
    }

    /// What has to be said first, and the beginning of the frame after which the socket hears its room.
    pub fn opening(self) -> (Option<&'static str>, Option<&'static [u8]>) {
        match self {
            Self::V1 | Self::Plain => (None, None),
            Self::V2 => (None, Some(br#"{"type":"ready""#)),
            Self::SocketIo => (Some("40"), Some(b"40")),
        }
    }

    /// Appends the frame that sends a message.
    pub fn say(self, into: &mut Vec<u8>, room: &str, content: &str) {
        let id = Uuid::from_u128(fastrand::u128(..));
        let body = format!(r#"{{"type":"message","message_id":"{id}","conversation_id":"{room}","content":"{content}"}}"#);
        match self {
            Self::V1 | Self::V2 | Self::Plain => append_text(into, &body),
            Self::SocketIo => append_text(into, &format!(r#"42["message",{body}]"#)),
        }
    }

    /// What is due for a frame that is no message.
    pub fn answer(self, kind: Kind, payload: &[u8], into: &mut Vec<u8>) -> Asks {
        match kind {
            Kind::Ping => append_pong(into, payload),
            Kind::Text if self == Self::SocketIo && payload == b"2" => append_text(into, "3"),
            Kind::Close => return Asks::Ends,
            Kind::Text | Kind::Other => {}
        }
        Asks::Nothing
    }
}
