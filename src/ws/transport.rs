//! Bytes in: what the connection brings, as whole messages.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_codec::Decoder;
use actix_http::ws::{Codec, Frame, Item, ProtocolError};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;

use super::{pipe::Pipe, turns::Turns};
use crate::wire::close::CloseCode;

/// Most bytes of a message, in one frame or several.
pub(super) const MAX_MESSAGE: usize = 64 << 10;
/// How long a connection lingers after a close frame, for the peer to answer it: closing at once, with unread
/// bytes waiting, would make the kernel reset the connection and the frame might never be read.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// What a device sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inbound {
    Text(String),
    Binary,
    Ping(Bytes),
    Pong,
    Close,
}

/// The device's messages, whole and checked; an error says how the connection must be closed. After a close
/// or an error what still comes is discarded until the peer is done.
pub(super) struct Frames {
    pipe: Rc<Pipe>,
    codec: Codec,
    buffer: BytesMut,
    parts: Parts,
    turns: Rc<Turns>,
    discarding: bool,
}

#[derive(Default)]
struct Parts {
    bytes: BytesMut,
    is_text: bool,
}

impl Frames {
    pub(super) fn new(pipe: Rc<Pipe>, turns: Rc<Turns>) -> Self {
        Self {
            pipe,
            codec: Codec::new().max_size(MAX_MESSAGE),
            buffer: BytesMut::new(),
            parts: Parts::default(),
            turns,
            discarding: false,
        }
    }

    /// The next message in the buffer, if there is a whole one.
    fn decode(&mut self) -> Result<Option<Inbound>, CloseCode> {
        loop {
            let frame = self.codec.decode(&mut self.buffer).map_err(|error| match error {
                ProtocolError::Overflow => CloseCode::TooBig,
                _ => CloseCode::Protocol,
            })?;
            let Some(frame) = frame else { return Ok(None) };
            if let Some(message) = self.parts.take(frame)? {
                return Ok(Some(message));
            }
        }
    }
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

impl Stream for Frames {
    type Item = Result<Inbound, CloseCode>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if !this.discarding {
                ready!(this.turns.poll_free(cx));
                match this.decode() {
                    Ok(None) => {
                        if this.buffer.is_empty() {
                            // An idle device keeps no memory for what it might say.
                            this.buffer = BytesMut::new();
                        }
                    }
                    Ok(Some(message)) => {
                        this.discarding = message == Inbound::Close;
                        return Poll::Ready(Some(Ok(message)));
                    }
                    Err(code) => {
                        this.discarding = true;
                        return Poll::Ready(Some(Err(code)));
                    }
                }
            }
            match ready!(this.pipe.poll_read(cx, &mut this.buffer)) {
                Ok(1..) if !this.discarding => {}
                Ok(1..) => this.buffer = BytesMut::new(),
                // The peer has gone, in whatever way.
                Ok(0) | Err(_) => return Poll::Ready(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_become_one_message() {
        let mut parts = Parts::default();
        let euro = "€".as_bytes();
        let first = Frame::Continuation(Item::FirstText(Bytes::copy_from_slice(&euro[..1])));
        assert_eq!(parts.take(first), Ok(None));
        assert_eq!(
            parts.take(Frame::Ping(Bytes::new())),
            Ok(Some(Inbound::Ping(Bytes::new()))),
            "control frames may come between"
        );
        assert_eq!(parts.take(Frame::Continuation(Item::Continue(Bytes::copy_from_slice(&euro[1..2])))), Ok(None));
        let last = Frame::Continuation(Item::Last(Bytes::copy_from_slice(&euro[2..])));
        assert_eq!(parts.take(last), Ok(Some(Inbound::Text("€".into()))));
    }

    #[test]
    fn the_bound_holds_across_fragments_and_utf8_is_required() {
        let mut parts = Parts::default();
        let half = Bytes::from(vec![b'x'; MAX_MESSAGE / 2 + 1]);
        assert_eq!(parts.take(Frame::Continuation(Item::FirstText(half.clone()))), Ok(None));
        assert_eq!(parts.take(Frame::Continuation(Item::Last(half))), Err(CloseCode::TooBig));
        assert_eq!(Parts::default().take(Frame::Text(Bytes::from_static(b"\xc3\x28"))), Err(CloseCode::NotUtf8));
    }
}
