//! One socket of many that a single thread serves.

use std::{
    io::{self, Read, Write},
    net::ToSocketAddrs,
    time::Duration,
};

use mio::net::TcpStream;

use crate::{
    Outcome,
    frames::{self, Kind},
    speech::{Asks, Member, Speech},
};

/// How long a server may take to open a socket.
const PATIENCE: Duration = Duration::from_secs(30);

/// A member's socket.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) room: usize,
    pub(super) member: usize,
    /// The beginning of a frame whose end hasn't come.
    rest: Vec<u8>,
    /// What the kernel hasn't taken yet.
    out: Vec<u8>,
}

impl Connection {
    /// Opens it; once it is there, it hears its room.
    pub(super) fn open(speech: Speech, member: &Member, room: (usize, &str), place: usize) -> Outcome<Self> {
        let address = member.server.to_socket_addrs()?.next().ok_or("no such server")?;
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(speech.request(member, room.1).as_bytes())?;
        let mut heard = Vec::new();
        let head = until(&mut stream, &mut heard, |heard| memchr::memmem::find(heard, b"\r\n\r\n").map(|end| end + 4))?;
        if !heard.starts_with(b"HTTP/1.1 101 ") {
            return Err(String::from_utf8_lossy(&heard).into());
        }
        heard.drain(..head);
        let (first, last) = speech.opening();
        if let Some(first) = first {
            let mut frame = Vec::new();
            frames::append_text(&mut frame, first);
            stream.write_all(&frame)?;
        }
        while let Some(last) = last {
            let (start, end) = until(&mut stream, &mut heard, |heard| frames::find(heard, 0).map(|(_, at)| (at.start, at.end)))?;
            let is_last = heard[start..end].starts_with(last);
            heard.drain(..end);
            if is_last {
                break;
            }
        }
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), room: room.0, member: place, rest: heard, out: Vec::new() })
    }

    /// Reads what has come, by way of a buffer that all share, and shows each text frame.
    pub(super) fn read(&mut self, speech: Speech, chunk: &mut [u8], mut hear: impl FnMut(&[u8])) -> Outcome<()> {
        loop {
            let count = match self.stream.read(chunk) {
                Ok(0) => return Err("the server has closed a socket".into()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let rest = std::mem::take(&mut self.rest);
            if rest.is_empty() {
                let end = self.hear(speech, &chunk[..count], &mut hear)?;
                self.rest.extend_from_slice(&chunk[end..count]);
            } else {
                let all = [&rest[..], &chunk[..count]].concat();
                let end = self.hear(speech, &all, &mut hear)?;
                self.rest.extend_from_slice(&all[end..]);
            }
            // A stream that gave less than it could has nothing more (man 7 epoll, question 9).
            if count < chunk.len() {
                return Ok(());
            }
        }
    }

    /// Shows the whole frames; where the last of them ends.
    fn hear(&mut self, speech: Speech, bytes: &[u8], hear: &mut impl FnMut(&[u8])) -> Outcome<usize> {
        let mut at = 0;
        while let Some((kind, payload)) = frames::find(bytes, at) {
            at = payload.end;
            let payload = &bytes[payload];
            if speech.answer(kind, payload, &mut self.out) == Asks::Ends {
                let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default());
                return Err(format!("the server has closed a socket: {reason}").into());
            }
            if kind == Kind::Text {
                hear(payload);
            }
        }
        Ok(at)
    }

    /// Has a message wait for `flush`.
    pub(super) fn say(&mut self, speech: Speech, room: &str, content: &str) {
        speech.say(&mut self.out, room, content);
    }

    /// Writes what waits, as far as the kernel takes it.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Reads until something is found.
fn until<T>(stream: &mut std::net::TcpStream, heard: &mut Vec<u8>, find: impl Fn(&[u8]) -> Option<T>) -> io::Result<T> {
    let mut chunk = [0; 4 << 10];
    loop {
        if let Some(found) = find(heard) {
            return Ok(found);
        }
        match stream.read(&mut chunk)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => heard.extend_from_slice(&chunk[..count]),
        }
    }
}
