//! Rooms of one conversation on several nodes, with a clock and dice of their own: whatever the bus, the database and the devices
//! do to them, what the gate and the room's policy promise must hold. A seed is a schedule, so what fails can be seen
//! again. One conversation is enough: conversations share nothing but their misfortunes.

mod room;

use std::{
    collections::BTreeMap,
    iter::repeat_with,
    ops::{Range, RangeInclusive},
};

use self::room::Room;
use super::Gate;
use crate::domain::ids::Rev;

/// In milliseconds, as rooms and nodes have them.
const HOLE_PATIENCE: u64 = 20;
const FETCH_AGAIN: u64 = 1_000;
const COMPARE: u64 = 5_000;
/// By then all is quiet.
const LAST: u64 = 120_000;
/// Smaller than in earnest, so that a few changes are more than fit.
const FETCH_PAGE: usize = 5;
const BACKLOG: usize = 4;

/// The truth: which row each `rev` changed, and which `rev` each row has now.
#[derive(Default)]
struct Database {
    changed: Vec<usize>,
    rows: Vec<Rev>,
}

impl Database {
    fn head(&self) -> Rev {
        Rev(self.changed.len() as i64)
    }

    fn commit(&mut self, row: usize) {
        self.changed.push(row);
        self.rows.resize(self.rows.len().max(row + 1), Rev(0));
        self.rows[row] = self.head();
    }

    /// Those after the one up to the other whose rows haven't changed since.
    fn present(&self, after: Rev, upto: Rev) -> impl Iterator<Item = Rev> {
        (after.0..upto.0).map(|rev| Rev(rev).next()).filter(|rev| self.rows[self.changed[rev.0 as usize - 1]] == *rev)
    }

    fn changes(&self, after: Rev, head: Rev) -> Changes {
        let revs: Vec<Rev> = self.present(after, head).take(FETCH_PAGE).collect();
        let upto = revs.last().filter(|_| revs.len() == FETCH_PAGE).map_or(head, |last| *last);
        Changes { revs, upto, more: upto < head }
    }
}

/// As the store tells them.
struct Changes {
    revs: Vec<Rev>,
    upto: Rev,
    more: bool,
}

/// Where it was committed, somebody waits to be told so.
#[derive(Clone, Copy, Debug)]
struct Change {
    rev: Rev,
    is_awaited: bool,
}

/// A node, and which of the rooms it had: what is sent to an earlier one, nobody gets.
type Address = (usize, u64);
/// The device that catches up; none is the room itself.
type Reader = Option<usize>;

enum Event {
    Commit,
    /// By the node's own writer, in commit order, or by the bus, anyhow. A node's own never come back to it by the bus: of two
    /// that are held back the gate keeps the first, which must be the one that somebody waits for.
    Publish {
        node: usize,
        revs: RangeInclusive<i64>,
        is_own: bool,
    },
    Suspect(usize),
    /// The database's head is read, then the rows up to there.
    Read(Address, Reader, Rev, Option<Rev>),
    Tell(Address, Told),
    Compare(usize),
    Compared(usize, Rev),
    /// A device is told where to begin, and joins a little later.
    Come(usize),
    Join {
        device: usize,
        node: usize,
        since: Rev,
    },
    Leave(usize),
}

enum Told {
    Patience,
    Behind(Rev),
    Fetched(Reader, Rev, Option<Changes>),
    FetchAgain(Reader),
}

#[derive(Default)]
struct Device {
    since: Option<Rev>,
    heard: Vec<Rev>,
    node: Option<usize>,
}

impl Device {
    /// The last change that it knows of; with that it comes back, wherever it does.
    fn cursor(&self) -> Rev {
        self.heard.last().copied().or(self.since).unwrap_or_default()
    }
}

/// Everything but the rooms.
struct World {
    seed: u64,
    dice: fastrand::Rng,
    now: u64,
    /// Until then there are commits, and fetches fail.
    end: u64,
    scheduled: u64,
    agenda: BTreeMap<(u64, u64), Event>,
    database: Database,
    devices: Vec<Device>,
    /// How often each who waits was told.
    answers: BTreeMap<Rev, u32>,
}

