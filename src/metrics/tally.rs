//! The counters that survive a restart: gathered here, and taken by the database-writer every few seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Metrics, sockets::FrameKind};
use crate::domain::{
    clock::{Clock, Timestamp},
    counters::{Counter, Deltas, Peak, UserDelta, hour_of},
    ids::UserId,
    message::Posted,
    refusal::Refusal,
};

/// Most users of whom something waits; it can be so many only while the database is away. Of more nothing is kept.
const USERS: usize = 50_000;
/// Most hourly figures that wait: some days of them.
const HOURS: usize = 10_000;

/// What has been counted since it was last taken.
#[derive(Debug)]
pub(super) struct Tally {
    clock: Clock,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    deltas: Deltas,
    /// How far the frames, which have counters of their own, have been taken.
    frames: [u64; FrameKind::ALL.len()],
    /// What found no room.
    lost: u64,
}

impl Waiting {
    fn count(&mut self, hour: Timestamp, counter: Counter, by: i64) {
        let full = self.deltas.hours.len() >= HOURS;
        match self.deltas.hours.get_mut(&(hour, counter)) {
            Some(value) => *value += by,
            None if full => self.lost += 1,
            None => drop(self.deltas.hours.insert((hour, counter), by)),
        }
    }

    fn count_user(&mut self, user: UserId, by: &UserDelta) {
        let full = self.deltas.users.len() >= USERS;
        match self.deltas.users.get_mut(&user) {
            Some(delta) => delta.merge(by),
            None if full => self.lost += 1,
            None => drop(self.deltas.users.insert(user, *by)),
        }
    }

    fn note_most(&mut self, peak: Peak) {
        if self.deltas.most_connections.is_none_or(|known| known.value < peak.value) {
            self.deltas.most_connections = Some(peak);
        }
    }

    fn put_back(&mut self, deltas: Deltas) {
        for ((hour, counter), by) in deltas.hours {
            self.count(hour, counter, by);
        }
        for (user, by) in deltas.users {
            self.count_user(user, &by);
        }
        if let Some(peak) = deltas.most_connections {
            self.note_most(peak);
        }
    }
}

