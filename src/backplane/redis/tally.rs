//! What was heard of each node, by the numbers that letters carry: whether something is missing. Pure.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::place::CHANNELS;
use crate::backplane::NodeId;

/// Nodes that aren't heard of for so long are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Node {
    /// By channel, the number of the last letter; none: not known yet.
    last: Vec<Option<u64>>,
    /// Whether it has told how far its numbers have come.
    has_counted: bool,
    heard_at: Instant,
}

/// The other nodes' numbers.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<NodeId, Node>);

impl Tally {
    fn node(&mut self, from: NodeId, now: Instant) -> &mut Node {
        if !self.0.contains_key(&from) {
            self.0.retain(|_, node| now - node.heard_at < FORGOTTEN);
        }
        let node = self.0.entry(from).or_insert_with(|| Node { last: vec![None; CHANNELS], has_counted: false, heard_at: now });
        node.heard_at = now;
        node
    }

    /// A letter came; whether any before it didn't. One that comes late, or twice, has been missed before.
    pub(super) fn letter(&mut self, from: NodeId, channel: usize, number: u64, now: Instant) -> bool {
        let Some(last) = self.node(from, now).last.get_mut(channel) else { return false };
        let has_missed = last.is_some_and(|last| number > last + 1);
        *last = Some(last.map_or(number, |last| last.max(number)));
        has_missed
    }

    /// A node says how far its numbers have come; whether any letter before that is missing. The first time nobody can tell.
    pub(super) fn count(&mut self, from: NodeId, numbers: &[u64], now: Instant) -> bool {
        let node = self.node(from, now);
        let mut has_missed = !std::mem::replace(&mut node.has_counted, true);
        for (last, number) in node.last.iter_mut().zip(numbers) {
            has_missed |= last.is_some_and(|last| *number > last);
            *last = Some(last.map_or(*number, |last| last.max(*number)));
        }
        has_missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_missed_once() {
        let (mut tally, node, now) = (Tally::default(), NodeId::fresh(), Instant::now());
        assert!(!tally.letter(node, 3, 7, now), "whatever was before we listened");
        assert!(!tally.letter(node, 3, 8, now) && !tally.letter(node, 4, 1, now));
        assert!(tally.letter(node, 3, 10, now));
        assert!(!tally.letter(node, 3, 9, now) && !tally.letter(node, 3, 10, now) && !tally.letter(node, 3, 11, now));
        let mut numbers = vec![0; CHANNELS];
        (numbers[3], numbers[4]) = (11, 1);
        assert!(tally.count(node, &numbers, now), "nobody knows what was on channels that were silent");
        assert!(!tally.count(node, &numbers, now));
        numbers[4] = 2;
        assert!(tally.count(node, &numbers, now), "the last one");
        assert!(!tally.count(node, &numbers, now));
        assert!(!tally.letter(node, 5, 1, now));
        assert!(!tally.letter(NodeId::fresh(), 5, 9, now + FORGOTTEN), "another node");
        assert!(!tally.letter(node, 3, 99, now + FORGOTTEN), "forgotten");
        assert!(!tally.letter(node, CHANNELS, 1, now), "no such channel");
    }
}
