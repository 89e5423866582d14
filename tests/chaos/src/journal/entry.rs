//! One line of the journal.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::numbers::{ClientNo, Moment, PersonNo, RoomNo};
use crate::nemesis::fault::Kind;

/// Codes that put off: whoever has them may try again.
pub const PASSING: [&str; 3] = ["busy", "unavailable", "shutting_down"];
/// What a device asks for that wants a connection.
pub const SOCKET: &str = "a socket";

/// What a line says. Names of fields are short where lines are many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Entry {
    /// The run's first line.
    Began {
        /// Replays the plan.
        seed: u64,
        /// `sqlite` or `postgres`.
        database: String,
        /// Whether anything strikes at the clock: tickets may expire between their making and their use.
        clock_jumps: bool,
        /// What the recovery targets are multiplied by.
        lenience: f64,
    },
    /// The next person.
    Person {
        /// The server's id.
        id: Uuid,
        /// What they log in with.
        name: String,
    },
    /// The next room. Nobody joins or leaves it but `revolving`.
    Room {
        /// The server's id.
        id: Uuid,
        /// With whom it was made.
        members: Vec<PersonNo>,
        /// A member who is put out and taken in again.
        revolving: Option<PersonNo>,
    },
    /// The next client.
    Client {
        /// Whose.
        person: PersonNo,
        /// What it does.
        kind: String,
        /// Whether it listens: then it has to be told of everything.
        listens: bool,
        /// Whether it sends again what got no answer.
        insists: bool,
    },
    /// A server process runs.
    Process {
        /// Its id.
        pid: u32,
    },
    /// A message is about to be sent. On disk before the first byte goes out.
    Send(Send),
    /// It was acknowledged. On disk before the client goes on.
    Ack(Ack),
    /// It was refused.
    Refused(Refused),
    /// No answer came in time, or the connection broke.
    Unanswered(Unanswered),
    /// A device was told of a message, and it was new to it.
    Heard(Heard),
    /// A device was told, unasked, of a message of a room of which it knows nothing.
    Overheard {
        /// The device.
        c: ClientNo,
        /// The room.
        r: RoomNo,
        /// The message.
        m: String,
        /// When.
        at: Moment,
    },
    /// A device forgot a room: it was told to, or the first answer about it broke off.
    Forgot {
        /// The device.
        c: ClientNo,
        /// The room.
        r: RoomNo,
    },
    /// Live frames skipped a `rev` on one connection.
    Hole {
        /// The device.
        c: ClientNo,
        /// The room.
        r: RoomNo,
        /// Up to where it knew everything.
        cursor: i64,
        /// What came next.
        rev: i64,
        /// When.
        at: Moment,
    },
    /// A device was told that a room is its user's: by a `conversation` frame or in `heads`.
    Shown {
        /// The device.
        c: ClientNo,
        /// The room.
        r: RoomNo,
        /// When it had asked; of what came unasked, when its connection began.
        asked: Moment,
        /// When.
        at: Moment,
    },
    /// A device's connection ended.
    Cut(Cut),
    /// A part of a history was read while everything went on.
    Page(Page),
    /// A read mark was acknowledged.
    Mark {
        /// Whose.
        person: PersonNo,
        /// In which room.
        room: RoomNo,
        /// Where the answer says that it stands.
        stands: i64,
        /// When it came.
        at: Moment,
    },
    /// Somebody is put out or taken in.
    Member {
        /// The room.
        room: RoomNo,
        /// Who.
        person: PersonNo,
        /// How far that has gone.
        stage: Stage,
        /// When.
        at: Moment,
    },
    /// An answer that isn't what the contract lets the caller expect, or that puts them off.
    Trouble(Trouble),
    /// A fault begins.
    Strikes {
        /// Which.
        kind: Kind,
        /// In words.
        detail: String,
        /// When.
        from: Moment,
    },
    /// A fault, once it is over and everything works again, or was given up.
    Fault(Fault),
    /// Everybody was still, and listened for the last messages until `to`.
    Calm {
        /// When the last messages were acknowledged.
        from: Moment,
        /// When the waiting ended.
        to: Moment,
        /// Connections that the server still counted once all had gone.
        left: u64,
    },
}

/// An attempt at a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    /// Who sends.
    pub c: ClientNo,
    /// Where to.
    pub r: RoomNo,
    /// The client's name for it.
    pub m: String,
    /// Which attempt, from 1. Each has a text of its own.
    pub n: u32,
    /// When it went out.
    pub at: Moment,
}

