//! The hub of one worker thread: pushes what rooms deliver onto the outboxes that live there.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use bytes::Bytes;
use slab::Slab;

use super::{
    budget::Share,
    device::DeviceKey,
    outbox::{Outbox, Pushed, TICK, Traffic},
    vital::Vital,
};
use crate::{domain::ids::ConversationId, metrics::Metrics, wire::frame};

/// How often a hub tells what it has counted: a delivery adds to plain numbers, and no atomic one is touched.
const TELLING: Duration = Duration::from_secs(2);

/// Frames for every device of a conversation on this thread.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Whose.
    pub conversation: ConversationId,
    /// Finished frames, in order.
    pub pieces: Arc<[Bytes]>,
    /// Given back with the last hub's copy of this.
    pub shares: Arc<Vec<Share>>,
}

/// Frames for one device.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Push {
    /// Whose.
    pub device: DeviceKey,
    /// Finished frames.
    pub frames: Bytes,
}

/// From here on a device gets what the conversation delivers.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Attach {
    /// Whose deliveries.
    pub conversation: ConversationId,
    /// Who gets them.
    pub device: DeviceKey,
}

/// From here on it doesn't.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Detach {
    /// Whose deliveries.
    pub conversation: ConversationId,
    /// Who got them.
    pub device: DeviceKey,
}

#[derive(Debug)]
struct Berth {
    generation: u32,
    outbox: Rc<Outbox>,
}

/// The outboxes of one thread. Sessions put theirs here themselves, since neither side ever leaves the thread.
#[derive(Debug)]
pub struct Outboxes {
    hub: u32,
    berths: Slab<Berth>,
    generation: u32,
    traffic: Rc<Traffic>,
}

impl Outboxes {
    /// Gives a device its place and name.
    pub fn register(&mut self, outbox: Rc<Outbox>) -> DeviceKey {
        self.generation = self.generation.wrapping_add(1);
        outbox.counts_in(Rc::clone(&self.traffic));
        let slot = self.berths.insert(Berth { generation: self.generation, outbox });
        DeviceKey { hub: self.hub, slot: slot as u32, generation: self.generation }
    }

    /// Takes the device's place away; a second time does nothing.
    pub fn remove(&mut self, device: DeviceKey) {
        if self.berth(device).is_some() {
            self.berths.remove(device.slot as usize);
        }
    }

    /// Bytes that wait in all of them.
    fn waiting(&self) -> usize {
        self.berths.iter().map(|(_, berth)| berth.outbox.waiting()).sum()
    }

    fn berth(&self, device: DeviceKey) -> Option<&Berth> {
        self.berths.get(device.slot as usize).filter(|berth| berth.generation == device.generation)
    }
}

/// A worker thread's way to its hub.
#[derive(Clone, Debug)]
pub struct HubHandle {
    /// The actor.
    pub hub: Addr<Hub>,
    /// What the thread shares with it.
    pub outboxes: Rc<RefCell<Outboxes>>,
}

/// The actor.
#[derive(Debug)]
pub struct Hub {
    outboxes: Rc<RefCell<Outboxes>>,
    attached: HashMap<ConversationId, Vec<DeviceKey>>,
    /// Devices whose frames leave with the next tick.
    due: Vec<DeviceKey>,
    traffic: Rc<Traffic>,
    /// The waiting bytes that were told last.
    waiting: i64,
    metrics: Arc<Metrics>,
    _vital: Vital,
}

impl Hub {
    /// Starts the hub of the current thread.
    pub fn start_here(number: u32, metrics: Arc<Metrics>, vital: Vital) -> HubHandle {
        let traffic = Rc::new(Traffic::default());
        let outboxes = Outboxes { hub: number, berths: Slab::new(), generation: 0, traffic: Rc::clone(&traffic) };
        let outboxes = Rc::new(RefCell::new(outboxes));
        let hub = Self {
            outboxes: Rc::clone(&outboxes),
            attached: HashMap::new(),
            due: Vec::new(),
            traffic,
            waiting: 0,
            metrics,
            _vital: vital,
        };
        HubHandle { hub: hub.start(), outboxes }
    }

    fn tell(&mut self) {
        let (frames, bytes) = self.traffic.take();
        self.metrics.sent(frames, bytes);
        let waiting = self.outboxes.borrow().waiting() as i64;
        self.metrics.waiting_changed(waiting - self.waiting);
        self.waiting = waiting;
    }

    fn tick_later(&self, ctx: &mut Context<Self>) {
        ctx.run_later(TICK, |hub, _| {
            let now = Instant::now();
            let outboxes = hub.outboxes.borrow();
            for device in hub.due.drain(..) {
                if let Some(berth) = outboxes.berth(device) {
                    berth.outbox.wake(now);
                }
            }
        });
    }
}

/// Pushes onto one outbox; false when the device is no longer there.
fn push(outboxes: &Outboxes, due: &mut Vec<DeviceKey>, device: DeviceKey, frames: &Bytes, now: Instant) -> bool {
    let Some(berth) = outboxes.berth(device) else { return false };
    match berth.outbox.push(frames, now) {
        Pushed::Due => due.push(device),
        Pushed::Queued | Pushed::Closed | Pushed::Full => {}
    }
    true
}

impl Actor for Hub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TELLING, |hub, _| hub.tell());
    }
}

impl Handler<Deliver> for Hub {
    type Result = ();

    fn handle(&mut self, deliver: Deliver, ctx: &mut Self::Context) {
        let Some(devices) = self.attached.get_mut(&deliver.conversation) else { return };
        let now = Instant::now();
        let idle = self.due.is_empty();
        let outboxes = self.outboxes.borrow();
        devices.retain(|device| deliver.pieces.iter().all(|frames| push(&outboxes, &mut self.due, *device, frames, now)));
        let frames: u64 = deliver.pieces.iter().map(frame::count).sum();
        self.traffic.add_frames(frames * devices.len() as u64);
        drop(outboxes);
        if idle && !self.due.is_empty() {
            self.tick_later(ctx);
        }
    }
}

impl Handler<Push> for Hub {
    type Result = ();

    fn handle(&mut self, Push { device, frames }: Push, ctx: &mut Self::Context) {
        let idle = self.due.is_empty();
        if push(&self.outboxes.borrow(), &mut self.due, device, &frames, Instant::now()) {
            self.traffic.add_frames(frame::count(&frames));
        }
        if idle && !self.due.is_empty() {
            self.tick_later(ctx);
        }
    }
}

impl Handler<Attach> for Hub {
    type Result = ();

    fn handle(&mut self, Attach { conversation, device }: Attach, _: &mut Self::Context) {
        if self.outboxes.borrow().berth(device).is_some() {
            self.attached.entry(conversation).or_default().push(device);
        }
    }
}

impl Handler<Detach> for Hub {
    type Result = ();

    fn handle(&mut self, Detach { conversation, device }: Detach, _: &mut Self::Context) {
        if let Some(devices) = self.attached.get_mut(&conversation) {
            if let Some(place) = devices.iter().position(|known| *known == device) {
                devices.swap_remove(place);
            }
            if devices.is_empty() {
                self.attached.remove(&conversation);
            }
        }
    }
}
