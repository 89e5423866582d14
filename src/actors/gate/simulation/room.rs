//! What the actor `Room` does as far as order goes, function by function.

use std::collections::BTreeMap;

use super::{Address, BACKLOG, Change, Changes, Event, FETCH_AGAIN, Gate, HOLE_PATIENCE, Rev, Told, World};

#[derive(PartialEq)]
enum Looking {
    No,
    Once,
    Again,
}

struct CatchingUp {
    told: Rev,
    target: Rev,
    backlog: Vec<Rev>,
}

/// The room of one node.
pub(super) struct Room {
    pub(super) address: Address,
    pub(super) gate: Gate<Change>,
    looking: Looking,
    attached: Vec<usize>,
    catching_up: BTreeMap<usize, CatchingUp>,
    waiting: Vec<(Rev, usize)>,
    /// How many holes were given time.
    patience: u32,
}

impl Room {
    pub(super) fn open(address: Address, head: Rev, world: &mut World) -> Self {
        let (attached, catching_up, waiting) = Default::default();
        let mut room = Self { address, gate: Gate::new(head), looking: Looking::No, attached, catching_up, waiting, patience: 0 };
        room.look(world);
        room
    }

    pub(super) fn look(&mut self, world: &mut World) {
        if self.looking == Looking::No {
            self.looking = Looking::Once;
            world.soon(Event::Read(self.address, None, self.gate.head(), None));
        } else {
            self.looking = Looking::Again;
        }
    }

    fn look_later(&mut self, world: &mut World) {
        if self.looking == Looking::No {
            self.patience += 1;
            world.after(HOLE_PATIENCE, Event::Tell(self.address, Told::Patience));
        }
    }

    pub(super) fn publish(&mut self, changes: impl Iterator<Item = Change>, world: &mut World) {
        let (mut passed, mut head) = (Vec::new(), self.gate.head());
        for change in changes {
            self.gate.offer(change.rev, change, &mut passed).into_iter().for_each(|known| world.answer(known));
        }
        for Change { rev, .. } in &passed {
            world.check(*rev == head.next(), || format!("{rev:?} passes live after {head:?}"));
            head = *rev;
        }
        self.deliver(passed, world);
        if self.gate.has_hole() {
            self.look_later(world);
        }
    }

    fn deliver(&mut self, passed: Vec<Change>, world: &mut World) {
        for change in passed {
            self.admit(|since| since < change.rev);
            for device in self.catching_up.values_mut() {
                device.backlog.push(change.rev);
                if device.backlog.len() > BACKLOG {
                    device.backlog.clear();
                    device.target = change.rev;
                }
            }
            self.attached.iter().for_each(|device| world.hear(*device, change.rev));
            world.answer(change);
        }
        let head = self.gate.head();
        self.admit(|since| since <= head);
    }

    fn admit(&mut self, may: impl Fn(Rev) -> bool) {
        self.attached.extend(self.waiting.extract_if(.., |(since, _)| may(*since)).map(|(_, device)| device));
    }

    pub(super) fn join(&mut self, device: usize, since: Rev, world: &mut World) {
        let head = self.gate.head();
        if since == head {
            self.attached.push(device);
        } else if since > head {
            self.waiting.push((since, device));
            self.look_later(world);
        } else {
            self.catching_up.insert(device, CatchingUp { told: since, target: head, backlog: Vec::new() });
            world.soon(Event::Read(self.address, Some(device), since, None));
        }
    }

    /// True when nobody is left.
    pub(super) fn leave(&mut self, device: usize) -> bool {
        self.catching_up.remove(&device);
        self.waiting.retain(|(_, waiting)| *waiting != device);
        self.attached.retain(|attached| *attached != device);
        self.catching_up.is_empty() && self.waiting.is_empty() && self.attached.is_empty()
    }

    pub(super) fn stands_at(&self, head: Rev, world: &mut World) {
        if head > self.gate.head() {
            world.after(HOLE_PATIENCE, Event::Tell(self.address, Told::Behind(head)));
        }
    }

    pub(super) fn told(&mut self, told: Told, world: &mut World) {
        match told {
            Told::Patience => {
                self.patience -= 1;
                if self.gate.has_hole() || !self.waiting.is_empty() {
                    self.look(world);
                }
            }
            Told::Behind(head) if head > self.gate.head() => self.look(world),
            Told::Behind(_) => {}
            Told::Fetched(Some(device), after, _) if self.catching_up.get(&device).is_none_or(|it| it.told != after) => {}
            Told::Fetched(reader, _, None) => world.after(FETCH_AGAIN, Event::Tell(self.address, Told::FetchAgain(reader))),
            Told::Fetched(None, _, Some(changes)) => self.fill(changes, world),
            Told::Fetched(Some(device), _, Some(changes)) => self.tell(device, changes, world),
            Told::FetchAgain(None) => world.soon(Event::Read(self.address, None, self.gate.head(), None)),
            Told::FetchAgain(Some(device)) => {
                if let Some(waiting) = self.catching_up.get(&device) {
                    world.soon(Event::Read(self.address, Some(device), waiting.told, None));
                }
            }
        }
    }

    fn fill(&mut self, changes: Changes, world: &mut World) {
        let mut passed = Vec::new();
        let revs = changes.revs.into_iter().map(|rev| (rev, Change { rev, is_awaited: false }));
        let covered = self.gate.fill(revs, changes.upto, &mut passed);
        world.check(self.gate.head() >= changes.upto, || format!("filled up to {:?}, not {:?}", self.gate.head(), changes.upto));
        self.deliver(passed, world);
        covered.for_each(|change| world.answer(change));
        let again = std::mem::replace(&mut self.looking, Looking::No) == Looking::Again;
        if again || changes.more || self.gate.has_hole() {
            self.look(world);
        } else if !self.waiting.is_empty() {
            self.look_later(world);
        }
    }

    fn tell(&mut self, device: usize, changes: Changes, world: &mut World) {
        let Some(mut catching_up) = self.catching_up.remove(&device) else { return };
        changes.revs.iter().filter(|rev| **rev <= catching_up.target).for_each(|rev| world.hear(device, *rev));
        catching_up.told = changes.upto;
        if catching_up.told < catching_up.target {
            world.soon(Event::Read(self.address, Some(device), catching_up.told, None));
            self.catching_up.insert(device, catching_up);
        } else {
            catching_up.backlog.iter().for_each(|rev| world.hear(device, *rev));
            self.attached.push(device);
        }
    }

    /// What has to hold whenever nothing is being handled.
    pub(super) fn check(&self, world: &World) {
        let is_idle = self.looking == Looking::No && self.patience == 0;
        let is_content = !self.gate.has_hole() && self.waiting.is_empty();
        world.check(!is_idle || is_content, || format!("{:?} misses something and doesn't look", self.address));
        let head = self.gate.head();
        let stuck = self.gate.held().find(|change| change.rev <= head.next());
        world.check(stuck.is_none(), || format!("{:?} holds back {stuck:?} at {head:?}", self.address));
    }
}
