//! All that is known of a run: what its clients did and were told (from the journal), and what is there in the end.

use std::collections::BTreeMap;

use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Outcome,
    journal::{
        entry::{Ack, Cut, Entry, Fault, Heard, Page, Refused, Stage, Trouble, Unanswered},
        numbers::{ClientNo, Moment, PersonNo, RoomNo},
    },
};

/// A run, from its first line to what the database holds.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Replays the plan.
    pub seed: u64,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// Whether anything struck at the clock.
    pub clock_jumps: bool,
    /// What the recovery targets are multiplied by.
    pub lenience: f64,
    /// The people.
    pub people: Vec<Person>,
    /// The rooms.
    pub rooms: Vec<Room>,
    /// The clients.
    pub clients: Vec<Client>,
    /// Every message that somebody meant to send, by its client's name for it, which no other has.
    pub messages: BTreeMap<String, Sending>,
    /// What each device was told, in order.
    pub told: BTreeMap<ClientNo, Vec<Told>>,
    /// Acknowledgements of what nobody sent.
    pub stray_acks: Vec<Ack>,
    /// Live frames that skipped a `rev`.
    pub holes: Vec<Hole>,
    /// Messages of rooms of which devices knew nothing.
    pub overheard: Vec<Overheard>,
    /// Rooms of which devices were told that they are their users'.
    pub shown: Vec<Shown>,
    /// Parts of histories that were read meanwhile.
    pub pages: Vec<Page>,
    /// Read marks that were acknowledged.
    pub marks: Vec<Mark>,
    /// Who was put out and taken in, in order.
    pub members: Vec<Change>,
    /// Answers that put off or are wrong.
    pub troubles: Vec<Trouble>,
    /// The faults.
    pub faults: Vec<Fault>,
    /// When one began that the run didn't outlive.
    pub open_fault: Option<Moment>,
    /// Connections that ended.
    pub cuts: Vec<Cut>,
    /// The last server process.
    pub pid: Option<u32>,
    /// None where the run was broken off.
    pub calm: Option<Calm>,
    /// What is there in the end.
    pub truth: Truth,
}

/// Somebody.
#[derive(Clone, Debug)]
pub struct Person {
    /// The server's id.
    pub id: Uuid,
    /// What they log in with.
    pub name: String,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Room {
    /// The server's id.
    pub id: Uuid,
    /// With whom it was made.
    pub members: Vec<PersonNo>,
    /// A member who is put out and taken in again.
    pub revolving: Option<PersonNo>,
}

/// A client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Whose.
    pub person: PersonNo,
    /// What it does.
    pub kind: String,
    /// Whether it has to be told of everything.
    pub listens: bool,
    /// Whether it sends again what got no answer.
    pub insists: bool,
}

/// A message that somebody meant to send.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Who.
    pub client: ClientNo,
    /// Where to.
    pub room: RoomNo,
    /// When each attempt went out; the first is number 1.
    pub attempts: Vec<Moment>,
    /// What was acknowledged.
    pub acks: Vec<Ack>,
    /// What was refused.
    pub refused: Vec<Refused>,
    /// What got no answer.
    pub unanswered: Vec<Unanswered>,
}

/// What a device was told.
#[derive(Clone, Debug)]
pub enum Told {
    /// Of a message.
    Heard(Heard),
    /// To forget a room.
    Forgot(RoomNo),
}

/// Live frames that skipped a `rev`.
#[derive(Clone, Debug)]
pub struct Hole {
    /// The device.
    pub client: ClientNo,
    /// The room.
    pub room: RoomNo,
    /// Up to where it knew everything.
    pub cursor: i64,
    /// What came next.
    pub rev: i64,
    /// When.
    pub at: Moment,
}

/// A message of a room of which a device knew nothing.
#[derive(Clone, Debug)]
pub struct Overheard {
    /// The device.
    pub client: ClientNo,
    /// The room.
    pub room: RoomNo,
    /// The message.
    pub message: String,
    /// When.
    pub at: Moment,
}

/// A room that a device was told is its user's.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The device.
    pub client: ClientNo,
    /// The room.
    pub room: RoomNo,
    /// When it had asked; of what came unasked, when its connection began.
    pub asked: Moment,
    /// When.
    pub at: Moment,
}

/// A read mark that was acknowledged.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Whose.
    pub person: PersonNo,
    /// In which room.
    pub room: RoomNo,
    /// Where it stands.
    pub stands: i64,
}

/// Somebody is put out or taken in.
#[derive(Clone, Debug)]
pub struct Change {
    /// The room.
    pub room: RoomNo,
    /// Who.
    pub person: PersonNo,
    /// How far that has gone.
    pub stage: Stage,
    /// When.
    pub at: Moment,
}

/// The end of the run, in which nothing was sent and everybody listened.
#[derive(Clone, Debug)]
pub struct Calm {
    /// When the last messages had been acknowledged.
    pub from: Moment,
    /// When the waiting ended.
    pub to: Moment,
    /// Connections that the server still counted once all had gone.
    pub left: u64,
}

/// What is there in the end.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// What SQL says, once the server has ended.
    pub stored: Stored,
    /// What every member reads over REST, from the first message to the last.
    pub shelves: Vec<Shelf>,
    /// The lists of conversations that could be read.
    pub lists: Vec<List>,
    /// How the server ended.
    pub farewell: Farewell,
}

