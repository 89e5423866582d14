//! Finished frames, joined so that they go out as one, and what a few get in the place of some of them. Pure.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::device::DeviceKey;
use crate::{
    domain::{event::Change, ids::UserId},
    wire::{
        dialect::Dialect,
        fastchat::{self, Names},
        pneumatic::{v1, v2},
    },
};

use super::room::Published;

/// Frames of one batch that are pushed as one piece; larger batches come in several.
const PIECE: usize = 32 << 10;

/// Who gets something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    /// The device that sent a message.
    Device(DeviceKey),
    /// All devices of whoever did.
    User(UserId),
}

/// In the place of one frame.
#[derive(Debug)]
struct Instead {
    who: Who,
    place: Range<usize>,
    frame: Bytes,
}

/// Joined frames.
#[derive(Debug)]
pub struct Piece {
    frames: Bytes,
    count: u64,
    instead: Vec<Instead>,
}

impl Piece {
    /// How many frames it has.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Hands out what a device gets, in order: nearly always the whole.
    pub(super) fn for_device(&self, device: DeviceKey, user: UserId, mut give: impl FnMut(&Bytes)) {
        if self.instead.is_empty() {
            return give(&self.frames);
        }
        let mut from = 0;
        for other in &self.instead {
            if other.who == Who::Device(device) || other.who == Who::User(user) {
                if other.place.start > from {
                    give(&self.frames.slice(from..other.place.start));
                }
                give(&other.frame);
                from = other.place.end;
            }
        }
        match from {
            0 => give(&self.frames),
            from if from < self.frames.len() => give(&self.frames.slice(from..)),
            _ => {}
        }
    }

    /// The whole, whoever it is for.
    pub(super) fn frames(&self) -> &Bytes {
        &self.frames
    }

    /// What this device gets in the place of others.
    pub(super) fn instead_for(&self, device: DeviceKey) -> impl Iterator<Item = &Bytes> {
        self.instead.iter().filter(move |other| other.who == Who::Device(device)).map(|other| &other.frame)
    }
}

/// Which dialects somebody speaks here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Speaking([u32; Dialect::ALL.len()]);

impl Speaking {
    pub(super) fn add(&mut self, dialect: Dialect) {
        self.0[dialect as usize] += 1;
    }

    pub(super) fn remove(&mut self, dialect: Dialect) {
        self.0[dialect as usize] = self.0[dialect as usize].saturating_sub(1);
    }

    pub(super) fn has(self, dialect: Dialect) -> bool {
        self.0[dialect as usize] > 0
    }
}

/// Messages as pieces, in each dialect that is spoken. Both of Pneumatic's say them alike.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    pneumatic: Arc<[Piece]>,
    flat: Arc<[Piece]>,
    enveloped: Arc<[Piece]>,
}

impl Pieces {
    /// Those of a dialect.
    pub(super) fn of(&self, dialect: Dialect) -> &Arc<[Piece]> {
        match dialect {
            Dialect::V1 | Dialect::V2 => &self.pneumatic,
            Dialect::Flat => &self.flat,
            Dialect::Enveloped => &self.enveloped,
        }
    }

    /// Encodes the messages of a run.
    pub(super) fn encode(run: &[Published], speaking: Speaking, names: &Names, delivered: impl Fn(UserId) -> bool) -> Self {
        let chat = |shape| {
            if !speaking.has(shape) {
                return Arc::default();
            }
            let mut writer = PieceWriter::default();
            for published in run {
                if let Change::Message(message) = &published.event.change {
                    let ack = fastchat::msg_ack(shape, message, delivered(message.sender_id));
                    let instead = Some((Who::User(message.sender_id), ack));
                    writer.add(|frames| fastchat::append_message(frames, shape, message, names), instead);
                }
            }
            writer.finish()
        };
        let mut writer = PieceWriter::default();
        if speaking.has(Dialect::V1) || speaking.has(Dialect::V2) {
            for published in run {
                if let Change::Message(message) = &published.event.change {
                    let origin = published.origin.as_ref();
                    let instead =
                        origin.map(|origin| (Who::Device(origin.device), v2::ack(origin.reference.as_ref(), message, false)));
                    writer.add(|frames| v1::append_event(frames, &published.event), instead);
                }
            }
        }
        Self { pneumatic: writer.finish(), flat: chat(Dialect::Flat), enveloped: chat(Dialect::Enveloped) }
    }
}

#[derive(Default)]
struct PieceWriter {
    done: Vec<Piece>,
    frames: BytesMut,
    count: u64,
    instead: Vec<Instead>,
}

impl PieceWriter {
    fn add(&mut self, append: impl FnOnce(&mut BytesMut), instead: Option<(Who, Bytes)>) {
        let start = self.frames.len();
        append(&mut self.frames);
        self.count += 1;
        if let Some((who, frame)) = instead {
            self.instead.push(Instead { who, place: start..self.frames.len(), frame });
        }
        if self.frames.len() >= PIECE {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let frames = self.frames.split().freeze();
        self.done.push(Piece { frames, count: std::mem::take(&mut self.count), instead: std::mem::take(&mut self.instead) });
    }

    fn finish(mut self) -> Arc<[Piece]> {
        if self.count > 0 {
            self.cut();
        }
        self.done.into()
    }
}