impl Tally {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, waiting: Mutex::default() }
    }

    fn with<T>(&self, what: impl FnOnce(&mut Waiting, Timestamp) -> T) -> T {
        let now = self.clock.now();
        what(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    fn count(&self, counter: Counter) {
        self.with(|waiting, now| waiting.count(hour_of(now), counter, 1));
    }

    pub(super) fn connected(&self, user: UserId, active: i64) {
        self.with(|waiting, now| {
            waiting.count(hour_of(now), Counter::Connections, 1);
            waiting.count_user(user, &UserDelta { connections: 1, ..UserDelta::at(now) });
            waiting.note_most(Peak { value: active, at: now });
        });
    }

    pub(super) fn disconnected(&self, user: UserId) {
        self.with(|waiting, now| {
            waiting.count(hour_of(now), Counter::Disconnections, 1);
            waiting.count_user(user, &UserDelta::at(now));
        });
    }

    pub(super) fn signed_up(&self) {
        self.count(Counter::SignUps);
    }

    pub(super) fn logged_in(&self) {
        self.count(Counter::Logins);
    }

    pub(super) fn refused(&self, code: &'static str, user: Option<UserId>) {
        self.with(|waiting, now| {
            let hour = hour_of(now);
            waiting.count(hour, Counter::Errors, 1);
            waiting.count(hour, Counter::Error(code), 1);
            if let Some(user) = user {
                waiting.count_user(user, &UserDelta { errors: 1, ..UserDelta::at(now) });
            }
        });
    }

    /// Counts what was stored of a whole batch at once, in the hour in which it was.
    pub(super) fn posted(&self, outcomes: &[Result<Posted, Refusal>]) {
        let mut users: HashMap<UserId, UserDelta> = HashMap::new();
        let (mut messages, mut bytes, mut last) = (0, 0, None);
        for outcome in outcomes {
            let Ok(Posted::New(message)) = outcome else { continue };
            let size = message.content.as_str().len() as i64;
            messages += 1;
            bytes += size;
            last = Some(message.created_at);
            let delta = UserDelta { messages: 1, bytes: size, ..UserDelta::at(message.created_at) };
            users.entry(message.sender_id).and_modify(|known| known.merge(&delta)).or_insert(delta);
        }
        let Some(last) = last else { return };
        self.with(|waiting, _| {
            waiting.count(hour_of(last), Counter::Messages, messages);
            waiting.count(hour_of(last), Counter::MessageBytes, bytes);
            for (user, delta) in users {
                waiting.count_user(user, &delta);
            }
        });
    }

    fn take(&self, frames: &[(FrameKind, u64)], most_users: usize) -> Deltas {
        self.with(|waiting, now| {
            for (kind, seen) in frames {
                let taken = std::mem::replace(&mut waiting.frames[*kind as usize], *seen);
                if *seen > taken {
                    waiting.count(hour_of(now), Counter::Frame(kind.name()), (seen - taken) as i64);
                }
            }
            if waiting.lost > 0 {
                tracing::warn!(lost = waiting.lost, "counters.no_room");
                waiting.lost = 0;
            }
            let mut taken = std::mem::take(&mut waiting.deltas);
            if taken.users.len() > most_users {
                // The rest waits for its turn.
                let mut users = std::mem::take(&mut taken.users).into_iter();
                taken.users = users.by_ref().take(most_users).collect();
                waiting.deltas.users = users.collect();
            }
            taken
        })
    }
}

/// What was taken to be stored. It goes back when it wasn't, whatever the reason.
#[derive(Debug)]
pub struct Taken {
    deltas: Deltas,
    metrics: Arc<Metrics>,
}

impl Taken {
    /// What to store.
    pub fn deltas(&self) -> &Deltas {
        &self.deltas
    }

    /// It is stored.
    pub fn stored(mut self) {
        self.deltas = Deltas::default();
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let deltas = std::mem::take(&mut self.deltas);
        if !deltas.is_empty() {
            self.metrics.tally.with(|waiting, _| waiting.put_back(deltas));
        }
    }
}

impl Metrics {
    /// Takes what was counted, of at most so many users; none when there is nothing.
    pub fn take_counted(self: &Arc<Self>, most_users: usize) -> Option<Taken> {
        let deltas = self.tally.take(&self.sockets.received().collect::<Vec<_>>(), most_users);
        (!deltas.is_empty()).then(|| Taken { deltas, metrics: Arc::clone(self) })
    }

    /// The most sockets at once are counted anew, beginning with those that are open now.
    pub fn restart_peak(&self) {
        let value = self.active();
        if value > 0 {
            self.tally.with(|waiting, now| waiting.note_most(Peak { value, at: now }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Arc<Metrics> {
        Metrics::new(Clock::system())
    }

    #[test]
    fn what_was_not_stored_goes_back() {
        let metrics = metrics();
        let user = UserId::fresh();
        drop(metrics.connected("v1", user));
        metrics.received(FrameKind::Join);
        let first = metrics.take_counted(10).unwrap();
        let counted = first.deltas().clone();
        assert_eq!(counted.users[&user].connections, 1);
        assert_eq!(counted.hours.iter().find(|((_, counter), _)| *counter == Counter::Frame("join")).unwrap().1, &1);
        assert!(metrics.take_counted(10).is_none());
        drop(first);
        let again = metrics.take_counted(10).unwrap();
        assert_eq!(*again.deltas(), counted);
        again.stored();
        assert!(metrics.take_counted(10).is_none());
    }

    #[test]
    fn it_is_bounded_and_taken_in_portions() {
        let metrics = metrics();
        for _ in 0..USERS + 10 {
            metrics.tally.disconnected(UserId::fresh());
        }
        let mut users = 0;
        while let Some(taken) = metrics.take_counted(20_000) {
            assert!(taken.deltas().users.len() <= 20_000);
            users += taken.deltas().users.len();
            taken.stored();
        }
        assert_eq!(users, USERS);
    }

    #[test]
    fn the_peak_is_the_highest() {
        let metrics = metrics();
        let open: Vec<_> = (0..3).map(|_| metrics.connected("v1", UserId::fresh())).collect();
        drop(open);
        drop(metrics.connected("v1", UserId::fresh()));
        let taken = metrics.take_counted(10).unwrap();
        assert_eq!(taken.deltas().most_connections.unwrap().value, 3);
    }
}
