//! Every way in, behind one face: how somebody sends by it, what they are answered, and what they hear.

use std::collections::VecDeque;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{
    guest::{Guest, Shape},
    live::Live,
    person::Person,
    socket::Socket,
    world::World,
};

#[derive(Clone, Copy, Debug)]
pub enum Dialect {
    Rest,
    V1,
    V2,
    FastChat(Shape),
}

/// What a door has of its own; all else is the same at each.
#[derive(Debug)]
pub struct Door {
    pub name: &'static str,
    pub dialect: Dialect,
    /// Whether one hears by it: REST has no device that could.
    pub hears: bool,
    /// The longest content, in characters.
    pub longest: usize,
    pub invalid: &'static str,
    pub not_a_member: &'static str,
    pub unknown_conversation: &'static str,
}

const fn pneumatic(name: &'static str, dialect: Dialect, hears: bool) -> Door {
    let (not_a_member, unknown_conversation) = ("not_a_member", "unknown_conversation");
    Door { name, dialect, hears, longest: 10_000, invalid: "invalid", not_a_member, unknown_conversation }
}

const fn fastchat(name: &'static str, shape: Shape) -> Door {
    let (not_a_member, unknown_conversation) = ("NOT_IN_CHAT", "CHAT_NOT_OPENED");
    let dialect = Dialect::FastChat(shape);
    Door { name, dialect, hears: true, longest: 1_000, invalid: "VALIDATION", not_a_member, unknown_conversation }
}

pub static DOORS: [Door; 5] = [
    pneumatic("rest", Dialect::Rest, false),
    pneumatic("v1", Dialect::V1, true),
    pneumatic("v2", Dialect::V2, true),
    fastchat("flat", Shape::Flat),
    fastchat("enveloped", Shape::Enveloped),
];

/// What somebody is told of what they sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored under this name; whether it was before, where the door tells.
    Stored { name: String, again: Option<bool> },
    /// Why not.
    Refused(String),
}

/// What somebody else said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub sender: String,
    pub name: String,
    pub content: String,
}

enum Event {
    Answered(Outcome),
    Heard(Said),
}

enum Way {
    Rest(Person, VecDeque<JoinHandle<Outcome>>),
    V1(Socket),
    V2(Live),
    FastChat(Guest),
}

/// Somebody with one device, at one door.
pub struct Someone {
    pub door: &'static Door,
    pub id: String,
    way: Way,
    heard: VecDeque<Said>,
}

impl Someone {
    pub async fn at(world: &World, door: &'static Door, name: &str) -> Self {
        let (id, way) = match door.dialect {
            Dialect::FastChat(shape) => {
                let guest = Guest::arrive(world, shape, name).await;
                (guest.id.clone(), Way::FastChat(guest))
            }
            dialect => {
                let person = world.person(name).await;
                let way = match dialect {
                    Dialect::V1 => Way::V1(person.socket().await),
                    Dialect::V2 => Way::V2(Live::of(&person).await),
                    _ => Way::Rest(person.clone(), VecDeque::new()),
                };
                (person.id, way)
            }
        };
        Self { door, id, way, heard: VecDeque::new() }
    }

    /// Sends, and doesn't wait for the answer.
    pub async fn post(&mut self, conversation: &str, name: &str, content: &str) {
        let fields = json!({ "message_id": name, "conversation_id": conversation, "content": content });
        match &mut self.way {
            Way::Rest(person, asked) => {
                let person = person.clone();
                asked.push_back(tokio::spawn(async move { of_rest(person.post("/messages", fields).await) }));
            }
            Way::V1(socket) | Way::V2(Live { socket, .. }) => socket.send(Shape::Flat.frame("message", fields)).await,
            Way::FastChat(guest) => {
                guest.send("MSG", json!({ "message_id": name, "chat_id": conversation, "content": content })).await;
            }
        }
    }

    /// What the first post that hasn't been answered came to.
    pub async fn answer(&mut self) -> Outcome {
        loop {
            match self.event().await {
                Event::Answered(outcome) => return outcome,
                Event::Heard(said) => self.heard.push_back(said),
            }
        }
    }

