//! How many frames of each kind a device may still send. The buckets are its user's: coming back doesn't fill them.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;

use crate::{
    domain::ids::UserId,
    limits::{Limit, Limits, Subject},
};

/// So many frames over the limit within [`WINDOW`] are a flood: whoever sends them heeds no answer.
const FLOOD: u32 = 100;
/// See [`FLOOD`].
const WINDOW: Duration = Duration::from_secs(60);

/// The device's view of its user's buckets, and how often it went over them.
#[derive(Debug)]
pub(super) struct Allowance {
    limits: Limits,
    subject: Subject,
    over: Cell<u32>,
    since: Cell<Instant>,
}

impl Allowance {
    pub(super) fn new(limits: Limits, user: UserId) -> Self {
        Self { limits, subject: Subject::User(user), over: Cell::new(0), since: Cell::new(Instant::now()) }
    }

    /// Takes one; the wait when there is none.
    pub(super) fn take(&self, limit: Limit) -> BoxFuture<'static, Result<(), Duration>> {
        self.limits.take_one(limit, self.subject)
    }

    /// Counts a frame over the limit; true when that makes a flood.
    pub(super) fn went_over(&self) -> bool {
        if self.since.get().elapsed() >= WINDOW {
            self.since.set(Instant::now());
            self.over.set(0);
        }
        self.over.set(self.over.get() + 1);
        self.over.get() >= FLOOD
    }
}
