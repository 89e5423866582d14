//! Bytes in: what the connection brings, as whole messages.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::Stream;

use super::{pipe::Pipe, turns::Turns};
use crate::wire::{
    close::CloseCode,
    inbound::{Decoder, Inbound},
};

/// How long a connection lingers after a close frame, for the peer to answer it: closing at once, with unread
/// bytes waiting, would make the kernel reset the connection and the frame might never be read.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// The device's messages, whole and checked; an error says how the connection must be closed. After one comes nothing but the
/// peer's close, and after that nothing.
pub(super) struct Frames {
    pipe: Rc<Pipe>,
    decoder: Decoder,
    turns: Rc<Turns>,
}

impl Frames {
    pub(super) fn new(pipe: Rc<Pipe>, turns: Rc<Turns>) -> Self {
        Self { pipe, decoder: Decoder::default(), turns }
    }
}

impl Stream for Frames {
    type Item = Result<Inbound, CloseCode>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if this.decoder.is_open() {
                ready!(this.turns.poll_free(cx));
            }
            if let Some(next) = this.decoder.message().transpose() {
                return Poll::Ready(Some(next));
            }
            match ready!(this.pipe.poll_read(cx, this.decoder.buffer())) {
                Ok(1..) => {}
                // The peer has gone, in whatever way.
                Ok(0) | Err(_) => return Poll::Ready(None),
            }
        }
    }
}