    pub async fn send(&mut self, conversation: &str, name: &str, content: &str) -> Outcome {
        self.post(conversation, name, content).await;
        self.answer().await
    }

    /// What is said next.
    pub async fn hear(&mut self) -> Said {
        if let Some(said) = self.heard.pop_front() {
            return said;
        }
        match self.event().await {
            Event::Heard(said) => said,
            Event::Answered(outcome) => panic!("{}: nothing was asked: {outcome:?}", self.door.name),
        }
    }

    /// Everything that was under way.
    pub async fn settle(&mut self) -> Vec<Said> {
        let nowhere = Uuid::new_v4();
        match &mut self.way {
            Way::Rest(..) => return Vec::new(),
            Way::V1(socket) | Way::V2(Live { socket, .. }) => {
                socket.send(json!({ "type": "join", "conversation_id": nowhere })).await;
            }
            Way::FastChat(guest) => {
                guest.send("OPEN_CHAT", json!({ "target_user_id": nowhere, "target_display_name": "nobody" })).await;
            }
        }
        let refused = self.answer().await;
        assert!(matches!(refused, Outcome::Refused(_)), "{}: {refused:?}", self.door.name);
        self.heard.drain(..).collect()
    }

    /// The next thing that matters here.
    async fn event(&mut self) -> Event {
        loop {
            let event = match &mut self.way {
                Way::Rest(_, asked) => Some(Event::Answered(asked.pop_front().expect("a request").await.unwrap())),
                Way::V1(socket) => Some(of_v1(&socket.next().await, &self.id)),
                Way::V2(live) => of_v2(&live.next().await, &self.id),
                Way::FastChat(guest) => of_fastchat(&guest.next().await, &self.id),
            };
            if let Some(event) = event {
                return event;
            }
        }
    }

    pub async fn close(self) {
        match self.way {
            Way::Rest(..) => {}
            Way::V1(socket) => socket.close().await,
            Way::V2(live) => live.close().await,
            Way::FastChat(guest) => guest.close().await,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn said(message: &Value) -> Said {
    Said { sender: text(&message["sender_id"]), name: text(&message["message_id"]), content: text(&message["content"]) }
}

fn refused(answer: &Value) -> Outcome {
    Outcome::Refused(text(&answer["code"]))
}

fn of_rest((status, answer): (StatusCode, Value)) -> Outcome {
    match status {
        StatusCode::CREATED | StatusCode::OK => {
            Outcome::Stored { name: text(&answer["message_id"]), again: Some(status == StatusCode::OK) }
        }
        _ => refused(&answer),
    }
}

/// One's own message is the answer.
fn of_v1(frame: &Value, own: &str) -> Event {
    match text(&frame["type"]).as_str() {
        "message" if frame["message"]["sender_id"] == own => {
            Event::Answered(Outcome::Stored { name: text(&frame["message"]["message_id"]), again: None })
        }
        "message" => Event::Heard(said(&frame["message"])),
        "error" => Event::Answered(refused(frame)),
        _ => panic!("v1 isn't prepared for {frame}"),
    }
}

fn of_v2(frame: &Value, own: &str) -> Option<Event> {
    match text(&frame["type"]).as_str() {
        "ack" => {
            Some(Event::Answered(Outcome::Stored { name: text(&frame["message_id"]), again: Some(frame["duplicate"] == true) }))
        }
        "message" => {
            assert_ne!(frame["message"]["sender_id"], own, "its only device is told by the ack: {frame}");
            Some(Event::Heard(said(&frame["message"])))
        }
        "error" => Some(Event::Answered(refused(frame))),
        _ => None,
    }
}

fn of_fastchat(frame: &Value, own: &str) -> Option<Event> {
    match text(&frame["type"]).as_str() {
        "MSG_ACK" => Some(Event::Answered(Outcome::Stored { name: text(&frame["message_id"]), again: None })),
        "MSG" => {
            assert_ne!(frame["sender_id"], own, "one isn't told what one said: {frame}");
            Some(Event::Heard(said(frame)))
        }
        "ERROR" => Some(Event::Answered(refused(frame))),
        _ => None,
    }
}
