//! What a device sends: the same messages come of it however it is cut.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_codec::{AsyncRead, AsyncWrite, ReadBuf};
use bytes::BytesMut;
use futures_util::Stream;
use pneumatic::wire::close::CloseCode;

use super::{
    pipe::Pipe,
    transport::{Frames, Inbound},
};

/// The first byte says how the others are cut.
pub fn check(data: &[u8]) {
    let Some((cut, bytes)) = data.split_first() else { return };
    let whole = decode([bytes]);
    assert_eq!(decode(bytes.chunks(1)), whole, "byte by byte");
    assert_eq!(decode(bytes.chunks(usize::from(*cut) + 2)), whole, "in pieces of {}", usize::from(*cut) + 2);
    let (start, end) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    assert_eq!(decode([start, end]), whole, "cut at {cut}");
}

/// Everything that comes of these pieces.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Inbound, CloseCode>> {
    let pipe = Rc::new(Pipe::default());
    let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).map(<[u8]>::to_vec).collect();
    pipe.open(Box::new(Pieces(pieces)), BytesMut::new());
    let mut frames = Frames::new(pipe, Rc::default());
    let mut events = Vec::new();
    while let Poll::Ready(Some(event)) = Pin::new(&mut frames).poll_next(&mut Context::from_waker(Waker::noop())) {
        events.push(event);
    }
    events
}

/// A connection that brings these, one at a time, and then its end.
struct Pieces(VecDeque<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(mut piece) = self.0.pop_front() {
            let more = piece.split_off(piece.len().min(into.remaining()));
            into.put_slice(&piece);
            if !more.is_empty() {
                self.0.push_front(more);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
