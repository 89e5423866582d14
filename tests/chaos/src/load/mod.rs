//! Load: people in several conversations, who send, listen, read, come and go, and write down what they do and are told.

mod board;
mod call;
mod device;
mod door;
mod knowledge;
mod link;
mod outsider;
mod people;
mod poster;
mod posts;
mod reader;
mod scene;
mod socket;

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

pub use self::{
    board::{Board, Tally},
    call::{PATIENCE, Reply},
    people::{PASSWORD, prepare},
    poster::{Fate, Poster},
    scene::{Names, Person, Phase, Room, Scene, SlowOrder, patience},
};
use self::{
    device::{Device, Habits},
    door::Door,
    outsider::Outsider,
    reader::Reader,
};
use crate::{
    Outcome,
    journal::numbers::{ClientNo, PersonNo},
};

/// How much there is of everything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Amount {
    /// People; 4 at least.
    pub people: usize,
    /// Conversations; 3 at least.
    pub rooms: usize,
    /// Clients that send, half of them over REST and half over sockets.
    pub senders: usize,
    /// Messages a second that they aim at together; 0: as many as go.
    pub rate: f64,
}

impl Amount {
    /// How long a sender waits between messages, on the average.
    fn pause(&self) -> Duration {
        if self.rate <= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(self.senders as f64 / self.rate) }
    }
}

/// The clients at work. They end when the phase is [`Phase::Leave`].
#[derive(Debug, Default)]
pub struct Crowd {
    /// Those that end by themselves once nothing new is to be sent.
    workers: JoinSet<Outcome<()>>,
    /// Those that listen to the end.
    devices: JoinSet<Outcome<()>>,
    listeners: Vec<(ClientNo, PersonNo)>,
}

impl Crowd {
    /// Sends everybody in.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn gather(scene: &Arc<Scene>, amount: &Amount, seed: u64) -> Outcome<Self> {
        let mut crowd = Self::default();
        let mut random = fastrand::Rng::with_seed(seed);
        let everybody: Vec<_> = (0..scene.people.len()).map(PersonNo).collect();
        for sender in 0..amount.senders {
            let person = everybody[sender / 2 % everybody.len()];
            let insists = sender / 2 % 2 == 0;
            if sender % 2 == 0 {
                let client = scene.enlist(person, "poster", false, insists).await?;
                let poster = Poster::new(scene, client, person);
                crowd.workers.spawn(poster.work(insists, amount.pause(), random.fork()));
            } else {
                // Every second one doesn't wait for an answer before it goes on.
                let window = if sender / 4 % 2 == 0 { 1 } else { 8 };
                let habits =
                    Habits { window, insists, pause: amount.pause(), restless: sender % 3 == 0, by_ticket: sender % 5 == 0 };
                let client = scene.enlist(person, "talker", true, insists).await?;
                crowd.listeners.push((client, person));
                crowd.devices.spawn(Device::new(scene, client, person, habits, random.fork()).work());
            }
        }
        for person in &everybody {
            let habits = Habits {
                window: 0,
                insists: false,
                pause: Duration::ZERO,
                restless: person.0 % 2 == 1,
                by_ticket: person.0 % 3 == 1,
            };
            let client = scene.enlist(*person, "listener", true, false).await?;
            crowd.listeners.push((client, *person));
            crowd.devices.spawn(Device::new(scene, client, *person, habits, random.fork()).work());
        }
        for person in &everybody {
            let client = scene.enlist(*person, "reader", false, false).await?;
            crowd.workers.spawn(Reader::new(scene, client, *person, random.fork()).work());
            let client = scene.enlist(*person, "outsider", false, false).await?;
            crowd.workers.spawn(Outsider::new(scene, client, *person, random.fork()).work());
        }
        for (number, room) in scene.rooms.iter().enumerate() {
            if let Some(person) = room.revolving {
                let client = scene.enlist(room.members[0], "door", false, false).await?;
                crowd.workers.spawn(Door::new(scene, client, number, person, random.fork()).work());
            }
        }
        Ok(crowd)
    }

    /// The devices, and whose they are.
    pub fn listeners(&self) -> &[(ClientNo, PersonNo)] {
        &self.listeners
    }

    /// Waits, for so long at most, until nothing is under way that somebody insists on. What still is then shows in the history.
    ///
    /// # Errors
    /// When a client failed, which is the run's fault and not the server's.
    pub async fn drain(&mut self, scene: &Scene, patience: Duration) -> Outcome<()> {
        let drained = async {
            while let Some(end) = self.workers.join_next().await {
                end??;
            }
            while scene.board.insisted() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        tokio::time::timeout(patience, drained).await.unwrap_or(Ok(()))
    }

    /// Waits until all have left.
    ///
    /// # Errors
    /// When a client failed.
    pub async fn leave(mut self) -> Outcome<()> {
        self.workers.abort_all();
        while let Some(end) = self.devices.join_next().await {
            end??;
        }
        Ok(())
    }

    /// Returns when a client has failed, with why; else never.
    pub async fn failure(&mut self) -> Outcome<()> {
        loop {
            let end = tokio::select! {
                Some(end) = self.workers.join_next() => end,
                Some(end) = self.devices.join_next() => end,
                else => std::future::pending().await,
            };
            end??;
        }
    }
}
