//! One row: the bytes that a device sends, and all that it must be answered.

use std::{fmt::Display, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

use super::frames::{CLOSE, FIN, PING, PONG, TEXT, frame, next, reason};
use crate::support::PATIENCE;

/// Pieces are sent this long apart, so that the server reads them apart. Nothing depends on whether it does.
const APART: Duration = Duration::from_millis(1);
/// Up to so many bytes a row is also sent byte by byte.
const SHORT: usize = 400;

/// What the server says.
#[derive(Clone, Debug)]
enum Answer {
    Pong(Vec<u8>),
    /// The `error` for a text that [`naming`] made; it has the name in it.
    Named(String),
    /// The `error` for what is no frame of v1's.
    Malformed,
    /// One of these codes, as the last frame; then the connection ends.
    Close(&'static [u16]),
}

#[derive(Clone)]
pub struct Case {
    /// The section of RFC 6455, and what of it.
    name: String,
    sent: Vec<u8>,
    /// Where it is worth cutting, besides where every row is cut.
    cuts: Vec<usize>,
    answers: Vec<Answer>,
}

/// A text of which the answer tells that every byte of it was read right.
pub fn naming(name: &str) -> String {
    json!({ "type": "nothing", "message_id": name }).to_string()
}

impl Case {
    pub fn new(name: impl Display) -> Self {
        Self { name: name.to_string(), sent: Vec::new(), cuts: Vec::new(), answers: Vec::new() }
    }

    pub fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.sent.extend(bytes.as_ref());
        self
    }

    /// Cuts so many bytes before the end of what has been sent up to now.
    pub fn cut_back(mut self, bytes: usize) -> Self {
        self.cuts.push(self.sent.len() - bytes);
        self
    }

    fn answer(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    pub fn pong(self, payload: impl AsRef<[u8]>) -> Self {
        self.answer(Answer::Pong(payload.as_ref().to_vec()))
    }

    pub fn named(self, name: &str) -> Self {
        self.answer(Answer::Named(name.to_owned()))
    }

    pub fn malformed(self) -> Self {
        self.answer(Answer::Malformed)
    }

    /// Sends a whole text, and has it answered.
    pub fn text(self, name: &str) -> Self {
        self.send(frame(TEXT, naming(name))).named(name)
    }

    /// The connection is still good: what comes is answered, and a goodbye with a goodbye.
    pub fn goes_on(self) -> Self {
        self.send(frame(PING, "still here")).pong("still here").send(frame(CLOSE, reason(1000, "done"))).closes(&[1000])
    }

    /// The connection fails with one of these codes, and what comes after isn't answered.
    pub fn closes(self, codes: &'static [u16]) -> Self {
        self.answer(Answer::Close(codes)).send(frame(PING, "too late")).send(frame(TEXT, naming("too late")))
    }

    /// Every way of cutting it: where the pieces end.
    pub fn ways(&self) -> Vec<Vec<usize>> {
        let length = self.sent.len();
        // In the first head, or its key; and anywhere.
        let mut at = vec![3, length / 2];
        at.extend(&self.cuts);
        at.retain(|cut| (1..length).contains(cut));
        at.sort_unstable();
        at.dedup();
        let mut ways: Vec<Vec<usize>> = at.into_iter().map(|cut| vec![cut]).collect();
        ways.push(Vec::new());
        ways.push(if length <= SHORT { (1..length).collect() } else { (1_000..length).step_by(1_000).collect() });
        ways
    }

    /// Sends it on a fresh connection, cut in this way.
    pub async fn judge(&self, mut stream: TcpStream, way: &[usize]) -> Result<(), String> {
        let mut heard = 0;
        let outcome = timeout(PATIENCE, self.run(&mut stream, way, &mut heard)).await;
        let pieces = if way.len() > 1 { format!("{} pieces", way.len() + 1) } else { format!("cut at {way:?}") };
        let outcome = outcome.unwrap_or_else(|_| Err(format!("nothing more comes after {heard} frames")));
        outcome.map_err(|why| format!("{}, {pieces}: {why}", self.name))
    }

    async fn run(&self, stream: &mut TcpStream, way: &[usize], heard: &mut usize) -> Result<(), String> {
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let mut from = 0;
        for to in way.iter().copied().chain([self.sent.len()]) {
            // The server may have closed already; what it said tells why.
            drop(stream.write_all(&self.sent[from..to]).await);
            if to < self.sent.len() {
                tokio::time::sleep(APART).await;
            }
            from = to;
        }
        for answer in &self.answers {
            let said = next(stream).await.map_err(|error| error.to_string())?;
            let (first, payload) = said.ok_or_else(|| format!("the end, and not {answer:?}"))?;
            answer.check(first, &payload)?;
            *heard += 1;
        }
        match next(stream).await {
            Ok(Some((first, payload))) => Err(format!("{first:02x} {} after the close", String::from_utf8_lossy(&payload))),
            // What comes too late makes the kernel reset a connection that has been closed.
            Ok(None) | Err(_) => Ok(()),
        }
    }
}

impl Answer {
    fn check(&self, first: u8, payload: &[u8]) -> Result<(), String> {
        let frame = || serde_json::from_slice::<Value>(payload).unwrap_or_default();
        let is_right = match self {
            Self::Pong(expected) => first == FIN | PONG && payload == expected,
            Self::Named(name) => {
                first == FIN | TEXT && frame()["code"] == "unknown_type" && frame()["message_id"] == name.as_str()
            }
            Self::Malformed => first == FIN | TEXT && frame()["type"] == "error" && frame()["code"] == "malformed",
            Self::Close(codes) => first == FIN | CLOSE && codes.iter().any(|code| payload.starts_with(&code.to_be_bytes())),
        };
        if is_right { Ok(()) } else { Err(format!("{first:02x} {:?}, and not {self:?}", String::from_utf8_lossy(payload))) }
    }
}
