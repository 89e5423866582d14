//! How many in the last minute.

use std::time::{Duration, Instant};

/// Over how long the rate is taken.
const WINDOW: Duration = Duration::from_secs(60);

/// What happened in each second of the last minute.
#[derive(Debug)]
pub(super) struct Rate {
    start: Instant,
    slots: [(u64, u64); WINDOW.as_secs() as usize],
}

impl Rate {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, slots: [(0, 0); WINDOW.as_secs() as usize] }
    }

    pub(super) fn add(&mut self, now: Instant, count: u64) {
        let second = (now - self.start).as_secs();
        let slot = &mut self.slots[(second % WINDOW.as_secs()) as usize];
        if slot.0 != second {
            *slot = (second, 0);
        }
        slot.1 += count;
    }

    pub(super) fn per_minute(&self, now: Instant) -> u64 {
        let second = (now - self.start).as_secs();
        let since = (second + 1).saturating_sub(WINDOW.as_secs());
        self.slots.iter().filter(|(at, _)| *at >= since).map(|(_, count)| count).sum()
    }

    pub(super) fn per_second(&self, now: Instant) -> f64 {
        self.per_minute(now) as f64 / WINDOW.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_forgets_after_a_minute() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        rate.add(start, 30);
        rate.add(start + Duration::from_secs(59), 30);
        assert_eq!(rate.per_second(start + Duration::from_secs(59)), 1.0);
        assert_eq!(rate.per_second(start + Duration::from_secs(60)), 0.5);
        assert_eq!(rate.per_minute(start + Duration::from_secs(60)), 30);
        assert_eq!(rate.per_second(start + Duration::from_secs(300)), 0.0);
    }
}
