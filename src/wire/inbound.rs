//! What a device sends, put together into whole messages (RFC 6455, section 5); what is wrong with it is told as the close code
//! that the connection has to end with.

use actix_codec::Decoder as _;
use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use bytes::{Buf, Bytes, BytesMut};

use super::close::CloseCode;

/// Most bytes of a message, in one frame or several.
pub const MAX_MESSAGE: usize = 64 << 10;
/// Most bytes that a control frame carries (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;
const CLOSE: u8 = 0x8;

/// What a device sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    /// A text, whole and checked.
    Text(String),
    /// Anything else than text, which no dialect takes.
    Binary,
    /// Asks for a pong with the same payload.
    Ping(Bytes),
    /// Nothing comes of it.
    Pong,
    /// Nothing comes after it.
    Close,
}

/// A device's bytes, as they come, turned into messages.
#[derive(Debug)]
pub struct Decoder {
    codec: Codec,
    buffer: BytesMut,
    parts: Parts,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    /// Frames are passed over, unjudged, up to the peer's close; so many bytes are left of the present one.
    Failed {
        left: u64,
    },
    /// The frame at fault was the peer's close.
    Leaving,
    Closed,
}

impl Default for Decoder {
    fn default() -> Self {
        let codec = Codec::new().max_size(MAX_MESSAGE);
        Self { codec, buffer: BytesMut::new(), parts: Parts::default(), state: State::Open }
    }
}

impl Decoder {
    /// Where to append what comes. As long as [`Self::message`] is called until it has no more, that is never more than a frame.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Whether messages may come yet.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// The next message; none as long as it isn't whole. An error comes once, and after it only the peer's close, by which one
    /// knows that nothing more is on its way; after that there is nothing.
    ///
    /// # Errors
    /// [`CloseCode::Protocol`], [`CloseCode::NotUtf8`]; [`CloseCode::TooBig`] before any of the payload is kept.
    pub fn message(&mut self) -> Result<Option<Inbound>, CloseCode> {
        let next = match self.state {
            State::Open => self.decode(),
            State::Failed { left } => Ok(self.pass_over(left)),
            State::Leaving => Ok(Some(Inbound::Close)),
            State::Closed => Ok(None),
        };
        if next == Ok(Some(Inbound::Close)) {
            self.state = State::Closed;
        }
        if self.buffer.is_empty() || matches!(self.state, State::Closed) {
            // An idle device keeps no memory for what it might say.
            self.buffer = BytesMut::new();
        }
        next
    }

    fn decode(&mut self) -> Result<Option<Inbound>, CloseCode> {
        loop {
            let head = Head::read(&self.buffer);
            if let Some(code) = head.as_ref().and_then(Head::fault) {
                self.state = State::Failed { left: 0 };
                return Err(code);
            }
            let message = match self.codec.decode(&mut self.buffer) {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => self.parts.take(frame),
                Err(ProtocolError::Overflow) => Err(CloseCode::TooBig),
                Err(_) => Err(CloseCode::Protocol),
            };
            match message {
                Ok(None) => {}
                Ok(message) => return Ok(message),
                Err(code) => {
                    let is_close = head.is_some_and(|head| head.opcode == CLOSE);
                    self.state = if is_close { State::Leaving } else { State::Failed { left: 0 } };
                    return Err(code);
                }
            }
        }
    }

    fn pass_over(&mut self, mut left: u64) -> Option<Inbound> {
        loop {
            let here = left.min(self.buffer.len() as u64);
            self.buffer.advance(here as usize);
            left -= here;
            self.state = State::Failed { left };
            let head = if left == 0 { Head::read(&self.buffer) } else { None }?;
            if head.opcode == CLOSE {
                return Some(Inbound::Close);
            }
            left = head.frame;
        }
    }
}

/// What a frame begins with (RFC 6455, section 5.2).
struct Head {
    is_last: bool,
    is_reserved: bool,
    opcode: u8,
    is_masked: bool,
    /// Bytes of the payload.
    payload: u64,
    /// Bytes of all of it.
    frame: u64,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (size, payload) = match second & 0x7f {
            126 => (4, u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into()),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
            short => (2, short.into()),
        };
        let is_masked = second & 0x80 != 0;
        Some(Self {
            is_last: first & 0x80 != 0,
            is_reserved: first & 0x70 != 0,
            opcode: first & 0x0f,
            is_masked,
            payload,
            frame: payload.saturating_add(if is_masked { size + 4 } else { size }),
        })
    }

    /// What is wrong with a frame, whatever is in it. The codec would wait for all of it, and keep it, before it says so.
    fn fault(&self) -> Option<CloseCode> {
        let is_control = self.opcode & 0x8 != 0;
        let is_broken = self.is_reserved
            || !self.is_masked
            || !matches!(self.opcode, 0x0..=0x2 | 0x8..=0xa)
            || is_control && (!self.is_last || self.payload > MAX_CONTROL);
        let is_too_big = self.payload > MAX_MESSAGE as u64;
        if is_broken { Some(CloseCode::Protocol) } else { is_too_big.then_some(CloseCode::TooBig) }
    }
}

