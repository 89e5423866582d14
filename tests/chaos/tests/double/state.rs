//! What the double stores, and what it does wrong with it.

use std::collections::{BTreeMap, HashMap};

use pneumatic_chaos::history::{Row, Stored};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::planted::Planted;

/// How a post ended.
pub enum Posted {
    New(Row),
    Repeat(Row),
    Refused(u16, &'static str),
    /// Neither an answer nor an end.
    Silence,
}

pub struct Connection {
    pub user: Uuid,
    pub out: mpsc::UnboundedSender<Value>,
}

pub struct Room {
    pub id: Uuid,
    pub title: String,
    /// With how far they have read.
    pub members: BTreeMap<Uuid, i64>,
    pub rows: Vec<Row>,
    pub last_seq: i64,
    pub rev: i64,
    /// The rev at which the members last changed.
    pub meta_rev: i64,
    /// A number that was kept back: `seq` and `rev`.
    spare: Option<(i64, i64)>,
}

pub struct State {
    pub planted: Planted,
    pub epoch: Uuid,
    pub users: Vec<(Uuid, String)>,
    pub rooms: Vec<Room>,
    pub connections: HashMap<u64, Connection>,
    /// Rows that a crash takes, by id.
    volatile: Vec<Uuid>,
    posts: u64,
    ghosts: u64,
}

impl State {
    pub fn new(planted: Planted) -> Self {
        Self {
            planted,
            epoch: Uuid::new_v4(),
            users: Vec::new(),
            rooms: Vec::new(),
            connections: HashMap::new(),
            volatile: Vec::new(),
            posts: 0,
            ghosts: 0,
        }
    }

    pub fn room(&mut self, id: Uuid) -> Option<(usize, &mut Room)> {
        self.rooms.iter_mut().enumerate().find(|(_, room)| room.id == id)
    }

    pub fn is_member(&self, room: usize, user: Uuid) -> bool {
        self.planted == Planted::OpenDoor || self.rooms[room].members.contains_key(&user)
    }

    /// How a conversation looks to somebody.
    pub fn view(&self, room: usize, user: Uuid) -> Value {
        let planted = self.planted;
        let Room { id, title, members, last_seq, rev, .. } = &self.rooms[room];
        let read = members.get(&user).copied().unwrap_or_default();
        let wrong = i64::from(planted == Planted::WrongUnread);
        json!({
            "id": id, "title": title, "members": members.keys().collect::<Vec<_>>(), "last_seq": last_seq, "rev": rev,
            "last_read_seq": read, "unread_count": last_seq - read + wrong,
        })
    }

    pub fn make(&mut self, title: String, members: Vec<Uuid>) -> usize {
        let members = members.into_iter().map(|member| (member, 0)).collect();
        let id = Uuid::new_v4();
        self.rooms.push(Room { id, title, members, rows: Vec::new(), last_seq: 0, rev: 1, meta_rev: 1, spare: None });
        let room = self.rooms.len() - 1;
        self.tell_of_room(room);
        room
    }

    /// Takes somebody in or puts them out; false if there was nothing to do.
    pub fn change(&mut self, room: usize, user: Uuid, is_in: bool) -> bool {
        let last_seq = self.rooms[room].last_seq;
        let members = &mut self.rooms[room].members;
        let changed = if is_in { members.insert(user, last_seq).is_none() } else { members.remove(&user).is_some() };
        if changed {
            self.rooms[room].rev += 1;
            self.rooms[room].meta_rev = self.rooms[room].rev;
            let Room { id, rev, .. } = self.rooms[room];
            if !is_in {
                self.tell(|to| to == user, &json!({ "type": "conversation_removed", "conversation_id": id, "rev": rev }));
            }
            self.tell_of_room(room);
        }
        changed
    }

    fn tell_of_room(&self, room: usize) {
        let Room { id, ref members, rev, .. } = self.rooms[room];
        self.tell(|to| members.contains_key(&to), &json!({ "type": "conversation", "conversation": { "id": id, "rev": rev } }));
    }

    fn tell(&self, to: impl Fn(Uuid) -> bool, frame: &Value) {
        for connection in self.connections.values().filter(|connection| to(connection.user)) {
            // Whoever has gone isn't told.
            drop(connection.out.send(frame.clone()));
        }
    }

