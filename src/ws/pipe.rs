//! A device's connection once it is a WebSocket. The session is there before the answer to the handshake has gone out, and so is
//! its pipe: until the connection is put in, nothing comes out of it, and nothing goes in.

use std::{
    cell::RefCell,
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use actix_codec::{AsyncRead, AsyncWrite, ReadBuf};
use bytes::BytesMut;

use crate::actors::outbox::Outlet;

/// Bytes read at a time.
const CHUNK: usize = 4 << 10;

/// A connection, over TLS or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// The pipe. Reading and writing may be done by different tasks of its thread.
#[derive(Debug, Default)]
pub(super) struct Pipe(RefCell<State>);

enum State {
    /// The connection isn't there yet; who waits to read from it.
    Waiting(Option<Waker>),
    /// It is, and so is what it has brought already.
    Open(Box<dyn Stream>, BytesMut),
    Closed,
}

impl Default for State {
    fn default() -> Self {
        Self::Waiting(None)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting(_) => "Waiting",
            Self::Open(..) => "Open",
            Self::Closed => "Closed",
        })
    }
}

impl Pipe {
    /// Puts the connection in, with what has been read from it.
    pub(super) fn open(&self, stream: Box<dyn Stream>, early: BytesMut) {
        // An empty buffer is memory all the same.
        let early = if early.is_empty() { BytesMut::new() } else { early };
        self.become_state(State::Open(stream, early));
    }

    /// Lets go of the connection.
    pub(super) fn close(&self) {
        self.become_state(State::Closed);
    }

    fn become_state(&self, state: State) {
        if let State::Waiting(Some(reader)) = self.0.replace(state) {
            reader.wake();
        }
    }

    /// Appends what has come; 0 bytes when nothing comes any more.
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, into: &mut BytesMut) -> Poll<io::Result<usize>> {
        match &mut *self.0.borrow_mut() {
            State::Waiting(reader) => {
                *reader = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Open(_, early) if !early.is_empty() => {
                let early = std::mem::take(early);
                into.extend_from_slice(&early);
                Poll::Ready(Ok(early.len()))
            }
            State::Open(stream, _) => {
                let mut chunk = [0; CHUNK];
                let mut read = ReadBuf::new(&mut chunk);
                Pin::new(stream).poll_read(cx, &mut read).map_ok(|()| {
                    into.extend_from_slice(read.filled());
                    read.filled().len()
                })
            }
            State::Closed => Poll::Ready(Ok(0)),
        }
    }

    /// Says that nothing more is written.
    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.0.borrow_mut() {
            State::Open(stream, _) => Pin::new(stream).poll_shutdown(cx),
            State::Waiting(_) | State::Closed => Poll::Ready(Ok(())),
        }
    }
}

impl Outlet for Pipe {
    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match &mut *self.0.borrow_mut() {
            State::Waiting(_) => Poll::Pending,
            State::Open(stream, _) => {
                let mut stream = Pin::new(stream);
                let written = match pieces {
                    [piece] => stream.as_mut().poll_write(cx, piece),
                    _ => stream.as_mut().poll_write_vectored(cx, pieces),
                };
                // Over TLS bytes that were taken may still have to be sent.
                if let Poll::Ready(Ok(_)) = written
                    && let Poll::Ready(Err(error)) = stream.poll_flush(cx)
                {
                    return Poll::Ready(Err(error));
                }
                written
            }
            State::Closed => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }
}
