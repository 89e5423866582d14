//! What the client says, read for the echo alone. It judges nothing: that is the server's part.

use std::collections::VecDeque;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;

/// A whole message.
pub(crate) struct Message {
    /// [`TEXT`] or [`BINARY`].
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

/// Messages that came, first of all those that came first.
#[derive(Default)]
pub(crate) struct Heard {
    buffer: Vec<u8>,
    opcode: u8,
    payload: Vec<u8>,
    whole: VecDeque<Message>,
}

impl Heard {
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some(length) = self.frame(taken) {
            taken += length;
        }
        self.buffer.drain(..taken);
    }

    /// The message that came first.
    pub(crate) fn next(&mut self) -> Option<Message> {
        self.whole.pop_front()
    }

    /// Takes the frame that begins here (RFC 6455, section 5.2); its length, if all of it is there.
    fn frame(&mut self, from: usize) -> Option<usize> {
        let bytes = &self.buffer[from..];
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (mut at, length) = match second & 0x7f {
            126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            short => (2, u64::from(short)),
        };
        let mask = if second & 0x80 == 0 { [0; 4] } else { bytes.get(at..at + 4)?.try_into().ok()? };
        at += if second & 0x80 == 0 { 0 } else { 4 };
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        let payload = bytes.get(at..end)?.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        match first & 0x0f {
            0 => self.payload.extend(payload),
            opcode @ (TEXT | BINARY) => (self.opcode, self.payload) = (opcode, payload.collect()),
            // Control frames come between, and aren't echoed.
            _ => return Some(end),
        }
        if first & 0x80 != 0 {
            self.whole.push_back(Message { opcode: self.opcode, payload: std::mem::take(&mut self.payload) });
        }
        Some(end)
    }
}
