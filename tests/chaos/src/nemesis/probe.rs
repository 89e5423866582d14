//! A client for each room that insists on one message: when it has come through everywhere, everything works again.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use tokio::time::timeout;

use crate::{
    Outcome,
    journal::numbers::{Moment, RoomNo},
    load::{Fate, Poster, Scene},
};

/// How long it insists.
const PATIENCE: Duration = Duration::from_secs(60);

/// One for each room.
pub(super) struct Probe {
    posters: Vec<Poster>,
}

impl Probe {
    pub(super) async fn new(scene: &Arc<Scene>) -> Outcome<Self> {
        let mut posters = Vec::new();
        for room in &scene.rooms {
            let owner = room.members[0];
            posters.push(Poster::new(scene, scene.enlist(owner, "probe", false, true).await?, owner));
        }
        Ok(Self { posters })
    }

    /// When a message sent from now on is stored in every room; none if that takes too long.
    pub(super) async fn until_all_rooms_store(&mut self) -> Outcome<Option<Moment>> {
        Ok(self.post().await?.map(|(at, _)| at))
    }

    /// The same with the `seq` of each.
    pub(super) async fn post(&mut self) -> Outcome<Option<(Moment, Vec<i64>)>> {
        let posts = self.posters.iter_mut().enumerate().map(async |(room, poster)| {
            let name = poster.name();
            poster.insist(RoomNo(room), &name).await
        });
        let Ok(fates) = timeout(PATIENCE, try_join_all(posts)).await else { return Ok(None) };
        let acks: Option<Vec<_>> =
            fates?.into_iter().map(|(fate, _)| if let Fate::Acked(ack) = fate { Some(ack) } else { None }).collect();
        Ok(acks.map(|acks| {
            let last = acks.iter().map(|ack| ack.at).max().unwrap_or_default();
            (last, acks.into_iter().map(|ack| ack.seq).collect())
        }))
    }
}
