//! Tries to read and to post where one isn't a member, or isn't always.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use reqwest::Method;

use super::{Phase, Poster, Reply, Scene};
use crate::{
    Outcome,
    journal::{
        entry::{Entry, Page},
        numbers::{ClientNo, PersonNo, RoomNo},
    },
};

/// Between two tries, in milliseconds.
const PAUSE: std::ops::Range<u64> = 800..2_500;

/// One.
pub(super) struct Outsider {
    scene: Arc<Scene>,
    client: ClientNo,
    person: PersonNo,
    random: Rng,
    poster: Poster,
}

impl Outsider {
    pub(super) fn new(scene: &Arc<Scene>, client: ClientNo, person: PersonNo, random: Rng) -> Self {
        Self { scene: Arc::clone(scene), client, person, random, poster: Poster::new(scene, client, person) }
    }

    pub(super) async fn work(mut self) -> Outcome<()> {
        let rooms = self.scene.rooms_where(|room| !room.has(self.person));
        while self.scene.phase() == Phase::Load {
            let Some(room) = self.random.choice(rooms.iter().copied()) else { break };
            match self.random.u8(..3) {
                0 => {
                    let name = self.poster.name();
                    self.poster.post(room, &name, 1).await?;
                }
                1 => self.peep(room, "").await?,
                _ => self.peep(room, "/messages?limit=5").await?,
            }
            self.scene.rest(Duration::from_millis(self.random.u64(PAUSE))).await;
        }
        Ok(())
    }

    /// Whether one could read is for the checker to judge.
    async fn peep(&self, room: RoomNo, what: &str) -> Outcome<()> {
        let path = format!("/conversations/{}{what}", self.scene.rooms[room.0].id);
        let from = self.scene.journal.now();
        let reply = self.scene.call(Some(self.client), self.person, (Method::GET, &path), None, &[403, 404]).await?;
        if let Reply::Done(..) = reply {
            let (person, to) = (self.person, self.scene.journal.now());
            // Its rows don't matter, and a limit of none says so.
            self.scene.journal.note(&Entry::Page(Page { person, room, after: 0, limit: 0, rows: Vec::new(), from, to })).await?;
        }
        Ok(())
    }
}
