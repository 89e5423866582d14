//! FastChat's clients.

use std::net::SocketAddr;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{socket::Socket, world::World};

/// How a frame looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The fields stand beside `type`: what FastChat's page sends.
    Flat,
    /// The fields are in `data`: what the description of its protocol says.
    Enveloped,
}

impl Shape {
    pub const BOTH: [Self; 2] = [Self::Flat, Self::Enveloped];

    pub fn frame(self, kind: &str, fields: Value) -> Value {
        let mut frame = match self {
            Self::Flat => fields,
            Self::Enveloped => json!({ "data": fields }),
        };
        frame["type"] = json!(kind);
        frame
    }

    /// The fields of a frame that must have this shape, with its `type`.
    fn fields(self, mut frame: Value) -> Value {
        match self {
            Self::Flat => {
                assert!(frame.get("data").is_none(), "a flat client was sent {frame}");
                frame
            }
            Self::Enveloped => {
                assert!(
                    frame["data"].is_object() && frame.as_object().unwrap().len() == 2,
                    "an enveloped client was sent {frame}"
                );
                let mut fields = frame["data"].take();
                fields["type"] = frame["type"].take();
                fields
            }
        }
    }
}

pub struct Guest {
    pub socket: Socket,
    pub shape: Shape,
    pub id: String,
    pub name: String,
}

impl Guest {
    /// Somebody who hasn't said anything yet.
    pub async fn connect(address: SocketAddr, shape: Shape) -> Self {
        Self::through(Socket::open_with(address, "/ws", &[]).await.unwrap(), shape)
    }

    /// The same over a socket that is open.
    pub fn through(socket: Socket, shape: Shape) -> Self {
        Self { socket, shape, id: String::new(), name: String::new() }
    }

    /// Somebody new.
    pub async fn arrive(world: &World, shape: Shape, name: &str) -> Self {
        Self::arrive_as(world, shape, json!({ "display_name": name })).await
    }

    /// Somebody who says this of themselves.
    pub async fn arrive_as(world: &World, shape: Shape, hello: Value) -> Self {
        let mut guest = Self::connect(world.address, shape).await;
        guest.greet(hello).await;
        guest
    }

    /// Says HELLO and is welcomed; the others who are there.
    pub async fn greet(&mut self, hello: Value) -> Vec<Value> {
        self.name = hello["display_name"].as_str().unwrap().to_owned();
        self.send("HELLO", hello).await;
        let welcome = self.next().await;
        assert_eq!((&welcome["type"], &welcome["status"]), (&json!("HELLO_ACK"), &json!("connected")), "{welcome}");
        assert!(welcome["message"].is_string(), "{welcome}");
        self.id = welcome["user_id"].as_str().unwrap().to_owned();
        assert!(self.id.parse::<Uuid>().is_ok(), "{welcome}");
        let mut presence = self.presence("connect").await;
        serde_json::from_value(presence["users"].take()).unwrap()
    }

    pub async fn send(&mut self, kind: &str, fields: Value) {
        self.socket.send(self.shape.frame(kind, fields)).await;
    }

    /// The fields of the next frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        let frame = self.socket.next().await;
        self.shape.fields(frame)
    }

    /// The next frame, which must be of this type. PRESENCE is skipped: people come and go when they will.
    pub async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["type"] == kind {
                return frame;
            }
            assert_eq!(frame["type"], "PRESENCE", "{} heard this instead of {kind}: {frame}", self.name);
        }
    }

    /// The next PRESENCE with this action, before anything but PRESENCE.
    pub async fn presence(&mut self, action: &str) -> Value {
        loop {
            let frame = self.hear("PRESENCE").await;
            if frame["action"] == action {
                return frame;
            }
        }
    }

    /// The ERROR that answers what was sent, which must have this code.
    pub async fn refused(&mut self, code: &str) -> Value {
        let error = self.hear("ERROR").await;
        assert_eq!((&error["error_code"], &error["code"]), (&json!(code), &json!(code)), "{error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
        assert!(error.get("details").is_some_and(|details| details.is_object() || details.is_null()), "{error}");
        error
    }

    /// The same for a field that breaks its rules.
    pub async fn refused_for(&mut self, field: &str) {
        let error = self.refused("VALIDATION").await;
        assert!(error["details"].to_string().contains(&format!("\"{field}\"")), "{field}: {error}");
    }

    /// Opens a chat, and reads how both are told of it; its id.
    pub async fn open_chat(&mut self, other: &mut Self) -> String {
        self.send("OPEN_CHAT", json!({ "target_user_id": other.id, "target_display_name": other.name })).await;
        let mut opened = self.hear("CHAT_OPENED").await;
        assert_eq!((&opened["target_user_id"], &opened["target_display_name"]), (&json!(other.id), &json!(other.name)));
        let told = other.hear("CHAT_OPENED").await;
        assert_eq!(
            (&told["target_user_id"], &told["target_display_name"]),
            (&json!(self.id), &json!(self.name)),
            "the other one"
        );
        assert_eq!(told["chat_id"], opened["chat_id"]);
        for frame in [&opened, &told] {
            let participants = frame["participants"].as_array().unwrap();
            assert!(
                participants.len() == 2 && [&self.id, &other.id].iter().all(|id| participants.contains(&json!(id))),
                "{frame}"
            );
        }
        serde_json::from_value(opened["chat_id"].take()).unwrap()
    }

    /// Sends a MSG with these fields; its MSG_ACK.
    pub async fn say(&mut self, fields: Value) -> Value {
        self.send("MSG", fields).await;
        let ack = self.hear("MSG_ACK").await;
        assert!(ack["message_id"].is_string() && ack["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{ack}");
        ack
    }

    /// Waits for an answer that only the database can give: until then everything that was under way has come.
    pub async fn settle(&mut self) -> Vec<Value> {
        self.send("OPEN_CHAT", json!({ "target_user_id": Uuid::new_v4(), "target_display_name": "nobody" })).await;
        let mut before = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["code"] == "USER_NOT_FOUND" {
                return before;
            }
            before.push(frame);
        }
    }

    /// The same without PRESENCE.
    pub async fn heard(&mut self) -> Vec<Value> {
        let mut frames = self.settle().await;
        frames.retain(|frame| frame["type"] != "PRESENCE");
        frames
    }

    pub async fn close(self) {
        self.socket.close().await;
    }
}
