//! What is counted while the run goes on, and how far every device has come.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use crate::journal::numbers::{ClientNo, RoomNo};

/// Figures for the progress.
#[derive(Debug, Default)]
pub struct Tally {
    /// Attempts.
    pub sent: AtomicU64,
    /// Messages that were acknowledged, without repeats.
    pub acknowledged: AtomicU64,
    /// Refusals for now.
    pub refused: AtomicU64,
    /// Attempts without an answer.
    pub unanswered: AtomicU64,
    /// Messages that devices were told of.
    pub heard: AtomicU64,
    /// Connections that ended.
    pub cuts: AtomicU64,
}

/// Shared by all clients of a run.
#[derive(Debug, Default)]
pub struct Board {
    /// The figures.
    pub tally: Tally,
    insisted: AtomicU64,
    devices: Mutex<BTreeMap<ClientNo, Standing>>,
}

#[derive(Debug, Default)]
struct Standing {
    caught_up: bool,
    heard: BTreeMap<RoomNo, i64>,
}

impl Board {
    /// Somebody insists on one more message.
    pub(super) fn insists(&self) {
        self.insisted.fetch_add(1, Relaxed);
    }

    /// A message that somebody insisted on is settled.
    pub(super) fn settled(&self) {
        self.insisted.fetch_sub(1, Relaxed);
    }

    /// Messages on which somebody insists and that aren't settled.
    pub fn insisted(&self) -> u64 {
        self.insisted.load(Relaxed)
    }

    /// A device has caught up, or lost its connection.
    pub(super) fn caught_up(&self, device: ClientNo, caught_up: bool) {
        self.with(device, |standing| standing.caught_up = caught_up);
    }

    /// A device was told of a room up to there; nothing: it forgot the room.
    pub(super) fn heard(&self, device: ClientNo, room: RoomNo, seq: Option<i64>) {
        self.with(device, |standing| match seq {
            Some(seq) => {
                let known = standing.heard.entry(room).or_default();
                *known = seq.max(*known);
            }
            None => drop(standing.heard.remove(&room)),
        });
    }

    /// Whether all these devices have caught up on their connections.
    pub fn all_caught_up(&self, devices: &[ClientNo]) -> bool {
        let standings = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        devices.iter().all(|device| standings.get(device).is_some_and(|standing| standing.caught_up))
    }

    /// Whether a device was told of a room at least up to there.
    pub fn has_heard(&self, device: ClientNo, room: RoomNo, seq: i64) -> bool {
        let standings = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        standings.get(&device).and_then(|standing| standing.heard.get(&room)).is_some_and(|heard| *heard >= seq)
    }

    fn with(&self, device: ClientNo, change: impl FnOnce(&mut Standing)) {
        // What is in it is whole between any two statements.
        let mut standings = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        change(standings.entry(device).or_default());
    }
}
