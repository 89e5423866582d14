//! A device: what it knows, and the connection that it has at times.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::State;
use crate::support::{
    PATIENCE,
    person::Person,
    socket::{Socket, masked},
};

/// Too slow, or silent for too long: while the histories of a long storm are read nobody listens. Or the node stops.
const SENT_AWAY: [u16; 3] = [4503, 4408, 1012];

pub struct Device {
    pub name: String,
    pub person: Person,
    pub state: State,
    /// Where it connects to, the next each time.
    pub sites: Vec<SocketAddr>,
    visits: usize,
    socket: Option<Socket>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// With a close frame, and the answer to it.
    Bye,
    /// By the end of the stream.
    End,
    /// By a reset: what is under way either way is lost.
    Reset,
    /// In the middle of a frame.
    MidFrame,
}

impl Device {
    /// One that knows nothing and has no connection.
    pub fn new(name: impl Into<String>, person: Person) -> Self {
        let (state, sites) = (State::new(&person.id), vec![person.address]);
        Self { name: name.into(), person, state, sites, visits: 0, socket: None }
    }

    pub async fn connect(&mut self) -> Result<(), String> {
        let bearer = format!("Bearer {}", self.person.access);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "pneumatic.v2")];
        let mut refusal = String::new();
        for _ in 0..self.sites.len() {
            let site = self.sites[self.visits % self.sites.len()];
            self.visits += 1;
            let opening = timeout(PATIENCE, Socket::open_with(site, "/ws", &headers));
            match opening.await.map_err(|_| self.says("no handshake in time"))? {
                Ok(socket) => {
                    self.socket = Some(socket);
                    return Ok(());
                }
                // A node that stops; the next may not.
                Err(error) => refusal = error.to_string(),
            }
        }
        Err(self.says(&refusal))
    }

    /// Sends what is due and takes what comes, for this long. A device that is sent away comes back.
    pub async fn listen(&mut self, time: Duration) -> Result<(), String> {
        let end = Instant::now() + time;
        self.state.insist();
        loop {
            let frames = self.state.frames();
            let Some(socket) = &mut self.socket else {
                sleep_until(end).await;
                return Ok(());
            };
            for frame in frames {
                // What fails is told by the next read.
                let sending = timeout(PATIENCE, socket.0.send(Message::text(frame.to_string())));
                drop(sending.await.map_err(|_| format!("{}: the server doesn't read", self.name))?);
            }
            match timeout_at(end, socket.0.next()).await {
                Err(_) => return Ok(()),
                Ok(Some(Ok(Message::Text(text)))) => {
                    let frame = serde_json::from_str(&text).map_err(|error| self.says(&error.to_string()))?;
                    self.state.apply(&frame).map_err(|broken| self.says(&broken))?;
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
                Ok(Some(Ok(Message::Close(Some(CloseFrame { code, .. }))))) if SENT_AWAY.contains(&u16::from(code)) => {
                    self.come_back().await?;
                }
                // A close frame is lost with a connection on which nobody has read for long.
                Ok(None | Some(Err(_))) => self.come_back().await?,
                Ok(other) => return Err(self.says(&format!("unexpectedly {other:?}"))),
            }
        }
    }

    async fn come_back(&mut self) -> Result<(), String> {
        self.forget_connection();
        self.connect().await
    }

    /// Ends the connection, if there is one.
    pub async fn hang_up(&mut self, how: Cut) -> Result<(), String> {
        let due = self.state.frames().pop().unwrap_or_else(|| json!({ "type": "ping" }));
        if let Some(mut socket) = self.socket.take() {
            match how {
                Cut::Bye => {
                    drop(socket.0.close(None).await);
                    let answer = async { while matches!(socket.0.next().await, Some(Ok(frame)) if !frame.is_close()) {} };
                    timeout(PATIENCE, answer).await.map_err(|_| self.says("no answer to the goodbye"))?;
                }
                Cut::End => {}
                Cut::Reset => socket.0.get_mut().set_zero_linger().unwrap(),
                Cut::MidFrame => {
                    let frame = masked(0x81, due.to_string().as_bytes());
                    // Whether it gets there doesn't matter.
                    drop(socket.0.get_mut().write_all(&frame[..frame.len() / 2]).await);
                }
            }
        }
        self.forget_connection();
        Ok(())
    }

    /// This, said of this device.
    pub fn says(&self, what: &str) -> String {
        format!("{}: {what}", self.name)
    }

    fn forget_connection(&mut self) {
        self.socket = None;
        self.state.closed();
    }
}
