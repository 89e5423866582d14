//! Why a socket is closed: one closed list, with what the client should do about it.

/// A reason to end a connection, by its WebSocket close code (RFC 6455, section 7.4; 4000–4999 are ours).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// The client said goodbye.
    Bye,
    /// A frame broke the protocol.
    Protocol,
    /// A text wasn't UTF-8.
    NotUtf8,
    /// No token, or one that isn't good.
    NotAuthenticated,
    /// A frame, or a message of several, over its bound.
    TooBig,
    /// A fault of ours.
    Internal,
    /// The server is restarting.
    Restarting,
    /// The login was ended.
    LoginEnded,
    /// Nothing was heard for longer than the heartbeat allows.
    HeartbeatMissed,
    /// Far more was sent than is allowed, and no `error` frame was heeded.
    Flooding,
    /// The device takes its frames more slowly than they come.
    TooSlow,
}

impl CloseCode {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Bye,
        Self::Protocol,
        Self::NotUtf8,
        Self::NotAuthenticated,
        Self::TooBig,
        Self::Internal,
        Self::Restarting,
        Self::LoginEnded,
        Self::HeartbeatMissed,
        Self::Flooding,
        Self::TooSlow,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            Self::Bye => 1000,
            Self::Protocol => 1002,
            Self::NotUtf8 => 1007,
            Self::NotAuthenticated => 1008,
            Self::TooBig => 1009,
            Self::Internal => 1011,
            Self::Restarting => 1012,
            Self::LoginEnded => 4401,
            Self::HeartbeatMissed => 4408,
            Self::Flooding => 4429,
            Self::TooSlow => 4503,
        }
    }

    /// The reason on the wire, for people.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Bye => "bye",
            Self::Protocol => "protocol error",
            Self::NotUtf8 => "text must be UTF-8",
            Self::NotAuthenticated => "not authenticated",
            Self::TooBig => "frame too big",
            Self::Internal => "internal error",
            Self::Restarting => "server restarting",
            Self::LoginEnded => "login ended",
            Self::HeartbeatMissed => "heartbeat missed",
            Self::Flooding => "flooding",
            Self::TooSlow => "too slow",
        }
    }

    /// Whether the client should connect again by itself.
    pub fn reconnect(self) -> bool {
        matches!(self, Self::Internal | Self::Restarting | Self::HeartbeatMissed | Self::Flooding | Self::TooSlow)
    }
}
