//! What a device that speaks v2 knows, and what the next frame does to it, as docs/API.md has it: no socket, no clock.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::take,
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Names;
use crate::{
    history::Row,
    journal::{
        entry::How,
        numbers::{PersonNo, RoomNo},
    },
    words,
};

/// What a post is called in its `ref`, before its name.
pub(super) const POST: &str = "post ";

/// Outlives the device's connections.
#[derive(Debug)]
pub(super) struct Knowledge {
    names: Arc<Names>,
    person: PersonNo,
    epoch: Option<Uuid>,
    /// Up to which `rev` everything of a room is known.
    cursors: BTreeMap<RoomNo, i64>,
    /// Rooms without a cursor of which the answer that is under way has told.
    opened: BTreeSet<RoomNo>,
    resumes: u64,
    /// The resume that isn't answered to its end.
    asked: Option<Asked>,
    /// Live frames that wait for that end.
    kept: Vec<Live>,
}

#[derive(Debug)]
struct Asked {
    name: String,
    /// So many of the kept frames came before it.
    early: usize,
}

/// What a frame tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum News {
    /// Of a message, in the room's order.
    Heard(RoomNo, Heard),
    /// Of a message of a room of which nothing is known.
    Overheard(RoomNo, String),
    /// All about a room is forgotten.
    Forgot(RoomNo),
    /// Live frames skipped a `rev`.
    Hole { room: RoomNo, cursor: i64, rev: i64 },
    /// A room is the user's: as an answer to a question, or unasked.
    Shown { room: RoomNo, asked: bool },
    /// A message of the device's own is stored.
    Acked { name: String, room: RoomNo, id: Uuid, seq: i64, rev: i64, duplicate: bool },
    /// A message of the device's own was refused.
    Refused { name: String, code: String },
    /// A question was put off.
    PutOff { code: String },
    /// This question is to be sent.
    Ask(Value),
    /// Everything is known.
    CaughtUp,
}

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) seq: i64,
    pub(super) rev: i64,
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) by: Option<PersonNo>,
    pub(super) attempt: Option<u32>,
    pub(super) how: How,
}

#[derive(Clone, Debug)]
struct Live {
    room: RoomNo,
    rev: i64,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    Message(Heard),
    Conversation,
    Removed,
}

#[derive(Deserialize)]
struct Ack {
    id: Uuid,
    message_id: String,
    conversation_id: Uuid,
    seq: i64,
    rev: i64,
    duplicate: bool,
}

/// Reads a part of a frame.
fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

impl Knowledge {
    pub(super) fn new(names: Arc<Names>, person: PersonNo) -> Self {
        Self {
            names,
            person,
            epoch: None,
            cursors: BTreeMap::new(),
            opened: BTreeSet::new(),
            resumes: 0,
            asked: None,
            kept: Vec::new(),
        }
    }

    /// The connection has ended.
    pub(super) fn cut(&mut self) -> Vec<News> {
        self.asked = None;
        self.kept.clear();
        self.forget_opened()
    }

