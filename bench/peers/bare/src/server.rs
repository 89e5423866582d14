//! Who is here, in which rooms, and what is due for whom.

use std::{collections::HashMap, io, rc::Rc};

use mio::{Interest, Registry, Token, net::TcpListener};
use slab::Slab;

use crate::{
    connection::{Connection, Input},
    http,
    message::{Message, Post},
    websocket,
};

/// All connections and rooms.
#[derive(Debug, Default)]
pub(crate) struct Server {
    connections: Slab<Connection>,
    rooms: HashMap<String, Room>,
    /// Connections that have something to write in this turn.
    due: Vec<usize>,
}

/// It stays when all have left it, for the sake of its count.
#[derive(Debug, Default)]
struct Room {
    connections: Vec<usize>,
    /// Messages so far.
    seq: u64,
}

impl Server {
    /// Takes whoever waits.
    pub(crate) fn accept(&mut self, listener: &TcpListener, registry: &Registry) -> io::Result<()> {
        loop {
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            registry.register(&mut stream, Token(entry.key()), Interest::READABLE | Interest::WRITABLE)?;
            entry.insert(Connection::new(stream));
        }
    }

    /// Reads what has come, and does what it asks.
    pub(crate) fn read(&mut self, id: usize) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let mut open = connection.read();
        // Taken out, so that a connection can hear itself.
        let mut input = std::mem::take(&mut connection.input);
        while open {
            open = match self.connections[id].next(&mut input) {
                Ok(Some(request)) => self.answer(id, &request),
                Ok(None) => break,
                Err(_) => false,
            };
        }
        if open {
            self.connections[id].input = input;
        } else {
            self.forget(id);
        }
    }

    /// Whether the connection stays open.
    fn answer(&mut self, id: usize, input: &Input) -> bool {
        match input {
            Input::Text(text) => {
                let Ok(post) = serde_json::from_slice::<Post<'_>>(text) else { return false };
                let sender = Rc::clone(&self.connections[id].user);
                self.publish(&sender, &post);
            }
            Input::Ping(payload) => self.send(id, &websocket::frame(websocket::PONG, payload)),
            Input::Health => self.send(id, &http::answer("200 OK", br#"{"status":"healthy"}"#)),
            Input::Unknown => self.send(id, &http::answer("404 Not Found", br#"{"detail":"Not found"}"#)),
            Input::Posted(body) => match serde_json::from_slice::<Post<'_>>(body) {
                Ok(post) => {
                    let message = self.publish(post.sender_id.as_deref().unwrap_or_default(), &post);
                    self.send(id, &http::answer("201 Created", &message));
                }
                Err(_) => self.send(id, &http::answer("422 Unprocessable Content", br#"{"detail":"Not a message"}"#)),
            },
            Input::Upgrade { user, rooms, accept } => {
                self.connections[id].upgrade(user, rooms);
                for name in rooms {
                    self.rooms.entry(name.clone()).or_default().connections.push(id);
                }
                self.send(id, &http::switch(accept));
            }
        }
        true
    }

    /// Sends it to the room; the message as JSON.
    fn publish(&mut self, sender: &str, post: &Post<'_>) -> Vec<u8> {
        let room = self.rooms.entry(post.conversation_id.as_ref().to_owned()).or_default();
        room.seq += 1;
        let message = Message::new(sender, post, room.seq).encode();
        let frame = websocket::frame(websocket::TEXT, &[br#"{"type":"message","message":"#, &message[..], b"}"].concat());
        for &id in &room.connections {
            if self.connections[id].push(&frame) {
                self.due.push(id);
            }
        }
        message
    }

    fn send(&mut self, id: usize, bytes: &Rc<[u8]>) {
        if self.connections[id].push(bytes) {
            self.due.push(id);
        }
    }

    /// Has a connection write again that could not take everything.
    pub(crate) fn due(&mut self, id: usize) {
        if self.connections.get_mut(id).is_some_and(Connection::is_due_again) {
            self.due.push(id);
        }
    }

    /// Writes what this turn has brought.
    pub(crate) fn write(&mut self) {
        for id in std::mem::take(&mut self.due) {
            if self.connections.get_mut(id).is_some_and(|connection| !connection.write()) {
                self.forget(id);
            }
        }
    }

    fn forget(&mut self, id: usize) {
        for name in self.connections.remove(id).rooms {
            if let Some(room) = self.rooms.get_mut(&name) {
                room.connections.retain(|&other| other != id);
            }
        }
    }
}
