//! Devices that aren't attached yet: told first what they missed.

use actix::Addr;
use bytes::Bytes;

use crate::{
    actors::{
        device::DeviceKey,
        hub::{Changed, Hub, Push},
        piece::Pieces,
    },
    domain::ids::{Rev, UserId},
    wire::dialect::Dialect,
};

/// Most pieces that are held back for a device that is catching up.
const BACKLOG: usize = 256;
/// A device on its way in.
#[derive(Clone, Debug)]
pub(super) struct Newcomer {
    pub(super) device: DeviceKey,
    pub(super) user_id: UserId,
    pub(super) dialect: Dialect,
    pub(super) hub: Addr<Hub>,
}

impl Newcomer {
    pub(super) fn push(&self, frames: &Bytes) {
        self.hub.do_send(Push { device: self.device, frames: frames.clone() });
    }
}

/// A device that is being told what it missed; the live frames wait behind that.
#[derive(Debug)]
pub(super) struct CatchingUp {
    pub(super) newcomer: Newcomer,
    /// The last change that it was told, and the last that it has to be told this way.
    pub(super) told: Rev,
    pub(super) target: Rev,
    pub(super) backlog: Vec<Bytes>,
    /// What it is told of its own messages, behind all of these: an `ack` of a change that it doesn't know yet would look
    /// like a hole.
    pub(super) acks: Vec<Bytes>,
}

impl CatchingUp {
    pub(super) fn new(newcomer: Newcomer, told: Rev, target: Rev) -> Self {
        Self { newcomer, told, target, backlog: Vec::new(), acks: Vec::new() }
    }

    /// Tells it what has waited.
    pub(super) fn tell_rest(&self) {
        self.backlog.iter().chain(&self.acks).for_each(|frames| self.newcomer.push(frames));
    }

    /// It hears no more of the conversation, but what it has said is stored.
    pub(super) fn tell_acks(&self) {
        self.acks.iter().for_each(|frames| self.newcomer.push(frames));
    }

    /// Keeps live frames for later; when there are too many, the database has to tell of them as well. False when it hears no more.
    pub(super) fn hold_back(&mut self, changed: Option<&Changed>, pieces: &Pieces, upto: Rev) -> bool {
        let Newcomer { user_id, dialect, .. } = self.newcomer;
        if let Some(changed) = changed {
            let (frame, stays) = changed.told(user_id, dialect);
            if !stays {
                frame.into_iter().for_each(|frame| self.newcomer.push(frame));
                return false;
            }
            self.backlog.extend(frame.cloned());
        }
        for piece in pieces.of(dialect).iter() {
            piece.without(user_id, |frames| self.backlog.push(frames.clone()));
        }
        if self.backlog.len() > BACKLOG {
            self.backlog.clear();
            self.target = upto;
        }
        true
    }
}
