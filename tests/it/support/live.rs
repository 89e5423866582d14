//! v2 clients.

use std::collections::VecDeque;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{person::Person, socket::Socket};

/// How a client asks for v2.
pub const V2: (&str, &str) = ("sec-websocket-protocol", "pneumatic.v2");

pub struct Live {
    pub socket: Socket,
    /// The first frame.
    pub ready: Value,
    kept: VecDeque<Value>,
}

impl Live {
    pub async fn of(person: &Person) -> Self {
        let mut socket = Socket::open_with(person.address, &format!("/ws?token={}", person.access), &[V2]).await.unwrap();
        let ready = socket.next().await;
        assert_eq!((&ready["type"], &ready["user"]["id"]), (&json!("ready"), &json!(person.id)), "{ready}");
        Self { socket, ready, kept: VecDeque::new() }
    }

    pub async fn send(&mut self, frame: Value) {
        self.socket.send(frame).await;
    }

    /// Sends with a `ref` and waits for the answer to it. What came before that is kept.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        let name = json!(Uuid::new_v4());
        frame["ref"] = name.clone();
        self.socket.send(frame).await;
        loop {
            let frame = self.socket.next().await;
            if frame["ref"] == name {
                return frame;
            }
            self.kept.push_back(frame);
        }
    }

    /// The `ack` of a message.
    pub async fn say(&mut self, conversation: &str, content: &str) -> Value {
        let id = Uuid::new_v4();
        let ack =
            self.ask(json!({ "type": "message", "message_id": id, "conversation_id": conversation, "content": content })).await;
        assert_eq!((&ack["type"], &ack["message_id"]), (&json!("ack"), &json!(id)), "{ack}");
        ack
    }

    /// What is asked is refused with this code.
    pub async fn is_refused(&mut self, frame: Value, code: &str) {
        let shown = frame.to_string();
        let answer = self.ask(frame).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{shown}: {answer}");
        assert!(answer["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{shown}: {answer}");
    }

    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        match self.kept.pop_front() {
            Some(frame) => frame,
            None => self.socket.next().await,
        }
    }

    /// The next frame, which must be of this kind. `presence` is skipped unless asked for: people come and go when they will.
    pub async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
            assert_eq!(frame["type"], "presence", "instead of {kind}: {frame}");
        }
    }

    /// The next frame of this kind, whatever comes before it.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
        }
    }

    /// Waits for an answer that only the database can give: until then everything that was under way has come.
    pub async fn settle(&mut self) -> Vec<Value> {
        self.is_refused(json!({ "type": "join", "conversation_id": Uuid::new_v4() }), "unknown_conversation").await;
        self.kept.drain(..).collect()
    }

    /// The same without `presence`.
    pub async fn heard(&mut self) -> Vec<Value> {
        let mut frames = self.settle().await;
        frames.retain(|frame| frame["type"] != "presence");
        frames
    }

    pub async fn close(self) {
        self.socket.close().await;
    }
}
