//! One connection of the client's, and the one to the server that goes with it.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::heard::{BINARY, Heard, Message, TEXT};

/// What is read at once.
const GULP: usize = 64 << 10;

/// Relays both ways until both have ended.
pub(crate) fn run(mut client: TcpStream, server: &str, token: &str) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let request = head(&mut client)?;
    let (_, headers) = request.split_once("\r\n").ok_or_else(|| wrong("no request"))?;
    write!(server, "GET /ws?token={token} HTTP/1.1\r\n{headers}")?;
    let heard = Arc::new(Mutex::new(Heard::default()));
    let answering = {
        let (server, client, heard) = (server.try_clone()?, client.try_clone()?, Arc::clone(&heard));
        thread::spawn(move || answer(server, client, &heard))
    };
    ask(client, server, &heard);
    answering.join().map_err(|_| wrong("the relay panicked"))?
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(what.to_owned())
}

/// The head of a request or an answer; what comes after it isn't read.
fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    String::from_utf8(head).map_err(|_| wrong("a head that isn't text"))
}

/// Hands on what the client says, piece by piece as it comes. What can't be handed on any more is read all the same: the
/// kernel would otherwise reset the connection, and what the server has said at last be lost.
fn ask(mut client: TcpStream, mut server: TcpStream, heard: &Mutex<Heard>) {
    let mut gulp = vec![0; GULP];
    while let Ok(length @ 1..) = client.read(&mut gulp) {
        heard.lock().unwrap_or_else(PoisonError::into_inner).feed(&gulp[..length]);
        drop(server.write_all(&gulp[..length]));
    }
    drop(server.shutdown(Shutdown::Write));
}

/// Hands on what the server says, with echoes where they belong, and then its end.
fn answer(server: TcpStream, mut client: TcpStream, heard: &Mutex<Heard>) -> io::Result<()> {
    let mut server = BufReader::new(server);
    let response = head(&mut server)?;
    client.write_all(response.as_bytes())?;
    if !response.starts_with("HTTP/1.1 101 ") {
        return Err(wrong(response.lines().next().unwrap_or_default()));
    }
    while let Some(said) = frame(&mut server) {
        let message = said.answers().and_then(|opcode| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.next().filter(|message| message.opcode == opcode)
        });
        let bytes = match message {
            Some(message) => echo(&message),
            None => {
                if !said.is_control() {
                    // The suite doesn't expect it either, and fails the case.
                    eprintln!("adapter: not an answer: {}", String::from_utf8_lossy(&said.payload));
                }
                said.bytes
            }
        };
        client.write_all(&bytes)?;
    }
    client.shutdown(Shutdown::Write)
}

/// A frame of the server's.
struct Said {
    first: u8,
    payload: Vec<u8>,
    /// All of it.
    bytes: Vec<u8>,
}

impl Said {
    fn is_control(&self) -> bool {
        self.first & 0x0f >= 8
    }

    /// The kind of message that this answers, if it is the `error` for one that makes no sense.
    fn answers(&self) -> Option<u8> {
        let said = str::from_utf8(&self.payload).ok()?;
        let is_answer =
            self.first == 0x80 | TEXT && said.starts_with(r#"{"type":"error""#) && said.contains(r#""code":"malformed""#);
        is_answer.then_some(if said.contains("must be text") { BINARY } else { TEXT })
    }
}

/// The next frame, whole; none at the end.
fn frame(server: &mut impl Read) -> Option<Said> {
    let mut bytes = vec![0; 2];
    server.read_exact(&mut bytes).ok()?;
    let more = match bytes[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = [0; 8];
    server.read_exact(&mut length[8 - more..]).ok()?;
    bytes.extend_from_slice(&length[8 - more..]);
    let length = if more == 0 { u64::from(bytes[1]) } else { u64::from_be_bytes(length) };
    let mut payload = vec![0; usize::try_from(length).ok()?];
    server.read_exact(&mut payload).ok()?;
    bytes.extend_from_slice(&payload);
    Some(Said { first: bytes[0], payload, bytes })
}

/// A frame as an echo server would send it.
fn echo(Message { opcode, payload }: &Message) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..126 => frame.push(short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}