#[derive(Debug, Default)]
struct Parts {
    bytes: BytesMut,
    is_text: bool,
}

impl Parts {
    /// Puts fragments together (RFC 6455, section 5.4); the codec has checked that they come in order.
    fn take(&mut self, frame: Frame) -> Result<Option<Inbound>, CloseCode> {
        let part = match frame {
            Frame::Text(bytes) => return text(&bytes).map(Some),
            Frame::Binary(_) => return Ok(Some(Inbound::Binary)),
            Frame::Ping(payload) => return Ok(Some(Inbound::Ping(payload))),
            Frame::Pong(_) => return Ok(Some(Inbound::Pong)),
            Frame::Close(_) => return Ok(Some(Inbound::Close)),
            Frame::Continuation(part) => part,
        };
        let last = matches!(part, Item::Last(_));
        let bytes = match part {
            Item::FirstText(bytes) => {
                self.is_text = true;
                bytes
            }
            Item::FirstBinary(bytes) => {
                self.is_text = false;
                bytes
            }
            Item::Continue(bytes) | Item::Last(bytes) => bytes,
        };
        if self.bytes.len() + bytes.len() > MAX_MESSAGE {
            return Err(CloseCode::TooBig);
        }
        self.bytes.extend_from_slice(&bytes);
        if !last {
            return Ok(None);
        }
        let whole = std::mem::take(&mut self.bytes);
        if self.is_text { text(&whole).map(Some) } else { Ok(Some(Inbound::Binary)) }
    }
}

/// RFC 6455, section 8.1: text that isn't UTF-8 fails the connection.
fn text(bytes: &[u8]) -> Result<Inbound, CloseCode> {
    std::str::from_utf8(bytes).map(|text| Inbound::Text(text.to_owned())).map_err(|_| CloseCode::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that these bytes come to.
    fn all(bytes: &[u8]) -> Vec<Result<Inbound, CloseCode>> {
        let mut decoder = Decoder::default();
        decoder.buffer().extend_from_slice(bytes);
        std::iter::from_fn(|| decoder.message().transpose()).collect()
    }

    /// Under a mask of nought.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
    }

    #[test]
    fn fragments_become_one_message() {
        let euro = "€".as_bytes();
        let bytes =
            [frame(0x01, &euro[..1]), frame(0x89, b"!"), frame(0x00, &euro[1..2]), frame(0x80, &euro[2..]), frame(0x82, b"")]
                .concat();
        let ping = Inbound::Ping(Bytes::from_static(b"!"));
        assert_eq!(all(&bytes), [Ok(ping), Ok(Inbound::Text("€".into())), Ok(Inbound::Binary)]);
    }

    #[test]
    fn what_is_too_big_is_told_by_its_head() {
        for head in [&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1][..], &[0x01, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]] {
            let mut decoder = Decoder::default();
            decoder.buffer().extend_from_slice(head);
            assert_eq!(decoder.message(), Err(CloseCode::TooBig));
            for _ in 0..60 {
                decoder.buffer().extend_from_slice(&[0; 1_000]);
                assert_eq!(decoder.message(), Ok(None));
                assert!(decoder.buffer.is_empty(), "nothing of it is kept");
            }
        }
        let mut parts = Parts::default();
        let half = Bytes::from(vec![b'x'; MAX_MESSAGE / 2 + 1]);
        assert_eq!(parts.take(Frame::Continuation(Item::FirstText(half.clone()))), Ok(None));
        assert_eq!(parts.take(Frame::Continuation(Item::Last(half))), Err(CloseCode::TooBig), "across fragments too");
    }

    #[test]
    fn after_a_fault_only_the_peers_close_counts() {
        let late = [frame(0x81, b"late"), frame(0x89, b""), vec![0xff, 1, 7], frame(0x88, b""), frame(0x88, b"")].concat();
        for (fault, code) in [
            (frame(0x83, b"x"), CloseCode::Protocol),
            (frame(0x80, b"x"), CloseCode::Protocol),
            (vec![0x81, 2, b'h', b'i'], CloseCode::Protocol),
            (frame(0x09, b"a ping in fragments"), CloseCode::Protocol),
            ([&[0x8a, 0xfe, 0, 126, 0, 0, 0, 0], &[7; 126][..]].concat(), CloseCode::Protocol),
            (frame(0x81, b"\xc3\x28"), CloseCode::NotUtf8),
            ([&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], &[b'x'; 65_537][..]].concat(), CloseCode::TooBig),
        ] {
            assert_eq!(all(&[fault.clone(), late.clone()].concat()), [Err(code), Ok(Inbound::Close)], "{:?}", &fault[..2]);
        }
        assert_eq!(all(&[frame(0x88, &[3]), late.clone()].concat()), [Err(CloseCode::Protocol), Ok(Inbound::Close)]);
        assert_eq!(all(&[frame(0x88, b""), late].concat()), [Ok(Inbound::Close)]);
    }
}