impl World {
    #[track_caller]
    fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        assert!(holds, "SIMULATION_SEED={} replays it: at {} ms {}", self.seed, self.now, what());
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.scheduled += 1;
        self.agenda.insert((self.now + delay, self.scheduled), event);
    }

    /// Mostly short, sometimes long.
    fn delay(&mut self) -> u64 {
        let most = [4, 4, 4, 4, 40, 40, 400, 4_000][self.dice.usize(0..8)];
        self.dice.u64(0..most)
    }

    fn soon(&mut self, event: Event) {
        let delay = self.delay();
        self.after(delay, event);
    }

    fn one_in(&mut self, of: u32) -> bool {
        self.dice.u32(0..of) == 0
    }

    fn fails(&mut self) -> bool {
        self.now < self.end && self.one_in(8)
    }

    fn answer(&mut self, change: Change) {
        if change.is_awaited {
            *self.answers.entry(change.rev).or_default() += 1;
        }
    }

    fn hear(&mut self, device: usize, rev: Rev) {
        let cursor = self.devices[device].cursor();
        self.check(rev > cursor, || format!("device {device} hears {rev:?} after {cursor:?}"));
        let missed = self.database.present(cursor, Rev(rev.0 - 1)).next();
        self.check(missed.is_none(), || format!("device {device} hears {rev:?} without {missed:?}"));
        self.devices[device].heard.push(rev);
    }
}

/// The nodes, and what befalls them.
struct Cluster {
    world: World,
    rooms: Vec<Option<Room>>,
    /// Until when what each node published to itself is under way: none overtakes another.
    published: Vec<u64>,
    /// The bus loses one in so many.
    loss: u32,
    /// When it loses everything, and for which nodes.
    interruptions: Vec<(Range<u64>, u64)>,
}