    /// Asks what was missed, unless that is being answered.
    pub(super) fn resume(&mut self) -> Vec<News> {
        if self.asked.is_some() {
            return Vec::new();
        }
        let mut news = self.forget_opened();
        self.resumes += 1;
        let name = format!("resume {}", self.resumes);
        let id_of = |room: RoomNo| self.names.rooms.iter().find(|(_, number)| **number == room).map(|(id, _)| id);
        let cursors: BTreeMap<_, _> = self.cursors.iter().filter_map(|(room, rev)| Some((id_of(*room)?, rev))).collect();
        let mut frame = json!({ "type": "resume", "ref": name, "cursors": cursors });
        if let Some(epoch) = self.epoch {
            frame["epoch"] = json!(epoch);
        }
        self.asked = Some(Asked { name, early: self.kept.len() });
        news.push(News::Ask(frame));
        news
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// How it breaks the contract.
    pub(super) fn take(&mut self, frame: &Value) -> Result<Vec<News>, String> {
        let kind = frame["type"].as_str().ok_or("a frame without a type")?;
        let resumed = frame["resumed"] == true;
        match kind {
            "ready" => {
                let epoch = read(&frame["epoch"])?;
                if self.epoch.replace(epoch).is_some_and(|known| known != epoch) {
                    return Err("another epoch, although nothing was restored".into());
                }
                Ok(self.resume())
            }
            "message" => {
                let (room, heard) = self.message(&frame["message"], if resumed { How::Resumed } else { How::Live })?;
                if resumed { self.resumed_message(room, heard) } else { self.live(room, heard.rev, Change::Message(heard)) }
            }
            "ack" => self.ack(frame),
            "conversation" => {
                let told = &frame["conversation"];
                let (room, rev) = (self.room(read(&told["id"])?)?, read(&told["rev"])?);
                if !resumed {
                    return self.live(room, rev, Change::Conversation);
                }
                if !self.cursors.contains_key(&room) {
                    self.opened.insert(room);
                }
                Ok(vec![News::Shown { room, asked: true }])
            }
            "conversation_removed" => {
                let room = self.room(read(&frame["conversation_id"])?)?;
                if resumed { Ok(self.forget(room)) } else { self.live(room, read(&frame["rev"])?, Change::Removed) }
            }
            "resumed" => self.resumed(frame),
            "reset" => Err("a reset, although nothing was restored".into()),
            "error" => self.refused(frame),
            "read" | "typing" | "presence" | "joined" | "pong" => Ok(Vec::new()),
            _ => Err("not a frame that the contract knows".into()),
        }
    }

    fn room(&self, id: Uuid) -> Result<RoomNo, String> {
        self.names.rooms.get(&id).copied().ok_or_else(|| format!("there is no conversation {id}"))
    }

    fn message(&self, message: &Value, how: How) -> Result<(RoomNo, Heard), String> {
        let Row { id, message_id: name, sender, conversation, content, seq, rev } = read(message)?;
        let attempt = words::attempt(&name, &content);
        let by = self.names.people.get(&sender).copied();
        Ok((self.room(conversation)?, Heard { seq, rev, id, name, by, attempt, how }))
    }

    fn ack(&mut self, frame: &Value) -> Result<Vec<News>, String> {
        let Ack { id, message_id: name, conversation_id, seq, rev, duplicate } = read(frame)?;
        if frame["ref"].as_str().and_then(|post| post.strip_prefix(POST)) != Some(&name) {
            return Err("an acknowledgement of another post".into());
        }
        let room = self.room(conversation_id)?;
        let mut news = vec![News::Acked { name: name.clone(), room, id, seq, rev, duplicate }];
        // Of a repeat the acknowledgement comes out of order.
        if !duplicate {
            let heard = Heard { seq, rev, id, name, by: Some(self.person), attempt: None, how: How::Ack };
            news.extend(self.live(room, rev, Change::Message(heard))?);
        }
        Ok(news)
    }

    fn resumed_message(&mut self, room: RoomNo, heard: Heard) -> Result<Vec<News>, String> {
        if self.asked.is_none() {
            return Err("no resume was asked for".into());
        }
        if let Some(cursor) = self.cursors.get_mut(&room) {
            if heard.rev <= *cursor {
                return Err(format!("its cursor stands at {cursor}"));
            }
            *cursor = heard.rev;
        } else if !self.opened.contains(&room) {
            return Err("its conversation was never told".into());
        }
        Ok(vec![News::Heard(room, heard)])
    }

    /// The end of an answer: sets the cursors, then applies what was kept meanwhile.
    fn resumed(&mut self, frame: &Value) -> Result<Vec<News>, String> {
        let asked = self.asked.take().filter(|asked| frame["ref"] == asked.name.as_str());
        let asked = asked.ok_or("no such resume was asked for")?;
        let mut heads = BTreeMap::new();
        for (id, head) in read::<BTreeMap<Uuid, i64>>(&frame["heads"])? {
            heads.insert(self.room(id)?, head);
        }
        let mut news: Vec<News> = heads.keys().map(|room| News::Shown { room: *room, asked: true }).collect();
        let gone: Vec<RoomNo> = self.cursors.keys().filter(|room| !heads.contains_key(room)).copied().collect();
        for room in gone {
            news.extend(self.forget(room));
        }
        for (room, head) in &heads {
            if self.cursors.get(room).is_some_and(|cursor| cursor > head) {
                return Err(format!("the head of {room} is below its cursor"));
            }
            self.cursors.insert(*room, *head);
        }
        self.opened.clear();
        let mut early = take(&mut self.kept);
        let late = early.split_off(asked.early);
        for live in early.into_iter().filter(|live| heads.contains_key(&live.room)).chain(late) {
            news.extend(self.step(live));
        }
        if self.kept.is_empty() {
            news.push(News::CaughtUp);
        } else {
            news.extend(self.resume());
        }
        Ok(news)
    }

    fn live(&mut self, room: RoomNo, rev: i64, change: Change) -> Result<Vec<News>, String> {
        let live = Live { room, rev, change };
        let mut news = Vec::new();
        if let (Change::Message(heard), false) = (&live.change, self.cursors.contains_key(&room)) {
            news.push(News::Overheard(room, heard.name.clone()));
        }
        if self.asked.is_some() {
            self.kept.push(live);
            return Ok(news);
        }
        news.extend(self.step(live));
        if !self.kept.is_empty() {
            news.extend(self.resume());
        }
        Ok(news)
    }

    /// Applies the next change, passes over a known one, keeps one for which something must be asked first.
    fn step(&mut self, live: Live) -> Vec<News> {
        let Live { room, rev, ref change } = live;
        let cursor = self.cursors.get(&room).copied();
        match (cursor, change) {
            (Some(cursor), _) if rev <= cursor => Vec::new(),
            // Whatever came before it doesn't matter any more.
            (_, Change::Removed) => self.forget(room),
            (Some(cursor), change) if rev == cursor + 1 => {
                let news = match change {
                    Change::Message(heard) => News::Heard(room, heard.clone()),
                    Change::Conversation | Change::Removed => News::Shown { room, asked: false },
                };
                self.cursors.insert(room, rev);
                vec![news]
            }
            // A conversation of rev 1 needs no cursor.
            (None, Change::Conversation) if rev == 1 => {
                self.cursors.insert(room, rev);
                vec![News::Shown { room, asked: false }]
            }
            (cursor, _) => {
                // One hole is told once, however much comes behind it.
                let is_first = !self.kept.iter().any(|kept| kept.room == room);
                self.kept.push(live);
                cursor.filter(|_| is_first).map(|cursor| News::Hole { room, cursor, rev }).into_iter().collect()
            }
        }
    }

    fn forget(&mut self, room: RoomNo) -> Vec<News> {
        self.kept.retain(|kept| kept.room != room);
        let (known, opened) = (self.cursors.remove(&room).is_some(), self.opened.remove(&room));
        if known || opened { vec![News::Forgot(room)] } else { Vec::new() }
    }

    /// Forgets what an answer without an end has brought of rooms without a cursor: to what the next one brings there may be a hole.
    fn forget_opened(&mut self) -> Vec<News> {
        take(&mut self.opened).into_iter().map(News::Forgot).collect()
    }

    fn refused(&mut self, frame: &Value) -> Result<Vec<News>, String> {
        let code = frame["code"].as_str().ok_or("a refusal without a code")?.to_owned();
        let name = frame["ref"].as_str().ok_or("a refusal of nothing that was asked")?;
        if self.asked.as_ref().is_some_and(|asked| asked.name == name) {
            self.asked = None;
            return Ok(vec![News::PutOff { code }]);
        }
        let message = name.strip_prefix(POST).ok_or("a refusal of nothing that was asked")?;
        Ok(vec![News::Refused { name: message.to_owned(), code }])
    }

    /// Whether a resume is being answered.
    pub(super) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }
}