/// What SQL says.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Every row of `messages`.
    pub messages: Vec<Row>,
    /// The counters of every row of `conversations`: its id, `last_seq`, `rev`.
    pub heads: Vec<(Uuid, i64, i64)>,
    /// Every row of `conversation_members`: conversation, user, `last_read_seq`.
    pub marks: Vec<(Uuid, Uuid, i64)>,
    /// What the database's own check has found.
    pub flaws: Vec<String>,
}

/// A message as it is stored, and as the server tells it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// The conversation.
    #[serde(rename = "conversation_id")]
    pub conversation: Uuid,
    /// The sender.
    #[serde(rename = "sender_id")]
    pub sender: Uuid,
    /// The server's id.
    pub id: Uuid,
    /// The sender's name for it.
    pub message_id: String,
    /// Its place among the messages.
    pub seq: i64,
    /// Its place among the changes.
    pub rev: i64,
    /// Its text.
    pub content: String,
}

/// A history as a member reads it.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// Who read.
    pub person: PersonNo,
    /// What.
    pub room: RoomNo,
    /// What they found.
    pub rows: Vec<Row>,
}

/// Somebody's list of conversations.
#[derive(Clone, Debug)]
pub struct List {
    /// Whose.
    pub person: PersonNo,
    /// What they found; it may be nothing.
    pub lines: Vec<Listed>,
}

/// A line of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Listed {
    /// Which conversation.
    #[serde(rename = "id")]
    pub conversation: Uuid,
    /// The newest message.
    pub last_seq: i64,
    /// How far they have read.
    pub last_read_seq: i64,
    /// What they haven't.
    #[serde(rename = "unread_count")]
    pub unread: i64,
}

/// How the server ended.
#[derive(Clone, Debug, Default)]
pub struct Farewell {
    /// What it exited with after SIGTERM; none if that took too long.
    pub status: Option<i32>,
    /// What its log says of panics.
    pub panics: Vec<String>,
}

impl History {
    /// Puts the lines of a journal in order.
    ///
    /// # Errors
    /// When the journal isn't of a run that began, or names what isn't there.
    pub fn of(entries: Vec<Entry>, truth: Truth) -> Outcome<Self> {
        let mut history = Self { truth, ..Self::default() };
        let mut began = false;
        for entry in entries {
            began |= matches!(entry, Entry::Began { .. });
            history.take(entry)?;
        }
        if began { Ok(history) } else { Err("the journal has no beginning".into()) }
    }

    fn take(&mut self, entry: Entry) -> Outcome<()> {
        match entry {
            Entry::Began { seed, database, clock_jumps, lenience } => {
                (self.seed, self.database, self.clock_jumps, self.lenience) = (seed, database, clock_jumps, lenience);
            }
            Entry::Person { id, name } => self.people.push(Person { id, name }),
            Entry::Room { id, members, revolving } => self.rooms.push(Room { id, members, revolving }),
            Entry::Client { person, kind, listens, insists } => {
                self.clients.push(Client { person, kind, listens, insists });
            }
            Entry::Process { pid } => self.pid = Some(pid),
            Entry::Send(send) => {
                let fresh = || Sending {
                    client: send.c,
                    room: send.r,
                    attempts: Vec::new(),
                    acks: Vec::new(),
                    refused: Vec::new(),
                    unanswered: Vec::new(),
                };
                self.messages.entry(send.m.clone()).or_insert_with(fresh).attempts.push(send.at);
            }
            Entry::Ack(ack) => match self.messages.get_mut(&ack.m) {
                Some(sending) => sending.acks.push(ack),
                None => self.stray_acks.push(ack),
            },
            Entry::Refused(refused) => self.sending(&refused.m)?.refused.push(refused),
            Entry::Unanswered(unanswered) => self.sending(&unanswered.m)?.unanswered.push(unanswered),
            Entry::Heard(heard) => self.told.entry(heard.c).or_default().push(Told::Heard(heard)),
            Entry::Forgot { c, r } => self.told.entry(c).or_default().push(Told::Forgot(r)),
            Entry::Hole { c: client, r: room, cursor, rev, at } => {
                self.holes.push(Hole { client, room, cursor, rev, at });
            }
            Entry::Overheard { c: client, r: room, m: message, at } => {
                self.overheard.push(Overheard { client, room, message, at });
            }
            Entry::Shown { c: client, r: room, asked, at } => {
                self.shown.push(Shown { client, room, asked, at });
            }
            Entry::Cut(cut) => self.cuts.push(cut),
            Entry::Page(page) => self.pages.push(page),
            Entry::Mark { person, room, stands, .. } => self.marks.push(Mark { person, room, stands }),
            Entry::Member { room, person, stage, at } => self.members.push(Change { room, person, stage, at }),
            Entry::Trouble(trouble) => self.troubles.push(trouble),
            Entry::Strikes { from, .. } => self.open_fault = Some(from),
            Entry::Fault(fault) => {
                self.open_fault = None;
                self.faults.push(fault);
            }
            Entry::Calm { from, to, left } => self.calm = Some(Calm { from, to, left }),
        }
        Ok(())
    }

    fn sending(&mut self, name: &str) -> Outcome<&mut Sending> {
        self.messages.get_mut(name).ok_or_else(|| format!("the journal has an answer to {name}, which nobody sent").into())
    }
}