/// An acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Who was told.
    pub c: ClientNo,
    /// The room that the answer names.
    pub r: RoomNo,
    /// The message.
    pub m: String,
    /// The server's id for it.
    pub id: Uuid,
    /// Its place among the messages.
    pub seq: i64,
    /// Its place among the changes.
    pub rev: i64,
    /// Whether the answer calls it a repeat.
    pub dup: bool,
    /// When it came.
    pub at: Moment,
}

/// A refusal of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Who was told.
    pub c: ClientNo,
    /// The room.
    pub r: RoomNo,
    /// The message.
    pub m: String,
    /// Why.
    pub code: String,
    /// Whether it was for good: then nothing may be stored.
    pub good: bool,
    /// When that attempt went out.
    pub sent: Moment,
    /// When the answer came.
    pub at: Moment,
}

/// The lack of an answer to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    /// Who waited.
    pub c: ClientNo,
    /// The message.
    pub m: String,
    /// What happened instead.
    pub how: String,
    /// When that attempt went out.
    pub sent: Moment,
    /// When it was given up.
    pub at: Moment,
}

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The device.
    pub c: ClientNo,
    /// How.
    pub how: String,
    /// Whether the device wanted it so: it left, or couldn't go on after what it has written down by itself.
    pub own: bool,
    /// When the connection began.
    pub opened: Moment,
    /// Since when what ended it was missed: the last sign of life, or the sending of what wasn't acknowledged.
    pub since: Moment,
    /// When.
    pub at: Moment,
}

/// A message as a device was told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The device.
    pub c: ClientNo,
    /// The room.
    pub r: RoomNo,
    /// The message's place.
    pub seq: i64,
    /// The place of its last change.
    pub rev: i64,
    /// The server's id for it.
    pub id: Uuid,
    /// Its sender's name for it.
    pub m: String,
    /// Its sender; none if it is nobody of ours.
    pub by: Option<PersonNo>,
    /// Which attempt's text it has; none if it is nobody's text.
    pub n: Option<u32>,
    /// By which frame.
    pub how: How,
    /// When.
    pub at: Moment,
}

/// How a device was told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Unasked.
    Live,
    /// By the acknowledgement of its own.
    Ack,
    /// By the answer to a `resume`.
    Resumed,
}

/// What a reader got of a history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Who asked.
    pub person: PersonNo,
    /// For which room.
    pub room: RoomNo,
    /// For what comes after this `seq`.
    pub after: i64,
    /// For so many at most.
    pub limit: usize,
    /// The `seq` and id of each message, as they came.
    pub rows: Vec<(i64, Uuid)>,
    /// When it was asked for.
    pub from: Moment,
    /// When it came.
    pub to: Moment,
}

/// How far a change of members has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Somebody is about to be taken in.
    Adding,
    /// The server has said that they are in.
    Added,
    /// Somebody is about to be put out.
    Removing,
    /// The server has said that they are out.
    Removed,
}

/// An answer that puts off, or is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Who was told; none if the run itself asked.
    pub c: Option<ClientNo>,
    /// What was asked.
    pub what: String,
    /// What the answer was.
    pub answer: Answer,
    /// When it was asked.
    pub sent: Moment,
    /// When the answer came.
    pub at: Moment,
}

/// The kinds of troubling answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A status.
    Status {
        /// Its number.
        status: u16,
        /// The `code` of its body.
        code: String,
        /// Whether it says when to come back.
        retry_after: bool,
    },
    /// An `error` frame.
    Frame {
        /// Its `code`.
        code: String,
    },
    /// A close frame.
    Close {
        /// Its number.
        code: u16,
        /// Whether the device came by a ticket, which a jump of the clock can spoil.
        by_ticket: bool,
    },
    /// A frame that breaks the contract.
    Broken {
        /// How, and the frame.
        how: String,
    },
    /// None to a call or a handshake, which nothing but the server's own trouble can cause.
    Silence {
        /// What happened instead.
        how: String,
    },
    /// The server process ended by itself, or didn't start.
    Died {
        /// What it left.
        how: String,
    },
}

/// A fault that was, with what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which.
    pub kind: Kind,
    /// In words: for how long, how, whether with a kill in the midst.
    pub detail: String,
    /// Whether the server was killed in its midst.
    pub with_kill: bool,
    /// When it began.
    pub from: Moment,
    /// When what was broken was whole again.
    pub over: Moment,
    /// When every room had stored something sent after that; none if that wasn't waited for any longer.
    pub back: Option<Moment>,
}
