//! What a room is told. Its bound is the writer's budget, and that of presence; a device sends little else.

use std::sync::Arc;

use actix::{Addr, Message};
use bytes::Bytes;

use crate::{
    actors::{
        budget::Share,
        device::DeviceKey,
        hub::{Hub, Push},
    },
    domain::{
        self,
        conversation::ReadMark,
        event::{Change, Changes, Event},
        ids::{Rev, UserId},
        presence::Presence,
    },
    wire::{
        dialect::Dialect,
        fastchat::{self, Names},
        pneumatic::{Reference, v2},
    },
};

/// A committed event and its share of the budget, which is given back when the last hub has pushed it.
#[derive(Debug)]
pub struct Published {
    /// What happened.
    pub event: Event,
    /// None for what was read from the database.
    pub share: Option<Share>,
    /// Who waits for the `ack` of it.
    pub origin: Option<Box<Origin>>,
}

impl Published {
    /// What the device that waits for it is told, if there is one: that its message is stored.
    pub(in crate::actors) fn ack(&self, delivered: impl FnOnce(UserId) -> bool) -> Option<Bytes> {
        match (&self.origin, &self.event.change) {
            (Some(origin), Change::Message(message)) => Some(origin.ack(message, || delivered(message.sender_id))),
            _ => None,
        }
    }

    /// Tells it so apart from everything else.
    pub(in crate::actors) fn answer(&self, delivered: impl FnOnce(UserId) -> bool) {
        if let (Some(origin), Some(frames)) = (&self.origin, self.ack(delivered)) {
            origin.hub.do_send(Push { device: origin.device, frames });
        }
    }
}

/// The device that sent a message, if it is to be told so in the message's place.
#[derive(Clone, Debug)]
pub struct Origin {
    /// Which.
    pub device: DeviceKey,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where its outbox is filled.
    pub hub: Addr<Hub>,
    /// What it calls its frame.
    pub reference: Option<Reference>,
}

impl Origin {
    /// What it is told.
    fn ack(&self, message: &domain::message::Message, delivered: impl FnOnce() -> bool) -> Bytes {
        match self.dialect {
            Dialect::V1 | Dialect::V2 => v2::ack(self.reference.as_ref(), message, false),
            Dialect::Flat | Dialect::Enveloped => fastchat::msg_ack(self.dialect, message, delivered()),
        }
    }
}

/// Events of this conversation, in commit order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Publish(pub Vec<Published>);

/// A device comes, and shall hear everything after `since`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Which.
    pub device: DeviceKey,
    /// Whose it is.
    pub user_id: UserId,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where its outbox is filled.
    pub hub: Addr<Hub>,
    /// The last change that it knows of.
    pub since: Rev,
    /// What those are called who may speak here, if it has to be told.
    pub names: Option<Arc<Names>>,
}

/// A device goes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave {
    /// Which.
    pub device: DeviceKey,
    /// What it speaks.
    pub dialect: Dialect,
    /// The change that removed its user, if it goes for that.
    pub removed: Option<Rev>,
}

/// A user writes, or doesn't any more.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Typing {
    /// Who.
    pub user_id: UserId,
    /// Whether.
    pub is_typing: bool,
}

/// Members have read so far.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Marked(pub Vec<ReadMark>);

/// People have come or gone.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Announce(pub Vec<Presence>);

/// What those are called who may speak here.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Rename(pub Arc<Names>);

/// Something may have been committed of which the room was never told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Suspect;

/// The conversation has come so far, says the database; what leads there may be under way.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct StandsAt(pub Rev);

/// The directory has forgotten the room: nobody is here, nobody can come.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// For whom something is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// For everybody: the room itself has a hole.
    Room,
    /// For a device that joined with a `since` below the room's head.
    Device(DeviceKey),
}

/// The writer's answer to [`Fetch`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Fetched {
    /// For whom it was.
    pub reader: Reader,
    /// After which change.
    pub after: Rev,
    /// What changed; none when the database couldn't tell.
    pub changes: Option<Changes>,
}
