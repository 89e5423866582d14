//! A WebSocket (RFC 6455) that costs next to nothing, so that thousands of them leave the processor to the server: it
//! trusts the server, knows no fragments, and masks with zeros.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    Outcome,
    frames::{self, Kind},
    speech::{Asks, Member, Speech},
};

/// What is read at a time, at least.
const CHUNK: usize = 4 << 10;

/// An open one. Dropping it resets the connection, as if the device's network had gone.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    speech: Speech,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
    /// Where in it the next frame begins.
    start: usize,
}

impl Socket {
    /// Opens one; it is open once the server has answered.
    pub async fn connect(server: &str, token: &str, speech: Speech) -> Outcome<Self> {
        let mut stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        stream.set_zero_linger()?;
        let member = Member { server: server.to_owned(), token: token.to_owned() };
        let request = speech.request(&member, "idle");
        stream.write_all(request.as_bytes()).await?;
        let mut socket = Self { stream, speech, buffer: Vec::new(), start: 0 };
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
        let mut frame = Vec::with_capacity(text.len() + 14);
        frames::append_text(&mut frame, text);
        self.stream.write_all(&frame).await
    }

    /// The next text frame; an error when the server closes. Nothing is lost when the wait is given up.
    pub async fn next(&mut self) -> io::Result<&[u8]> {
        let mut answer = Vec::new();
        loop {
            let Some((kind, payload)) = frames::find(&self.buffer, self.start) else {
                self.buffer.drain(..std::mem::take(&mut self.start));
                self.read().await?;
                continue;
            };
            self.start = payload.end;
            let asks = self.speech.answer(kind, &self.buffer[payload.clone()], &mut answer);
            // An answer that doesn't fit isn't missed: whoever reads so little hears from the server anyway.
            if !answer.is_empty() {
                drop(self.stream.try_write(&std::mem::take(&mut answer)));
            }
            match (asks, kind) {
                (Asks::Ends, _) => {
                    let reason = String::from_utf8_lossy(self.buffer[payload].get(2..).unwrap_or_default()).into_owned();
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, reason));
                }
                (Asks::Nothing, Kind::Text) => return Ok(&self.buffer[payload]),
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
