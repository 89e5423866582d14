//! Sockets: how many there are, what comes and goes through them, and why they end.

use std::sync::Arc;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::Metrics;
use crate::{domain::ids::UserId, wire::close::CloseCode};

type Label = [(&'static str, &'static str); 1];
type CloseLabels = [(&'static str, String); 2];

macro_rules! frame_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What a frame, or a message of several, that a client sent is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FrameKind {
            $($(#[$doc])* $name),*
        }

        impl FrameKind {
            /// Every kind.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// Its name in labels and counters.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

frame_kinds! {
    /// A `join`.
    Join = "join",
    /// A `message`, or a guest's `MSG`.
    Message = "message",
    /// A `resume`.
    Resume = "resume",
    /// A sign of typing.
    Typing = "typing",
    /// A read mark.
    Read = "read",
    /// A question about who is here.
    Presence = "presence",
    /// A guest's `HELLO`.
    Hello = "hello",
    /// A guest's `OPEN_CHAT`.
    OpenChat = "open_chat",
    /// A guest's `MSG_ACK`.
    Ack = "ack",
    /// Text that isn't a frame we know.
    Invalid = "invalid",
    /// Binary, which no dialect of ours has.
    Binary = "binary",
    /// The protocol's (RFC 6455, section 5.5.2), or a dialect's own.
    Ping = "ping",
    /// The protocol's (RFC 6455, section 5.5.3), or a dialect's own.
    Pong = "pong",
    /// RFC 6455, section 5.5.1.
    Close = "close",
}

#[derive(Debug)]
pub(super) struct Sockets {
    accepted: Counter,
    active: Gauge,
    dialects: Family<Label, Gauge>,
    /// By the place of the kind in the list.
    received: [Counter; FrameKind::ALL.len()],
    sent: Counter,
    sent_bytes: Counter,
    waiting: Gauge,
    closes: Family<CloseLabels, Counter>,
    online: Gauge,
    rooms: Gauge,
}

impl Sockets {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let received = Family::<Label, Counter>::default();
        let sockets = Self {
            accepted: Counter::default(),
            active: Gauge::default(),
            dialects: Family::default(),
            received: FrameKind::ALL.map(|kind| received.get_or_create_owned(&[("kind", kind.name())])),
            sent: Counter::default(),
            sent_bytes: Counter::default(),
            waiting: Gauge::default(),
            closes: Family::default(),
            online: Gauge::default(),
            rooms: Gauge::default(),
        };
        // Those that haven't happened are told as well: a rate needs a beginning.
        for code in CloseCode::ALL.into_iter().map(Some).chain([None]) {
            drop(sockets.closes.get_or_create(&close_labels(code)));
        }
        let help = "WebSocket connections accepted since the start";
        registry.register("websocket_connections", help, sockets.accepted.clone());
        registry.register("websocket_connections_active", "WebSocket connections open now", sockets.active.clone());
        let help = "WebSocket connections open now, by dialect";
        registry.register("websocket_connections_by_dialect", help, sockets.dialects.clone());
        registry.register("websocket_frames_received", "Frames received from clients, by kind", received);
        let help = "Frames handed to clients' queues; told within two seconds";
        registry.register("websocket_frames_sent", help, sockets.sent.clone());
        let help = "Bytes of frames taken from clients' queues to be sent; told within two seconds";
        registry.register_with_unit("websocket_sent", help, Unit::Bytes, sockets.sent_bytes.clone());
        let help = "Bytes that wait in all clients' queues, as of at most two seconds ago";
        registry.register_with_unit("websocket_outbox", help, Unit::Bytes, sockets.waiting.clone());
        let help = "Sockets closed by the server, by close code; 1006 are connections that ended without a close frame";
        registry.register("websocket_closes", help, sockets.closes.clone());
        registry.register("users_online", "Users with an open socket", sockets.online.clone());
        registry.register("rooms", "Conversations with an open socket", sockets.rooms.clone());
        sockets
    }

    /// How many of each kind came; heartbeats are for Prometheus alone, so that an idle server stores nothing.
    pub(super) fn received(&self) -> impl Iterator<Item = (FrameKind, u64)> {
        let beats = [FrameKind::Ping, FrameKind::Pong, FrameKind::Close];
        let said = FrameKind::ALL.into_iter().filter(move |kind| !beats.contains(kind));
        said.map(|kind| (kind, self.received[kind as usize].get()))
    }
}

/// RFC 6455, section 7.1.5: 1006 stands for a connection that ended without a close frame.
fn close_labels(code: Option<CloseCode>) -> CloseLabels {
    let (number, reason) = code.map_or((1006, "connection lost"), |code| (code.number(), code.reason()));
    [("code", number.to_string()), ("reason", reason.to_owned())]
}

/// Counts a connection as active for as long as it lives.
#[derive(Debug)]
pub struct ActiveConnection {
    metrics: Arc<Metrics>,
    dialect: &'static str,
    user: UserId,
}

impl Drop for ActiveConnection {
    fn drop(&mut self) {
        let sockets = &self.metrics.sockets;
        sockets.active.dec();
        sockets.dialects.get_or_create(&[("dialect", self.dialect)]).dec();
        self.metrics.tally.disconnected(self.user);
    }
}

impl Metrics {
    /// A connection of this user was accepted; `dialect` is what it speaks.
    pub fn connected(self: &Arc<Self>, dialect: &'static str, user: UserId) -> ActiveConnection {
        self.sockets.accepted.inc();
        let active = self.sockets.active.inc() + 1;
        self.sockets.dialects.get_or_create(&[("dialect", dialect)]).inc();
        self.tally.connected(user, active);
        ActiveConnection { metrics: Arc::clone(self), dialect, user }
    }

    /// How many connections are open.
    pub fn active(&self) -> i64 {
        self.sockets.active.get()
    }

    /// A client sent something.
    pub fn received(&self, kind: FrameKind) {
        self.sockets.received[kind as usize].inc();
    }

    /// So many frames were handed to clients' queues, and so many bytes of them taken, since the last call.
    pub fn sent(&self, frames: u64, bytes: u64) {
        self.sockets.sent.inc_by(frames);
        self.sockets.sent_bytes.inc_by(bytes);
    }

    /// The bytes that wait in the queues of one thread are so many more than they were at the last call.
    pub fn waiting_changed(&self, by: i64) {
        self.sockets.waiting.inc_by(by);
    }

    /// A socket ends; without a code when its connection was lost.
    pub fn closed(&self, code: Option<CloseCode>) {
        self.sockets.closes.get_or_create(&close_labels(code)).inc();
    }

    /// So many users have an open socket now.
    pub fn online(&self, users: usize) {
        self.sockets.online.set(users as i64);
    }

    /// There are so many rooms now.
    pub fn rooms(&self, rooms: usize) {
        self.sockets.rooms.set(rooms as i64);
    }
}