    /// Stores a message, unless it is there, and publishes it to all but the sender's own connection.
    pub fn post(&mut self, user: Uuid, body: &Value, origin: Option<u64>) -> Posted {
        let planted = self.planted;
        self.posts += 1;
        let every = |n: u64| self.posts.is_multiple_of(n);
        let (name, conversation) = (text(&body["message_id"]), id(&body["conversation_id"]));
        let stuck = name.ends_with("-2");
        let Some(room) = self.rooms.iter().position(|room| room.id == conversation) else {
            return Posted::Refused(404, "unknown_conversation");
        };
        let is_member = self.is_member(room, user);
        match planted {
            Planted::Internal if every(20) => return Posted::Refused(500, "internal"),
            Planted::NoRetryAfter | Planted::Moody if every(20) => return Posted::Refused(503, "busy"),
            Planted::Stuck if stuck => return Posted::Refused(503, "busy"),
            Planted::Mute if every(20) => return Posted::Silence,
            Planted::Forgetful if every(20) => return Posted::Refused(403, "not_a_member"),
            Planted::RefusesAndStores if !is_member => {}
            _ if !is_member => return Posted::Refused(403, "not_a_member"),
            _ => {}
        }
        let known = self.rooms[room].rows.iter().find(|row| row.sender == user && row.message_id == name).cloned();
        if let Some(row) = known.filter(|_| planted != Planted::DoubledInsert) {
            if planted == Planted::Gap {
                self.rooms[room].last_seq += 1;
            }
            return Posted::Repeat(row);
        }
        let (posts, ghost) = (self.posts, every(50));
        if planted == Planted::Ghost && ghost {
            self.ghosts += 1;
            let name = format!("ghost-{}", self.ghosts);
            self.insert(room, user, name, "boo".into());
        }
        let mut content = text(&body["content"]);
        if planted == Planted::CutText {
            content = content.chars().take(content.chars().count() / 2).collect();
        }
        let row = self.insert(room, user, name, content);
        if let Planted::AckBeforeCommit | Planted::PublishBeforeCommit = planted {
            self.volatile.push(row.id);
        }
        self.publish(room, &row, origin, posts);
        if planted == Planted::RefusesAndStores && !is_member { Posted::Refused(403, "not_a_member") } else { Posted::New(row) }
    }

    fn insert(&mut self, room: usize, sender: Uuid, message_id: String, content: String) -> Row {
        let overtakes = self.planted == Planted::Overtaking && self.posts.is_multiple_of(10);
        let room = &mut self.rooms[room];
        let (seq, rev) = match room.spare.take() {
            Some(spare) => spare,
            None => {
                if overtakes {
                    room.spare = Some((room.last_seq + 1, room.rev + 1));
                    room.last_seq += 1;
                    room.rev += 1;
                }
                room.last_seq += 1;
                room.rev += 1;
                (room.last_seq, room.rev)
            }
        };
        let row = Row { conversation: room.id, sender, id: Uuid::new_v4(), message_id, seq, rev, content };
        room.rows.push(row.clone());
        if let Some(read) = room.members.get_mut(&sender) {
            *read = seq.max(*read);
        }
        row
    }

    fn publish(&self, room: usize, row: &Row, origin: Option<u64>, posts: u64) {
        let planted = self.planted;
        if planted == Planted::LostPublish && posts.is_multiple_of(15) || planted == Planted::SilentRoom && room == 0 {
            return;
        }
        let members = &self.rooms[room].members;
        for (number, connection) in &self.connections {
            if Some(*number) == origin || !(members.contains_key(&connection.user) || planted == Planted::Leak) {
                continue;
            }
            let mut frame = json!({ "type": "message", "message": message(row) });
            if planted == Planted::OtherId && number % 4 == 0 {
                frame["message"]["id"] = json!(Uuid::new_v4());
            }
            drop(connection.out.send(frame));
        }
    }

    /// What a sender is told of their message.
    pub fn as_told(&self, row: &Row) -> Row {
        let wrong = i64::from(self.planted == Planted::WrongAck && row.seq % 10 == 0);
        Row { seq: row.seq + wrong, ..row.clone() }
    }

    /// What was volatile is durable from now on.
    pub fn commit(&mut self, row: Uuid) {
        self.volatile.retain(|id| *id != row);
    }

    /// Everybody is cut off, and what isn't durable is gone.
    pub fn crash(&mut self) {
        self.connections.clear();
        let gone = std::mem::take(&mut self.volatile);
        for room in &mut self.rooms {
            room.rows.retain(|row| !gone.contains(&row.id));
            if !gone.is_empty() {
                room.last_seq = room.rows.iter().map(|row| row.seq).max().unwrap_or_default();
                let last = room.last_seq;
                room.members.values_mut().for_each(|read| *read = last.min(*read));
            }
        }
    }

    pub fn stored(&self) -> Stored {
        let rooms = || self.rooms.iter();
        Stored {
            messages: rooms().flat_map(|room| room.rows.clone()).collect(),
            heads: rooms().map(|room| (room.id, room.last_seq, room.rev)).collect(),
            marks: rooms().flat_map(|room| room.members.iter().map(|(user, read)| (room.id, *user, *read))).collect(),
            flaws: Vec::new(),
        }
    }
}

/// A message as it goes over the wire.
pub fn message(row: &Row) -> Value {
    let Row { conversation, sender, id, message_id, seq, rev, content } = row;
    json!({
        "id": id, "message_id": message_id, "sender_id": sender, "conversation_id": conversation, "content": content,
        "seq": seq, "rev": rev, "created_at": "2026-01-01T00:00:00Z",
    })
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub fn id(value: &Value) -> Uuid {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}
