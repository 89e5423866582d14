//! Puts a member out and takes them in again.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use reqwest::Method;
use serde_json::json;

use super::{Phase, Reply, Scene};
use crate::{
    Outcome,
    journal::{
        entry::{Entry, Stage},
        numbers::{ClientNo, PersonNo, RoomNo},
    },
};

/// How long the member is in or out, in milliseconds.
const PAUSE: std::ops::Range<u64> = 500..3_000;
/// Between a try and the next.
const BACK_OFF: Duration = Duration::from_millis(100);

/// One.
pub(super) struct Door {
    scene: Arc<Scene>,
    client: ClientNo,
    room: RoomNo,
    member: PersonNo,
    random: Rng,
}

impl Door {
    pub(super) fn new(scene: &Arc<Scene>, client: ClientNo, room: usize, member: PersonNo, random: Rng) -> Self {
        Self { scene: Arc::clone(scene), client, room: RoomNo(room), member, random }
    }

    /// Ends with the member in.
    pub(super) async fn work(mut self) -> Outcome<()> {
        let members = format!("/conversations/{}/members", self.scene.rooms[self.room.0].id);
        let one = format!("{members}/{}", self.scene.people[self.member.0].id);
        let who = json!({ "user_ids": [self.scene.people[self.member.0].id] });
        loop {
            self.scene.rest(Duration::from_millis(self.random.u64(PAUSE))).await;
            if self.scene.phase() != Phase::Load {
                return Ok(());
            }
            self.write(Stage::Removing).await?;
            // 404: an attempt without an answer had done it.
            while matches!(self.call((Method::DELETE, &one), None, &[404]).await?, Reply::Silence(_) | Reply::Refused(500.., _)) {
                tokio::time::sleep(BACK_OFF).await;
            }
            self.write(Stage::Removed).await?;
            self.scene.rest(Duration::from_millis(self.random.u64(PAUSE))).await;
            self.write(Stage::Adding).await?;
            while !matches!(self.call((Method::POST, &members), Some(&who), &[]).await?, Reply::Done(..)) {
                tokio::time::sleep(BACK_OFF).await;
            }
            self.write(Stage::Added).await?;
        }
    }

    async fn call(&self, call: (Method, &str), body: Option<&serde_json::Value>, expected: &[u16]) -> Outcome<Reply> {
        let owner = self.scene.rooms[self.room.0].members[0];
        self.scene.call(Some(self.client), owner, call, body, expected).await
    }

    async fn write(&self, stage: Stage) -> Outcome<()> {
        let at = self.scene.journal.now();
        self.scene.journal.keep(&Entry::Member { room: self.room, person: self.member, stage, at }).await
    }
}
