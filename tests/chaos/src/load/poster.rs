//! A client that posts over REST, waiting for each answer.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use fastrand::Rng;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Phase, Reply, Scene};
use crate::{
    Outcome,
    history::Row,
    journal::{
        entry::{Ack, Answer, Entry, Refused, Send, Unanswered},
        numbers::{ClientNo, PersonNo, RoomNo},
    },
    words,
};

/// Between an attempt that wasn't acknowledged and the next.
const BACK_OFF: Duration = Duration::from_millis(60);

/// One.
#[derive(Debug)]
pub struct Poster {
    scene: Arc<Scene>,
    client: ClientNo,
    person: PersonNo,
    made: u32,
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It is stored.
    Acked(Ack),
    /// It was refused for good.
    Refused,
    /// It was put off, or nobody knows.
    Open,
}

impl Poster {
    /// One that posts as this person.
    pub fn new(scene: &Arc<Scene>, client: ClientNo, person: PersonNo) -> Self {
        Self { scene: Arc::clone(scene), client, person, made: 0 }
    }

    /// A name that no other message of the run has.
    pub fn name(&mut self) -> String {
        self.made += 1;
        format!("{}-{}", self.client, self.made)
    }

    /// Posts once, and writes down what became of it.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn post(&self, room: RoomNo, name: &str, attempt: u32) -> Outcome<Fate> {
        let (journal, tally) = (&self.scene.journal, &self.scene.board.tally);
        let (c, r, m) = (self.client, room, name.to_owned());
        let body = json!({
            "message_id": name,
            "conversation_id": self.scene.rooms[room.0].id,
            "content": words::text(name, attempt),
        });
        let sent = journal.now();
        journal.keep(&Entry::Send(Send { c, r, m: m.clone(), n: attempt, at: sent })).await?;
        tally.sent.fetch_add(1, Relaxed);
        let reply = self.scene.call(Some(c), self.person, (Method::POST, "/messages"), Some(&body), &[403, 404]).await?;
        let at = journal.now();
        match reply {
            Reply::Done(status, body) => {
                let Some(ack) = self.ack(status, &body, name) else {
                    let how = format!("{name} was answered with {body}");
                    self.scene.trouble(Some(c), "POST /messages", Answer::Broken { how }, sent).await?;
                    return Ok(Fate::Open);
                };
                journal.keep(&Entry::Ack(ack.clone())).await?;
                if !ack.dup {
                    tally.acknowledged.fetch_add(1, Relaxed);
                }
                Ok(Fate::Acked(ack))
            }
            Reply::Refused(status, code) => {
                let good = (400..500).contains(&status);
                journal.note(&Entry::Refused(Refused { c, r, m, code, good, sent, at })).await?;
                Ok(if good { Fate::Refused } else { Fate::Open })
            }
            Reply::Silence(how) => {
                tally.unanswered.fetch_add(1, Relaxed);
                journal.note(&Entry::Unanswered(Unanswered { c, m, how, sent, at })).await?;
                Ok(Fate::Open)
            }
        }
    }

    /// Posts until it is acknowledged or refused for good; with the number of attempts.
    ///
    /// # Errors
    /// When the journal can't be written.
    pub async fn insist(&self, room: RoomNo, name: &str) -> Outcome<(Fate, u32)> {
        let board = &self.scene.board;
        board.insists();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let fate = self.post(room, name, attempts).await?;
            if !matches!(fate, Fate::Open) {
                board.settled();
                return Ok((fate, attempts));
            }
            tokio::time::sleep(BACK_OFF).await;
        }
    }

    fn ack(&self, status: u16, body: &Value, name: &str) -> Option<Ack> {
        let Row { id, conversation, message_id, seq, rev, .. } = Row::deserialize(body).ok()?;
        let r = *self.scene.names.rooms.get(&conversation)?;
        let at = self.scene.journal.now();
        (message_id == name).then_some(Ack { c: self.client, r, m: message_id, id, seq, rev, dup: status == 200, at })
    }

    /// Posts into the person's rooms, one message after another, until nothing new is to be sent.
    pub(super) async fn work(mut self, insists: bool, pause: Duration, mut random: Rng) -> Outcome<()> {
        let rooms = self.scene.rooms_where(|room| room.has(self.person));
        while self.scene.phase() == Phase::Load {
            let Some(room) = random.choice(rooms.iter().copied()) else { break };
            let name = self.name();
            let (fate, attempts) = if insists { self.insist(room, &name).await? } else { (self.post(room, &name, 1).await?, 1) };
            // At times what has been acknowledged is sent once more.
            if let Fate::Acked(_) = fate
                && random.u8(..20) == 0
            {
                self.post(room, &name, attempts + 1).await?;
            }
            let pause = pause.mul_f64(0.5 + random.f64());
            self.scene.rest(if matches!(fate, Fate::Open) { pause.max(BACK_OFF) } else { pause }).await;
        }
        Ok(())
    }
}
