//! Who is on other nodes, by what they tell. Pure: time is handed in, as what has passed since some moment.
//!
//! A node numbers its moves, and says with every pulse how many it has told: whoever has missed one asks for the roll. A node
//! that is silent for too long has died, and its people with it, unless it is we who can't hear.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::{
    backplane::{Gossip, Guest, Move, NodeId, Resident},
    domain::{
        clock::Timestamp,
        ids::{ConversationId, UserId},
    },
};

/// How often a node tells that it lives.
pub(super) const PULSE: Duration = Duration::from_secs(2);
/// After how long without a pulse a node counts as dead, and its people as gone.
pub(super) const LIFE: Duration = Duration::from_secs(10);
/// How soon the roll is called again at the earliest.
const CALL_AGAIN: Duration = Duration::from_millis(500);

/// Somebody has come to another node, or gone from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) who: Resident,
    /// When they went, if it is known; none: they are there.
    pub(super) gone: Option<Option<Timestamp>>,
    /// Where they can be seen, if it is known.
    pub(super) conversations: Option<Vec<ConversationId>>,
}

/// What gossip came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) changes: Vec<Change>,
    /// Something was missed: the node should call its roll.
    pub(super) call_roll: bool,
    /// Somebody wants to know who is on that node, or on all.
    pub(super) answer: Option<Option<NodeId>>,
}

#[derive(Debug)]
struct Node {
    /// How many moves of it are known; none before its first roll.
    number: Option<u64>,
    heard_at: Duration,
    called_at: Option<Duration>,
    people: HashMap<UserId, Option<Guest>>,
    /// A roll of which not all parts have come: after how many moves it was called, and its parts.
    roll: (u64, BTreeMap<usize, Vec<Resident>>),
}

/// The other nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    nodes: HashMap<NodeId, Node>,
    is_up: bool,
}

impl Nodes {
    /// Whether somebody is on another node.
    pub(super) fn has(&self, user: UserId) -> bool {
        self.nodes.values().any(|node| node.people.contains_key(&user))
    }

    /// What is known of somebody as a guest there; who has a socket counts most.
    pub(super) fn guest(&self, user: UserId) -> Option<Guest> {
        let known = self.nodes.values().filter_map(|node| node.people.get(&user)?.clone());
        known.max_by_key(|guest| guest.proof.is_some())
    }

    /// The others are heard from now on, or aren't; while they aren't, nobody is taken to have died.
    pub(super) fn link_changed(&mut self, is_up: bool, now: Duration) {
        self.is_up = is_up;
        self.nodes.values_mut().for_each(|node| node.heard_at = now);
    }

    /// What a node told.
    pub(super) fn hear(&mut self, from: NodeId, gossip: Gossip, now: Duration) -> Told {
        let node = self.nodes.entry(from).or_insert_with(|| Node {
            number: None,
            heard_at: now,
            called_at: None,
            people: HashMap::new(),
            roll: Default::default(),
        });
        node.heard_at = now;
        let mut told = Told::default();
        let has_missed = match gossip {
            Gossip::Pulse(number) => node.number.is_none_or(|known| number > known),
            Gossip::Moves { number, moves } => match node.number {
                Some(known) if number == known + 1 => {
                    node.number = Some(number);
                    told.changes = moves.into_iter().map(|moved| node.apply(moved)).collect();
                    false
                }
                known => known.is_none_or(|known| number > known),
            },
            Gossip::Roll { number, part, parts, people } => {
                told.changes = node.enroll(number, part, parts, people);
                false
            }
            Gossip::CallRoll(whose) => {
                told.answer = Some(whose);
                false
            }
        };
        told.call_roll = has_missed && node.may_call(now);
        told
    }

    /// Those who were on nodes that have died.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Change> {
        if !self.is_up {
            return Vec::new();
        }
        let dead: Vec<Node> = self.nodes.extract_if(|_, node| now >= node.heard_at + LIFE).map(|(_, node)| node).collect();
        dead.into_iter().flat_map(|node| node.people).map(gone).collect()
    }
}

impl Node {
    fn may_call(&mut self, now: Duration) -> bool {
        let may = self.called_at.is_none_or(|at| now >= at + CALL_AGAIN);
        if may {
            self.called_at = Some(now);
        }
        may
    }

    fn apply(&mut self, Move { who, gone_at, conversations }: Move) -> Change {
        match gone_at {
            None => self.people.insert(who.user_id, who.guest.clone()),
            Some(_) => self.people.remove(&who.user_id),
        };
        Change { who, gone: gone_at.map(Some), conversations: Some(conversations) }
    }

    /// Takes a part of a roll; once all are there, who has come or gone by it.
    fn enroll(&mut self, number: u64, part: usize, parts: usize, people: Vec<Resident>) -> Vec<Change> {
        if self.number.is_some_and(|known| number < known) {
            return Vec::new();
        }
        if self.roll.0 != number {
            self.roll = (number, BTreeMap::new());
        }
        self.roll.1.insert(part, people);
        if self.roll.1.len() < parts {
            return Vec::new();
        }
        let (_, roll) = std::mem::take(&mut self.roll);
        self.number = Some(number);
        let mut before = std::mem::take(&mut self.people);
        let mut changes = Vec::new();
        for who in roll.into_values().flatten() {
            let was_here = before.remove(&who.user_id).is_some();
            self.people.insert(who.user_id, who.guest.clone());
            if !was_here {
                changes.push(Change { who, gone: None, conversations: None });
            }
        }
        changes.extend(before.into_iter().map(gone));
        changes
    }
}

