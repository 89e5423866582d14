//! One connection: first HTTP, and after an upgrade a WebSocket.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, IoSlice, Read, Write},
    rc::Rc,
};

use mio::net::TcpStream;

use crate::{http, websocket};

/// Bytes read at a time.
const CHUNK: usize = 16 << 10;
/// Bytes that may wait to be written; a connection that has more is cut off.
const MOST_WAITING: usize = 256 << 10;
/// Pieces that leave in one write at most.
const MOST_PIECES: usize = 64;

/// What it asks.
#[derive(Debug)]
pub(crate) enum Input {
    Text(Vec<u8>),
    Ping(Vec<u8>),
    Health,
    Unknown,
    Posted(Vec<u8>),
    Upgrade { user: String, rooms: Vec<String>, accept: String },
}

/// One.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    upgraded: bool,
    /// Read and not yet understood.
    pub(crate) input: Vec<u8>,
    pub(crate) user: Rc<str>,
    pub(crate) rooms: Vec<String>,
    output: VecDeque<Rc<[u8]>>,
    /// Bytes in it.
    waiting: usize,
    /// Bytes of its first piece that were written.
    written: usize,
    /// Whether the loop knows that there is something to write.
    due: bool,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            upgraded: false,
            input: Vec::new(),
            user: Rc::from(""),
            rooms: Vec::new(),
            output: VecDeque::new(),
            waiting: 0,
            written: 0,
            due: false,
        }
    }

    /// Reads all that has come; whether there may be more to come.
    pub(crate) fn read(&mut self) -> bool {
        let mut chunk = [0; CHUNK];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return false,
                Ok(count) => {
                    self.input.extend_from_slice(&chunk[..count]);
                    // What fills less than it could has emptied the socket (man 7 epoll).
                    if count < CHUNK {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Takes the next whole thing from what was read; an error when it is none that is understood.
    pub(crate) fn next(&mut self, input: &mut Vec<u8>) -> io::Result<Option<Input>> {
        if self.upgraded { websocket::take(input) } else { http::take(input) }
    }

    /// Makes it a WebSocket.
    pub(crate) fn upgrade(&mut self, user: &str, rooms: &[String]) {
        (self.upgraded, self.user, self.rooms) = (true, user.into(), rooms.to_vec());
    }

    /// Has it written at the end of this turn; whether the loop doesn't know so yet.
    pub(crate) fn push(&mut self, piece: &Rc<[u8]>) -> bool {
        self.waiting += piece.len();
        self.output.push_back(Rc::clone(piece));
        !std::mem::replace(&mut self.due, true)
    }

    /// Whether something waits of which the loop doesn't know.
    pub(crate) fn is_due_again(&mut self) -> bool {
        !self.output.is_empty() && !std::mem::replace(&mut self.due, true)
    }

    /// Writes what waits, as far as it goes; whether the connection may live on.
    pub(crate) fn write(&mut self) -> bool {
        self.due = false;
        while let Some(first) = self.output.front() {
            let rest = &first[self.written..];
            let outcome = if self.output.len() == 1 {
                self.stream.write(rest)
            } else {
                let mut pieces = [IoSlice::new(&[]); MOST_PIECES];
                for (slot, piece) in pieces.iter_mut().zip(&self.output) {
                    *slot = IoSlice::new(piece);
                }
                pieces[0] = IoSlice::new(rest);
                self.stream.write_vectored(&pieces[..self.output.len().min(MOST_PIECES)])
            };
            match outcome {
                Ok(count) => self.drop_written(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.waiting <= MOST_WAITING
    }

    fn drop_written(&mut self, count: usize) {
        self.waiting -= count;
        self.written += count;
        while let Some(first) = self.output.front()
            && first.len() <= self.written
        {
            self.written -= first.len();
            self.output.pop_front();
        }
    }
}
