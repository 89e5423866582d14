//! When the next message is due.

use std::time::Duration;

/// How the talkers talk.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each room keeps so many messages under way: what its talker hears of itself makes room for the next.
    Closed(usize),
    /// So many messages a second, in all rooms together and in turn, whatever becomes of them.
    Open(f64),
}

/// Messages that are due by the clock. What couldn't be sent in time counts as sent when it was due.
#[derive(Debug)]
pub(super) struct Timetable {
    gap: f64,
    next: u64,
}

impl Timetable {
    /// From the start of the run.
    pub(super) fn new(per_second: f64) -> Self {
        Self { gap: 1e6 / per_second, next: 0 }
    }

    /// The how manyth message is due by now, and the microsecond at which it was; none when none is.
    pub(super) fn due(&mut self, now: u64) -> Option<(u64, u64)> {
        let at = (self.next as f64 * self.gap) as u64;
        (at <= now).then(|| {
            self.next += 1;
            (self.next - 1, at)
        })
    }

    /// How long until the next one is due.
    pub(super) fn wait(&self, now: u64) -> Duration {
        Duration::from_micros(((self.next as f64 * self.gap) as u64).saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_was_due_in_time() {
        let mut timetable = Timetable::new(1_000.0);
        assert_eq!(
            (timetable.due(2_500), timetable.due(2_500), timetable.due(2_500)),
            (Some((0, 0)), Some((1, 1_000)), Some((2, 2_000)))
        );
        assert_eq!((timetable.due(2_500), timetable.wait(2_500)), (None, Duration::from_micros(500)));
    }
}
