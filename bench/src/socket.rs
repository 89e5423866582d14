//! A WebSocket (RFC 6455) that costs next to nothing, so that thousands of them leave the processor to the server: it
//! trusts the server, knows no fragments, and masks with zeros.

use std::{io, ops::Range};

use clap::ValueEnum;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Outcome;

/// What is read at a time, at least.
const CHUNK: usize = 4 << 10;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Without a subprotocol.
    V1,
    /// `pneumatic.v2`.
    V2,
}

/// An open one. Dropping it resets the connection, as if the device's network had gone.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
    /// Where in it the next frame begins.
    start: usize,
}

impl Socket {
    /// Opens one at `host:port`; it is open once the server has answered.
    pub async fn connect(server: &str, token: &str, dialect: Dialect) -> Outcome<Self> {
        let mut stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        stream.set_zero_linger()?;
        let protocol = match dialect {
            Dialect::V1 => "",
            Dialect::V2 => "Sec-WebSocket-Protocol: pneumatic.v2\r\n",
        };
        let request = format!(
            "GET /ws?token={token} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{protocol}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, buffer: Vec::new(), start: 0 };
        let head = loop {
            if let Some(end) = socket.buffer.windows(4).position(|end| end == b"\r\n\r\n") {
                break end;
            }
            socket.read().await?;
        };
        if !socket.buffer.starts_with(b"HTTP/1.1 101 ") {
            return Err(String::from_utf8_lossy(&socket.buffer).into());
        }
        socket.start = head + 4;
        Ok(socket)
    }

    /// Sends a text frame.
    pub async fn send(&mut self, text: &str) -> io::Result<()> {
        const FINAL_TEXT: u8 = 0x81;
        const MASKED: u8 = 0x80;
        let mut frame = Vec::with_capacity(text.len() + 14);
        frame.push(FINAL_TEXT);
        match text.len() {
            short @ ..126 => frame.push(MASKED | short as u8),
            middling @ 126..=0xffff => {
                frame.push(MASKED | 126);
                frame.extend_from_slice(&(middling as u16).to_be_bytes());
            }
            long => {
                frame.push(MASKED | 127);
                frame.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.stream.write_all(&frame).await
    }

    /// The next text frame; an error when the server closes. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> io::Result<&[u8]> {
        const TEXT: u8 = 0x1;
        const CLOSE: u8 = 0x8;
        const PING: u8 = 0x9;
        loop {
            let Some((opcode, payload)) = frame(&self.buffer, self.start) else {
                self.buffer.drain(..std::mem::take(&mut self.start));
                self.read().await?;
                continue;
            };
            self.start = payload.end;
            match opcode {
                TEXT => return Ok(&self.buffer[payload]),
                // A pong that doesn't fit isn't missed: whoever reads so little hears from the server anyway.
                PING => drop(self.stream.try_write(&[0x8a, 0x80, 0, 0, 0, 0])),
                CLOSE => {
                    let reason = String::from_utf8_lossy(self.buffer[payload].get(2..).unwrap_or_default()).into_owned();
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason));
                }
                _ => {}
            }
        }
    }

    async fn read(&mut self) -> io::Result<()> {
        self.buffer.reserve(CHUNK);
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The frame that begins there, if it is whole: its opcode, and where its payload is.
fn frame(buffer: &[u8], start: usize) -> Option<(u8, Range<usize>)> {
    let rest = &buffer[start..];
    let (head, length) = match *rest.get(1)? {
        126 => (4, u64::from(u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(rest.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = (start + head).checked_add(usize::try_from(length).ok()?)?;
    (end <= buffer.len()).then_some((rest[0] & 0xf, start + head..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 5.2: the three lengths of a length.
    #[test]
    fn frames_are_found_once_they_are_whole() {
        for (head, length) in
            [(&[0x81, 3][..], 3), (&[0x81, 126, 1, 44][..], 300), (&[0x81, 127, 0, 0, 0, 0, 0, 1, 17, 112][..], 70_000)]
        {
            let mut buffer = [b"xx", head].concat();
            assert_eq!(frame(&buffer, 2), None);
            buffer.resize(2 + head.len() + length, b'x');
            assert_eq!(frame(&buffer, 2), Some((1, 2 + head.len()..buffer.len())));
            assert_eq!(frame(&buffer[..buffer.len() - 1], 2), None);
        }
    }
}
