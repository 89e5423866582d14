//! The gate of a room: lets changes through in `rev` order, each once, without gaps. Pure.

use std::collections::{BTreeMap, btree_map::IntoValues};

use crate::domain::ids::Rev;

/// Knows the last `rev` let through, drops what isn't above it, holds back what is ahead of it.
#[derive(Debug)]
pub(super) struct Gate<T> {
    head: Rev,
    ahead: BTreeMap<Rev, T>,
}

impl<T> Gate<T> {
    pub(super) fn new(head: Rev) -> Self {
        Self { head, ahead: BTreeMap::new() }
    }

    pub(super) fn head(&self) -> Rev {
        self.head
    }

    /// Whether something waits for what is missing before it.
    pub(super) fn has_hole(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// What is held back.
    pub(super) fn held(&self) -> impl Iterator<Item = &T> {
        self.ahead.values()
    }

    /// Takes a change; what may pass now goes to `pass`, in order. One that has passed before comes back.
    pub(super) fn offer(&mut self, rev: Rev, change: T, pass: &mut Vec<T>) -> Option<T> {
        if rev == self.head.next() {
            self.head = rev;
            pass.push(change);
            self.release(pass);
        } else if rev > self.head {
            self.ahead.entry(rev).or_insert(change);
        } else {
            return Some(change);
        }
        None
    }

    /// Takes what the database says changed up to `upto`, by ascending `rev`. That is the present state of the
    /// rows, so it has holes by nature; what is held back up to there is covered by it, and passes in its stead where both
    /// are the same change, because it may know more (who waits for it). Comes back: what was held back and has changed since.
    pub(super) fn fill(
        &mut self,
        changes: impl IntoIterator<Item = (Rev, T)>,
        upto: Rev,
        pass: &mut Vec<T>,
    ) -> IntoValues<Rev, T> {
        for (rev, change) in changes {
            if rev > self.head {
                self.head = rev;
                pass.push(self.ahead.remove(&rev).unwrap_or(change));
            }
        }
        self.head = self.head.max(upto);
        let after = self.ahead.split_off(&self.head.next());
        let covered = std::mem::replace(&mut self.ahead, after);
        self.release(pass);
        covered.into_values()
    }

    fn release(&mut self, pass: &mut Vec<T>) {
        while let Some(entry) = self.ahead.first_entry().filter(|entry| *entry.key() == self.head.next()) {
            self.head = *entry.key();
            pass.push(entry.remove());
        }
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever is lost, doubled or swapped on the way: once the holes are filled from the database,
        /// everything has passed once, in order.
        #[test]
        fn in_order_and_once(
            start in 0..5_i64,
            arrivals in prop::collection::vec(1..40_i64, 0..120),
            fills in prop::collection::vec(0..120_usize, 0..6),
        ) {
            let mut gate = Gate::new(Rev(start));
            let mut passed = Vec::new();
            let mut newest = start;
            for (i, rev) in arrivals.into_iter().enumerate() {
                newest = newest.max(rev);
                gate.offer(Rev(rev), rev, &mut passed);
                if fills.contains(&i) {
                    let after = gate.head().0;
                    let _none = gate.fill((after + 1..=newest).map(|r| (Rev(r), r)), Rev(newest), &mut passed);
                    prop_assert!(!gate.has_hole());
                }
            }
            let after = gate.head().0;
            let _none = gate.fill((after + 1..=newest).map(|r| (Rev(r), r)), Rev(newest), &mut passed);
            prop_assert_eq!(passed, (start + 1..=newest).collect::<Vec<_>>());
            prop_assert_eq!(gate.head(), Rev(newest));
        }
    }

    #[test]
    fn a_fill_may_have_holes_and_be_stale() {
        let mut gate = Gate::new(Rev(3));
        let mut passed = Vec::new();
        gate.offer(Rev(9), 9, &mut passed);
        gate.offer(Rev(6), 6, &mut passed);
        let covered = gate.fill([(Rev(2), 2), (Rev(5), 5)], Rev(8), &mut passed);
        assert_eq!(passed, [5, 9], "6 was covered by the fill: the row has changed since");
        assert!(covered.eq([6]), "it comes back");
        assert_eq!(gate.offer(Rev(7), 7, &mut passed), Some(7), "what has passed comes back");
        assert_eq!(gate.fill([], Rev(4), &mut passed).count(), 0);
        assert_eq!(gate.head(), Rev(9));
    }
}