impl Cluster {
    fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let nodes = dice.usize(2..=4);
        let devices = repeat_with(Device::default).take(dice.usize(nodes..=7)).collect();
        let (pace, loss) = ([2, 20, 200][dice.usize(0..3)], [2, 5, 20, 1_000][dice.usize(0..4)]);
        let pauses: Vec<u64> = (0..dice.u64(20..=60)).map(|_| dice.u64(0..=pace)).collect();
        let end = pauses.iter().sum();
        let spans = dice.usize(0..3);
        let interruption = || (dice.u64(0..=end), dice.u64(0..=end), dice.u64(..));
        let interruptions =
            repeat_with(interruption).take(spans).map(|(from, length, nodes)| (from..from + length, nodes)).collect();
        let (agenda, database, answers) = Default::default();
        let mut world = World { seed, dice, now: 0, end, scheduled: 0, agenda, database, devices, answers };
        pauses.iter().fold(0, |at, pause| {
            world.after(at + pause, Event::Commit);
            at + pause
        });
        for device in 0..world.devices.len() {
            let at = world.dice.u64(0..=end);
            world.after(at, Event::Come(device));
        }
        for node in 0..nodes {
            let at = world.dice.u64(0..COMPARE);
            world.after(at, Event::Compare(node));
        }
        Self { world, rooms: repeat_with(|| None).take(nodes).collect(), published: vec![0; nodes], loss, interruptions }
    }

    fn run(&mut self) {
        while let Some(((now, _), event)) = self.world.agenda.pop_first() {
            self.world.now = now;
            self.world.check(now < self.world.end + LAST, || "there is still no end".to_owned());
            self.handle(event);
            self.rooms.iter().flatten().for_each(|room| room.check(&self.world));
        }
    }

    fn handle(&mut self, event: Event) {
        let Self { world, rooms, .. } = self;
        match event {
            Event::Commit => self.commit(),
            Event::Publish { node, revs, is_own } => {
                let changes = revs.map(|rev| Change { rev: Rev(rev), is_awaited: is_own });
                match &mut rooms[node] {
                    Some(room) => room.publish(changes, world),
                    None => changes.for_each(|change| world.answer(change)),
                }
            }
            Event::Suspect(node) => rooms[node].iter_mut().for_each(|room| room.look(world)),
            Event::Read(room, reader, after, head) => {
                let next = match head {
                    _ if world.fails() => Event::Tell(room, Told::Fetched(reader, after, None)),
                    None => Event::Read(room, reader, after, Some(world.database.head())),
                    Some(head) => Event::Tell(room, Told::Fetched(reader, after, Some(world.database.changes(after, head)))),
                };
                world.soon(next);
            }
            Event::Tell(address, told) => {
                if let Some(room) = rooms[address.0].as_mut().filter(|room| room.address == address) {
                    room.told(told, world);
                }
            }
            Event::Compare(node) => {
                if !world.fails() {
                    world.soon(Event::Compared(node, world.database.head()));
                }
                if world.now < world.end {
                    world.after(COMPARE, Event::Compare(node));
                }
            }
            Event::Compared(node, head) => {
                rooms[node].iter().for_each(|room| room.stands_at(head, world));
            }
            Event::Come(device) => {
                let head = world.database.head();
                let first = if world.one_in(4) { Rev(world.dice.i64(0..=head.0)) } else { head };
                world.devices[device].since.get_or_insert(first);
                let since = world.devices[device].cursor();
                let node = world.dice.usize(0..rooms.len());
                world.soon(Event::Join { device, node, since });
            }
            Event::Join { device, node, since } => {
                world.devices[device].node = Some(node);
                let address = (node, world.scheduled);
                rooms[node].get_or_insert_with(|| Room::open(address, since, world)).join(device, since, world);
                if world.now < world.end && world.one_in(2) {
                    world.soon(Event::Leave(device));
                }
            }
            Event::Leave(device) => {
                if let Some(node) = world.devices[device].node.take()
                    && let Some(room) = rooms[node].take_if(|room| room.leave(device))
                {
                    room.gate.held().for_each(|change| world.answer(*change));
                }
                world.soon(Event::Come(device));
            }
        }
    }

    /// A transaction of a few changes, and what is said of it.
    fn commit(&mut self) {
        let Self { world, rooms, .. } = self;
        let (node, first) = (world.dice.usize(0..rooms.len()), world.database.head().0 + 1);
        for _ in 0..[1, 1, 1, 3][world.dice.usize(0..4)] {
            let rows = world.database.rows.len();
            let row = if world.one_in(2) { rows.saturating_sub(world.dice.usize(0..5)) } else { rows };
            world.database.commit(row);
        }
        let revs = first..=world.database.head().0;
        // Its answer is lost: the node doesn't know what to publish.
        if world.one_in(32) {
            return world.soon(Event::Suspect(node));
        }
        self.published[node] = self.published[node].max(world.now + world.delay());
        world.after(self.published[node] - world.now, Event::Publish { node, revs: revs.clone(), is_own: true });
        world.answers.extend(revs.clone().map(|rev| (Rev(rev), 0)));
        let is_off = |node| self.interruptions.iter().any(|(span, nodes)| span.contains(&world.now) && nodes >> node & 1 == 1);
        let others: Vec<usize> = (0..rooms.len()).filter(|other| *other != node && !is_off(*other)).collect();
        for (node, rev) in others.into_iter().flat_map(|node| revs.clone().map(move |rev| (node, rev))) {
            let copies = if world.one_in(self.loss) { 0 } else { 1 + u32::from(world.one_in(8)) };
            (0..copies).for_each(|_| world.soon(Event::Publish { node, revs: rev..=rev, is_own: false }));
        }
    }

    /// All is quiet, and every node has compared its room with the database since.
    fn judge(&self) {
        let Self { world, rooms, .. } = self;
        let head = world.database.head();
        for (node, room) in rooms.iter().enumerate().filter_map(|(node, room)| Some((node, room.as_ref()?))) {
            world.check(room.gate.head() == head, || format!("node {node} ends at {:?} of {head:?}", room.gate.head()));
        }
        for (number, device) in world.devices.iter().enumerate() {
            let since = device.since.unwrap_or_default();
            let missed = world.database.present(since, head).find(|rev| !device.heard.contains(rev));
            world.check(missed.is_none(), || format!("device {number} never heard {missed:?}"));
        }
        for (rev, answers) in &world.answers {
            world.check(*answers == 1, || format!("who waited for {rev:?} was told {answers} times"));
        }
    }
}

/// `SIMULATION_SEED` is the first of them, `SIMULATION_SCHEDULES` how many.
#[test]
fn schedules() {
    let setting = |name, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let first: u64 = setting("SIMULATION_SEED", 1);
    for seed in first..first + setting("SIMULATION_SCHEDULES", 10_000) {
        let mut cluster = Cluster::new(seed);
        cluster.run();
        cluster.judge();
    }
}
