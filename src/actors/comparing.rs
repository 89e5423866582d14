//! Makes sure that nothing was missed of what other nodes did: compares the rooms here with the database, and looks who has
//! become a member. What was lost on the way has no successor to reveal it.

use std::{sync::Arc, time::Duration};

use actix::Message;

use super::{login_watch::in_time, teller::Teller};
use crate::{
    domain::clock::Timestamp,
    store::{Failure, Store},
};

/// How often, at the latest.
pub(super) const COMPARE: Duration = Duration::from_secs(5);
/// How soon again, when something was missed meanwhile.
pub(super) const COMPARE_AGAIN: Duration = Duration::from_millis(200);
/// Most rooms in one question.
const AT_ONCE: usize = 1_000;
/// How far back members are looked for beyond the last time: further than clocks differ and commits take.
const LOOK_BACK: chrono::Duration = chrono::Duration::seconds(60);

/// A comparison is over; when it began, if the database could tell.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Compared {
    at: Option<Timestamp>,
    thoroughly: bool,
    hears_all: bool,
}

impl Compared {
    /// It broke.
    pub(super) fn broken(thoroughly: bool) -> Self {
        Self { at: None, thoroughly, hears_all: false }
    }
}

/// Compares, one at a time.
#[derive(Debug)]
pub(super) struct Comparing {
    running: bool,
    /// Whether there is to be another, and how.
    next: Option<bool>,
    /// When the last one began that succeeded.
    compared_at: Timestamp,
    /// The same of the last one that was thorough.
    thorough_at: Timestamp,
}

impl Comparing {
    /// Everything before `now` is known.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { running: false, next: None, compared_at: now, thorough_at: now }
    }

    /// Begins one; none while one is under way, after which there is another. `hears_all`: the others are heard, as far as is known.
    pub(super) fn begin(
        &mut self,
        store: Arc<Store>,
        teller: Teller,
        now: Timestamp,
        thoroughly: bool,
        hears_all: bool,
    ) -> Option<impl Future<Output = Compared> + use<>> {
        if self.running {
            self.next = Some(thoroughly || self.next == Some(true));
            return None;
        }
        self.running = true;
        let (since, marks_since) = (self.compared_at - LOOK_BACK, thoroughly.then_some(self.thorough_at - LOOK_BACK));
        Some(async move {
            let done = compare(&store, &teller, since, marks_since).await;
            let done = done.inspect_err(|error| tracing::debug!(%error, "writer.compare_failed"));
            Compared { at: done.ok().map(|()| now), thoroughly, hears_all }
        })
    }

    /// Ends one; whether another has to follow, and how. One that failed is made up for.
    pub(super) fn end(&mut self, Compared { at, thoroughly, hears_all }: Compared) -> Option<bool> {
        self.running = false;
        match at {
            Some(at) => {
                self.compared_at = at;
                // Nothing was missed until then, or it would have been noticed by now but for a moment, which the look back covers.
                if thoroughly || (hears_all && self.next.is_none()) {
                    self.thorough_at = at;
                }
            }
            None if thoroughly => self.next = Some(true),
            None => {}
        }
        self.next.take()
    }
}

async fn compare(store: &Store, teller: &Teller, since: Timestamp, marks_since: Option<Timestamp>) -> Result<(), Failure> {
    // Members first: whoever joins a room by that is behind it, and the room knows.
    for joined in in_time(store.joined_since(since)).await? {
        teller.found(joined);
    }
    for rooms in teller.rooms().chunks(AT_ONCE) {
        for (conversation, head) in in_time(store.revs(rooms)).await? {
            teller.stands_at(conversation, head);
        }
        if let Some(since) = marks_since {
            teller.have_read(in_time(store.marks_since(rooms, since)).await?);
        }
    }
    Ok(())
}
