//! Finished frames, joined so that they go out as one, and what a few get in the place of some of them. Pure.

use std::{ops::Range, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{device::DeviceKey, room::Published};
use crate::{
    domain::{event::Change, ids::UserId, message::Message},
    wire::{
        dialect::Dialect,
        fastchat::{self, Names},
        pneumatic::v1,
    },
};

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
    pub(super) fn for_device(&self, device: DeviceKey, user: UserId, give: impl FnMut(&Bytes)) {
        self.hand_out(|who| who == Who::Device(device) || who == Who::User(user), give);
    }

    /// The same without what it alone gets.
    pub(super) fn without(&self, user: UserId, give: impl FnMut(&Bytes)) {
        self.hand_out(|who| who == Who::User(user), give);
    }

    fn hand_out(&self, is_meant: impl Fn(Who) -> bool, mut give: impl FnMut(&Bytes)) {
        if self.instead.is_empty() {
            return give(&self.frames);
        }
        let mut from = 0;
        for other in self.instead.iter().filter(|other| is_meant(other.who)) {
            // What is meant for the device comes before what is meant for all of its user's.
            if other.place.start < from {
                continue;
            }
            if other.place.start > from {
                give(&self.frames.slice(from..other.place.start));
            }
            if !other.frame.is_empty() {
                give(&other.frame);
            }
            from = other.place.end;
        }
        match from {
            0 => give(&self.frames),
            from if from < self.frames.len() => give(&self.frames.slice(from..)),
            _ => {}
        }
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

    /// Encodes the messages of a run. `acks` has for each what the device that sent it gets in its place.
    pub(super) fn encode(run: &[Published], acks: &[Option<Bytes>], speaking: Speaking, names: &Names) -> Self {
        let write = |append: &dyn Fn(&mut BytesMut, &Message), shape: Option<Dialect>| {
            let mut writer = PieceWriter::default();
            for (published, ack) in run.iter().zip(acks) {
                let Change::Message(message) = &published.event.change else { continue };
                let (sender, start) = (message.sender_id, writer.frames.len());
                append(&mut writer.frames, message);
                let place = start..writer.frames.len();
                let speaks = |dialect: Dialect| shape.map_or(!dialect.is_chat(), |shape| dialect == shape);
                if let (Some(origin), Some(ack)) = (published.origin.as_ref().filter(|origin| speaks(origin.dialect)), ack) {
                    let (who, frame) = (Who::Device(origin.device), ack.clone());
                    writer.instead.push(Instead { who, place: place.clone(), frame });
                }
                if shape.is_some() {
                    // FastChat's pages don't expect to hear themselves.
                    writer.instead.push(Instead { who: Who::User(sender), place, frame: Bytes::new() });
                }
                writer.next();
            }
            writer.finish()
        };
        let chat = |shape: Dialect| {
            let append = |frames: &mut BytesMut, message: &Message| fastchat::append_message(frames, shape, message, names);
            if speaking.has(shape) { write(&append, Some(shape)) } else { Arc::default() }
        };
        let spoken = speaking.has(Dialect::V1) || speaking.has(Dialect::V2);
        let pneumatic = if spoken { write(&v1::append_message, None) } else { Arc::default() };
        Self { pneumatic, flat: chat(Dialect::Flat), enveloped: chat(Dialect::Enveloped) }
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
    /// One frame more was written.
    fn next(&mut self) {
        self.count += 1;
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
