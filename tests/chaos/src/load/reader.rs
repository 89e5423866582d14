//! Reads histories while everything goes on, and says how far it has read.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fastrand::Rng;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Phase, Reply, Scene};
use crate::{
    Outcome,
    journal::{
        entry::{Entry, Page},
        numbers::{ClientNo, PersonNo, RoomNo},
    },
};

/// Between two pages, in milliseconds.
const PAUSE: std::ops::Range<u64> = 300..1_500;

/// One.
pub(super) struct Reader {
    scene: Arc<Scene>,
    client: ClientNo,
    person: PersonNo,
    random: Rng,
    /// How far it has come.
    ends: BTreeMap<RoomNo, i64>,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    seq: i64,
    id: Uuid,
}

impl Reader {
    pub(super) fn new(scene: &Arc<Scene>, client: ClientNo, person: PersonNo, random: Rng) -> Self {
        Self { scene: Arc::clone(scene), client, person, random, ends: BTreeMap::new() }
    }

    pub(super) async fn work(mut self) -> Outcome<()> {
        let rooms = self.scene.rooms_where(|room| room.has(self.person));
        while self.scene.phase() == Phase::Load {
            self.scene.rest(Duration::from_millis(self.random.u64(PAUSE))).await;
            let Some(room) = self.random.choice(rooms.iter().copied()) else { break };
            self.read(room).await?;
        }
        Ok(())
    }

    async fn read(&mut self, room: RoomNo) -> Outcome<()> {
        let (journal, end) = (&self.scene.journal, self.ends.get(&room).copied().unwrap_or_default());
        // A little of what is known already, to see whether it is the same.
        let after = (end - self.random.i64(0..20)).max(0);
        let limit = self.random.choice([10, 50, 200]).unwrap_or(50);
        let id = self.scene.rooms[room.0].id;
        let path = format!("/conversations/{id}/messages?after_seq={after}&limit={limit}");
        let from = journal.now();
        let reply = self.scene.call(Some(self.client), self.person, (Method::GET, &path), None, &[]).await?;
        let Reply::Done(_, body) = reply else { return Ok(()) };
        let to = journal.now();
        let rows: Vec<_> = Messages::deserialize(&body)?.messages.into_iter().map(|message| (message.seq, message.id)).collect();
        let seq = rows.last().map_or(after, |(seq, _)| *seq).max(end);
        journal.note(&Entry::Page(Page { person: self.person, room, after, limit, rows, from, to })).await?;
        self.ends.insert(room, seq);
        if seq > 0 && self.random.u8(..3) == 0 {
            self.mark(room, seq).await?;
        }
        Ok(())
    }

    async fn mark(&self, room: RoomNo, seq: i64) -> Outcome<()> {
        let path = format!("/conversations/{}/read", self.scene.rooms[room.0].id);
        let body = json!({ "seq": seq });
        let reply = self.scene.call(Some(self.client), self.person, (Method::PUT, &path), Some(&body), &[]).await?;
        if let Reply::Done(_, body) = reply {
            let (person, at) = (self.person, self.scene.journal.now());
            // What was asked for counts as well: a mark may stand further, never before it.
            let stands = body["last_read_seq"].as_i64().unwrap_or_default().max(seq);
            self.scene.journal.keep(&Entry::Mark { person, room, stands, at }).await?;
        }
        Ok(())
    }
}
