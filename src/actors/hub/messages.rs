//! What a hub is told.

use std::sync::Arc;

use actix::Message;
use bytes::Bytes;

use crate::{
    actors::{budget::Share, device::DeviceKey, piece::Pieces},
    domain::{
        conversation::ConversationState,
        ids::{ConversationId, UserId},
        presence::Presence,
    },
    wire::dialect::Dialect,
};

/// Frames for every device of a conversation on this thread.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Whose.
    pub conversation: ConversationId,
    /// Comes before the messages.
    pub changed: Option<Changed>,
    /// Messages, in order.
    pub pieces: Pieces,
    /// Given back with the last hub's copy of this.
    pub shares: Arc<Vec<Share>>,
}

/// A conversation's title or members have changed. Devices of whoever isn't a member hear nothing more of it.
#[derive(Clone, Debug)]
pub struct Changed {
    /// What it is now.
    pub state: Arc<ConversationState>,
    /// The frame that tells those who speak v2, if it is their turn to hear of it.
    pub frame: Option<Bytes>,
    /// The frame that tells those of them who don't belong to it any more.
    pub farewell: Bytes,
}

impl Changed {
    /// Whether somebody is a member.
    pub(in crate::actors) fn is_for(&self, user: UserId) -> bool {
        self.state.members.binary_search(&user).is_ok()
    }

    /// What somebody is told of it, and whether they hear more.
    pub(in crate::actors) fn told(&self, user: UserId, dialect: Dialect) -> (Option<&Bytes>, bool) {
        let stays = self.is_for(user);
        let frame = if stays { self.frame.as_ref() } else { Some(&self.farewell) };
        (frame.filter(|_| dialect == Dialect::V2), stays)
    }
}

/// Frames beside the conversation's order, by dialect.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Whisper {
    /// Whose devices hear it.
    pub conversation: ConversationId,
    /// But not those of this user.
    pub except: Option<UserId>,
    /// Whether a device that is behind goes without.
    pub ephemeral: bool,
    /// What is said to each dialect that has a word for it.
    pub frames: Vec<(Dialect, Bytes)>,
    /// How many frames that is for a device.
    pub count: u64,
}

/// People have come or gone. A device hears it once, in however many conversations its user is with them.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Tidings {
    /// Whose devices hear it.
    pub conversation: ConversationId,
    /// Who.
    pub people: Arc<[Presence]>,
    /// The frame that tells of all of them.
    pub frame: Bytes,
}

/// Frames for one device.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Push {
    /// Whose.
    pub device: DeviceKey,
    /// Finished frames.
    pub frames: Bytes,
}

/// What the sender of a message is told that was delivered just now; unless it was there to hear that, and so has been told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Answer {
    /// Where it was delivered.
    pub conversation: ConversationId,
    /// Who sent it.
    pub device: DeviceKey,
    /// The `ack`.
    pub frame: Bytes,
}

/// From here on a device gets what the conversation delivers.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// Whose deliveries.
    pub conversation: ConversationId,
    /// Who gets them.
    pub device: DeviceKey,
}

/// From here on it doesn't.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Detach {
    /// Whose deliveries.
    pub conversation: ConversationId,
    /// Who got them.
    pub device: DeviceKey,
}
