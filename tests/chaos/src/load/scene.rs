//! What all clients share: where the server is, who there is, what they write into.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::sync::watch;
use uuid::Uuid;

use super::board::Board;
use crate::{
    Outcome,
    journal::{
        Journal,
        entry::{Answer, Entry, Trouble},
        numbers::{ClientNo, Moment, PersonNo, RoomNo},
    },
};

/// What the clients are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything.
    Load,
    /// Nothing new; only settle what is under way, stay connected and listen.
    Drain,
    /// Close and end.
    Leave,
}

/// Some of the listeners stop reading until then.
#[derive(Clone, Copy, Debug)]
pub struct SlowOrder {
    /// Chooses the listeners.
    pub seed: u64,
    /// Until when.
    pub until: Instant,
}

/// Somebody with a login.
#[derive(Clone, Debug)]
pub struct Person {
    /// The server's id.
    pub id: Uuid,
    /// Their access token.
    pub token: String,
}

/// A conversation.
#[derive(Clone, Debug)]
pub struct Room {
    /// The server's id.
    pub id: Uuid,
    /// With whom it was made; the first is its owner.
    pub members: Vec<PersonNo>,
    /// A member who is put out and taken in again.
    pub revolving: Option<PersonNo>,
}

impl Room {
    /// Whether somebody belongs to it all the time.
    pub fn has(&self, person: PersonNo) -> bool {
        self.revolving != Some(person) && self.members.contains(&person)
    }

    /// Whether somebody never belongs to it.
    pub fn is_foreign(&self, person: PersonNo) -> bool {
        !self.members.contains(&person)
    }
}

/// Places by the server's ids.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Of rooms.
    pub rooms: HashMap<Uuid, RoomNo>,
    /// Of people.
    pub people: HashMap<Uuid, PersonNo>,
}

/// How long somebody waits who would wait for this time, where everything may be slower by this factor.
pub fn patience(time: Duration, lenience: f64) -> Duration {
    time.mul_f64(lenience.max(1.0))
}

/// What all clients share.
#[derive(Debug)]
pub struct Scene {
    /// What they write into.
    pub journal: Journal,
    /// The server.
    pub address: SocketAddr,
    /// The way to it that devices take, on which connections can go silent.
    pub way: SocketAddr,
    /// For calls.
    pub http: reqwest::Client,
    /// Everybody.
    pub people: Vec<Person>,
    /// All conversations.
    pub rooms: Vec<Room>,
    /// The same by id.
    pub names: Names,
    /// What is to be done.
    pub phase: watch::Receiver<Phase>,
    /// Who is to be slow.
    pub slow: watch::Receiver<Option<SlowOrder>>,
    /// How much slower than usual everything may be.
    pub lenience: f64,
    /// What is counted.
    pub board: Board,
    clients: AtomicUsize,
}

impl Scene {
    /// One without people and rooms.
    pub(crate) fn empty(
        journal: Journal,
        address: SocketAddr,
        way: SocketAddr,
        http: reqwest::Client,
        phase: watch::Receiver<Phase>,
        slow: watch::Receiver<Option<SlowOrder>>,
        lenience: f64,
    ) -> Self {
        Self {
            journal,
            address,
            way,
            http,
            people: Vec::new(),
            rooms: Vec::new(),
            names: Names::default(),
            phase,
            slow,
            lenience,
            board: Board::default(),
            clients: AtomicUsize::new(0),
        }
    }

    /// The next client's number. One call after another, because the journal counts its lines.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn enlist(&self, person: PersonNo, kind: &str, listens: bool, insists: bool) -> Outcome<ClientNo> {
        let client = ClientNo(self.clients.fetch_add(1, Relaxed));
        self.journal.note(&Entry::Client { person, kind: kind.into(), listens, insists }).await?;
        Ok(client)
    }

    /// What is to be done now.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// How long a client waits here that would wait for this time.
    pub fn patience(&self, time: Duration) -> Duration {
        patience(time, self.lenience)
    }

    /// Sleeps, or until the phase is another.
    pub(super) async fn rest(&self, time: Duration) {
        let mut phase = self.phase.clone();
        let now = *phase.borrow_and_update();
        // The sender lives as long as the run.
        let changed = async { drop(phase.wait_for(|phase| *phase != now).await) };
        drop(tokio::time::timeout(time, changed).await);
    }

    /// The rooms to which somebody belongs all the time, or doesn't at all.
    pub(super) fn rooms_where(&self, fits: impl Fn(&Room) -> bool) -> Vec<RoomNo> {
        self.rooms.iter().enumerate().filter(|(_, room)| fits(room)).map(|(number, _)| RoomNo(number)).collect()
    }

    /// Writes down an answer that puts off or is wrong.
    pub(crate) async fn trouble(&self, c: Option<ClientNo>, what: &str, answer: Answer, sent: Moment) -> Outcome<()> {
        let at = self.journal.now();
        self.journal.note(&Entry::Trouble(Trouble { c, what: what.into(), answer, sent, at })).await
    }
}
