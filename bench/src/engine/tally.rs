//! What the listeners have heard: how many deliveries, how late, what got lost and what came twice.

use hdrhistogram::Histogram;

/// The longest that is told apart, in microseconds.
const LONGEST: u64 = 120_000_000;

/// Microseconds, three digits exact.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST, 3).unwrap_or_else(|_| unreachable!("these bounds are allowed"))
}

/// What has been counted.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) messages: u64,
    pub(super) deliveries: u64,
    pub(super) doubled: u64,
    /// From sending to each listener.
    pub(super) latency: Histogram<u64>,
    /// From sending to the last listener.
    pub(super) reached: Histogram<u64>,
    rooms: Vec<Room>,
}

/// The messages of a room that not everybody has heard.
#[derive(Debug)]
struct Room {
    members: usize,
    /// The number of the first one of this measurement.
    since: u64,
    /// The number of the oldest of them.
    first: u64,
    /// Who hasn't heard each.
    missing: std::collections::VecDeque<Missing>,
}

#[derive(Debug)]
struct Missing {
    count: usize,
    heard: Vec<u64>,
}

impl Tally {
    /// For rooms of so many members.
    pub(super) fn new(rooms: impl Iterator<Item = usize>) -> Self {
        let room = |members| Room { members, since: 0, first: 0, missing: Default::default() };
        Self {
            messages: 0,
            deliveries: 0,
            doubled: 0,
            latency: histogram(),
            reached: histogram(),
            rooms: rooms.map(room).collect(),
        }
    }

    /// A measurement begins: what is still missing of the one before isn't of this one, and isn't waited for any more.
    pub(super) fn begin(&mut self) {
        self.reset();
        self.doubled = 0;
        for room in &mut self.rooms {
            room.first += room.missing.drain(..).count() as u64;
            room.since = room.first;
        }
    }

    /// Forgets what was counted; not what is under way, nor what went wrong.
    pub(super) fn reset(&mut self) {
        (self.messages, self.deliveries) = (0, 0);
        self.latency.reset();
        self.reached.reset();
    }

    /// The room's next message is under way; its number.
    pub(super) fn sent(&mut self, room: usize) -> u64 {
        let room = &mut self.rooms[room];
        room.missing.push_back(Missing { count: room.members, heard: vec![0; room.members.div_ceil(64)] });
        room.first + room.missing.len() as u64 - 1
    }

    /// A member hears a message that was sent so many microseconds ago; whether it is the first time.
    pub(super) fn heard(&mut self, room: usize, member: usize, number: u64, micros: u64) -> bool {
        let room = &mut self.rooms[room];
        if number < room.since {
            return false;
        }
        let place = number.checked_sub(room.first).and_then(|place| usize::try_from(place).ok());
        let Some(missing) = place.and_then(|place| room.missing.get_mut(place)) else {
            self.doubled += 1;
            return false;
        };
        let (word, bit) = (&mut missing.heard[member / 64], 1 << (member % 64));
        if *word & bit != 0 {
            self.doubled += 1;
            return false;
        }
        *word |= bit;
        missing.count -= 1;
        self.deliveries += 1;
        self.latency.saturating_record(micros);
        if missing.count == 0 {
            self.messages += 1;
            self.reached.saturating_record(micros);
        }
        while room.missing.front().is_some_and(|missing| missing.count == 0) {
            room.missing.pop_front();
            room.first += 1;
        }
        true
    }

    /// Deliveries that are still due.
    pub(super) fn due(&self) -> u64 {
        self.rooms.iter().flat_map(|room| &room.missing).map(|missing| missing.count as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_comes_twice_is_counted() {
        let mut tally = Tally::new([2, 70].into_iter());
        assert_eq!((tally.sent(0), tally.sent(0), tally.sent(1)), (0, 1, 0));
        assert!(tally.heard(0, 0, 0, 10) && tally.heard(0, 0, 1, 10) && tally.heard(0, 1, 1, 30));
        assert!(!tally.heard(0, 1, 1, 30), "again");
        assert_eq!((tally.messages, tally.deliveries, tally.doubled, tally.due()), (1, 3, 1, 71));
        assert!(tally.heard(0, 1, 0, 50));
        assert!(!tally.heard(0, 0, 0, 50), "again, after everybody");
        assert!((0..70).all(|member| tally.heard(1, member, 0, 5)));
        assert_eq!((tally.messages, tally.deliveries, tally.doubled, tally.due()), (3, 74, 2, 0));
        assert_eq!((tally.reached.max(), tally.reached.min()), (50, 5));
    }

    #[test]
    fn what_a_measurement_has_lost_is_not_of_the_next() {
        let mut tally = Tally::new([2].into_iter());
        assert_eq!((tally.sent(0), tally.sent(0)), (0, 1));
        assert!(tally.heard(0, 0, 0, 10) && tally.heard(0, 0, 1, 10) && !tally.heard(0, 0, 0, 10));
        tally.begin();
        assert_eq!((tally.due(), tally.doubled, tally.deliveries), (0, 0, 0));
        assert_eq!(tally.sent(0), 2);
        assert!(!tally.heard(0, 1, 0, 900), "too late");
        assert_eq!((tally.due(), tally.doubled, tally.deliveries, tally.latency.len()), (2, 0, 0, 0));
        assert!(tally.heard(0, 0, 2, 10) && tally.heard(0, 1, 2, 10));
        assert_eq!((tally.due(), tally.messages), (0, 1));
    }
}