fn gone((user_id, guest): (UserId, Option<Guest>)) -> Change {
    Change { who: Resident { user_id, guest }, gone: Some(None), conversations: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    fn member() -> Resident {
        Resident { user_id: UserId::fresh(), guest: None }
    }

    fn came(who: &Resident) -> Move {
        Move { who: who.clone(), gone_at: None, conversations: Vec::new() }
    }

    fn went(who: &Resident) -> Move {
        Move { gone_at: Some(Clock::system().now()), ..came(who) }
    }

    fn moves(number: u64, moves: Vec<Move>) -> Gossip {
        Gossip::Moves { number, moves }
    }

    fn roll(number: u64, people: &[&Resident]) -> Gossip {
        Gossip::Roll { number, part: 0, parts: 1, people: people.iter().map(|who| (*who).clone()).collect() }
    }

    #[test]
    fn what_was_missed_is_asked_for() {
        let (mut nodes, node, now) = (Nodes::default(), NodeId::fresh(), Duration::from_secs(7));
        let (ann, bob, cleo) = (member(), member(), member());
        assert!(nodes.hear(node, Gossip::Pulse(0), now).call_roll, "it is new");
        assert!(!nodes.hear(node, Gossip::Pulse(0), now).call_roll, "not again at once");
        assert_eq!(nodes.hear(node, roll(0, &[&ann]), now).changes.len(), 1);
        assert!(!nodes.hear(node, Gossip::Pulse(0), now + CALL_AGAIN).call_roll);
        assert_eq!(nodes.hear(node, moves(1, vec![came(&bob), went(&ann)]), now).changes.len(), 2);
        assert!(nodes.has(bob.user_id) && !nodes.has(ann.user_id));
        assert_eq!(nodes.hear(node, moves(1, vec![came(&ann)]), now), Told::default(), "doubled");
        let ahead = nodes.hear(node, moves(3, vec![came(&ann)]), now + CALL_AGAIN);
        assert!(ahead.call_roll && ahead.changes.is_empty() && !nodes.has(ann.user_id));
        let changes = nodes.hear(node, roll(3, &[&cleo, &ann]), now).changes;
        assert_eq!(changes.iter().filter(|change| change.gone.is_none()).count(), 2);
        assert_eq!(changes.iter().filter(|change| change.gone == Some(None)).count(), 1, "bob went, nobody knows when");
        assert!(nodes.hear(node, roll(2, &[]), now).changes.is_empty(), "an older roll says nothing");
        assert!(nodes.hear(node, Gossip::Pulse(4), now + CALL_AGAIN * 2).call_roll, "the last one was lost");
        assert_eq!(nodes.hear(node, Gossip::CallRoll(Some(node)), now).answer, Some(Some(node)));
    }

    #[test]
    fn a_roll_comes_in_parts() {
        let (mut nodes, node, now) = (Nodes::default(), NodeId::fresh(), Duration::from_secs(7));
        let (ann, bob) = (member(), member());
        let part = |number, part, who: &Resident| Gossip::Roll { number, part, parts: 2, people: vec![who.clone()] };
        assert!(nodes.hear(node, part(1, 1, &bob), now).changes.is_empty());
        assert!(nodes.hear(node, part(1, 1, &bob), now).changes.is_empty(), "the same part twice");
        assert_eq!(nodes.hear(node, part(1, 0, &ann), now).changes.len(), 2);
        assert!(nodes.hear(node, part(2, 0, &ann), now).changes.is_empty());
        assert!(nodes.hear(node, part(3, 1, &bob), now).changes.is_empty(), "of another roll");
        assert_eq!(nodes.hear(node, moves(2, vec![went(&ann)]), now).changes.len(), 1);
    }

    #[test]
    fn a_dead_node_takes_its_people_with_it() {
        let (mut nodes, now) = (Nodes::default(), Duration::from_secs(7));
        let (one, other, ann) = (NodeId::fresh(), NodeId::fresh(), member());
        nodes.link_changed(true, now);
        nodes.hear(one, roll(0, &[&ann]), now);
        nodes.hear(other, roll(0, &[&ann]), now + LIFE / 2);
        assert_eq!(nodes.expire(now + LIFE).len(), 1);
        assert!(nodes.has(ann.user_id), "she is on the other as well");
        nodes.link_changed(false, now + LIFE);
        assert!(nodes.expire(now + LIFE * 9).is_empty(), "it is we who can't hear");
        nodes.link_changed(true, now + LIFE * 9);
        assert!(nodes.expire(now + LIFE * 9).is_empty());
        assert_eq!(nodes.expire(now + LIFE * 10).len(), 1);
        assert!(!nodes.has(ann.user_id));
    }
}
