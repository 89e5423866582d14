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
    piece::Pieces,
    vital::Vital,
};
use crate::{
    domain::{
        conversation::ConversationState,
        ids::{ConversationId, UserId},
        presence::Presence,
    },
    metrics::Metrics,
    wire::{dialect::Dialect, frame, pneumatic::v2},
};

/// How often a hub tells what it has counted: a delivery adds to plain numbers, and no atomic one is touched.
const TELLING: Duration = Duration::from_secs(2);

/// Frames for every device of a conversation on this thread.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deliver {
    /// Whose.
    pub conversation: ConversationId,
    /// Comes before the messages.
    pub changed: Option<Changed>,
    /// Messages, in order.
    pub pieces: Pieces,
    /// Given back with the last hub's copy of this.
    pub shares: Arc<Vec<Share>>,
}

/// A conversation's title or members have changed. Devices of whoever isn't a member hear nothing more of it.
#[derive(Clone, Debug)]
pub struct Changed {
    /// What it is now.
    pub state: Arc<ConversationState>,
    /// The frame that tells those who speak v2.
    pub frame: Bytes,
    /// The frame that tells those of them who don't belong to it any more.
    pub farewell: Bytes,
}

impl Changed {
    /// Whether somebody is a member.
    pub(super) fn is_for(&self, user: UserId) -> bool {
        self.state.members.binary_search(&user).is_ok()
    }

    /// What somebody is told of it, and whether they hear more.
    pub(super) fn told(&self, user: UserId, dialect: Dialect) -> (Option<&Bytes>, bool) {
        let stays = self.is_for(user);
        let frame = if stays { &self.frame } else { &self.farewell };
        (Some(frame).filter(|_| dialect == Dialect::V2), stays)
    }
}

/// Frames beside the conversation's order, by dialect.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Whisper {
    /// Whose devices hear it.
    pub conversation: ConversationId,
    /// But not those of this user.
    pub except: Option<UserId>,
    /// Whether a device that is behind goes without.
    pub ephemeral: bool,
    /// What is said to each dialect that has a word for it.
    pub frames: Vec<(Dialect, Bytes)>,
    /// How many frames that is for a device.
    pub count: u64,
}

/// People have come or gone. A device hears it once, in however many conversations its user is with them.
#[derive(Clone, Debug, Message)]
#[rtype(result = "()")]
pub struct Tidings {
    /// Whose devices hear it.
    pub conversation: ConversationId,
    /// Who.
    pub people: Arc<[Presence]>,
    /// The frame that tells of all of them.
    pub frame: Bytes,
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
    user: UserId,
    dialect: Dialect,
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
    /// Gives a user's device its place and name.
    pub fn register(&mut self, outbox: Rc<Outbox>, user: UserId, dialect: Dialect) -> DeviceKey {
        self.generation = self.generation.wrapping_add(1);
        outbox.counts_in(Rc::clone(&self.traffic));
        let slot = self.berths.insert(Berth { generation: self.generation, user, dialect, outbox });
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
    /// What devices were told lately of who is online; and a little before.
    told: [HashMap<(DeviceKey, UserId), bool>; 2],
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
            told: Default::default(),
            traffic,
            waiting: 0,
            metrics,
            _vital: vital,
        };
        HubHandle { hub: hub.start(), outboxes }
    }

    fn tell(&mut self) {
        self.told = [HashMap::new(), std::mem::take(&mut self.told[0])];
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

/// Pushes onto an outbox.
fn push(berth: &Berth, due: &mut Vec<DeviceKey>, device: DeviceKey, frames: &Bytes, now: Instant) {
    if berth.outbox.push(frames, now) == Pushed::Due {
        due.push(device);
    }
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
        let (outboxes, due) = (self.outboxes.borrow(), &mut self.due);
        let mut frames = 0;
        devices.retain(|device| {
            let Some(berth) = outboxes.berth(*device) else { return false };
            if let Some(changed) = &deliver.changed {
                let (frame, stays) = changed.told(berth.user, berth.dialect);
                if let Some(frame) = frame {
                    push(berth, due, *device, frame, now);
                    frames += 1;
                }
                if !stays {
                    return false;
                }
            }
            for piece in deliver.pieces.of(berth.dialect).iter() {
                piece.for_device(*device, berth.user, |frames| push(berth, due, *device, frames, now));
                frames += piece.count();
            }
            true
        });
        self.traffic.add_frames(frames);
        drop(outboxes);
        if idle && !self.due.is_empty() {
            self.tick_later(ctx);
        }
    }
}

impl Handler<Whisper> for Hub {
    type Result = ();

    fn handle(&mut self, whisper: Whisper, ctx: &mut Self::Context) {
        let Some(devices) = self.attached.get(&whisper.conversation) else { return };
        let now = Instant::now();
        let idle = self.due.is_empty();
        let outboxes = self.outboxes.borrow();
        for device in devices {
            let Some(berth) = outboxes.berth(*device) else { continue };
            let frames = whisper.frames.iter().find(|(dialect, _)| *dialect == berth.dialect);
            let Some((_, frames)) = frames.filter(|_| Some(berth.user) != whisper.except) else { continue };
            let outbox = &berth.outbox;
            match if whisper.ephemeral { outbox.push_ephemeral(frames, now) } else { outbox.push(frames, now) } {
                Pushed::Due => self.due.push(*device),
                Pushed::Queued => {}
                Pushed::Closed | Pushed::Full => continue,
            }
            self.traffic.add_frames(whisper.count);
        }
        drop(outboxes);
        if idle && !self.due.is_empty() {
            self.tick_later(ctx);
        }
    }
}

impl Handler<Tidings> for Hub {
    type Result = ();

    fn handle(&mut self, tidings: Tidings, ctx: &mut Self::Context) {
        let Some(devices) = self.attached.get(&tidings.conversation) else { return };
        let now = Instant::now();
        let idle = self.due.is_empty();
        let outboxes = self.outboxes.borrow();
        for device in devices {
            let Some(berth) = outboxes.berth(*device).filter(|berth| berth.dialect == Dialect::V2) else { continue };
            let [told, before] = &mut self.told;
            let is_news = |person: &&Presence| {
                let key = (*device, person.user_id);
                let last = told.insert(key, person.online).or_else(|| before.get(&key).copied());
                person.user_id != berth.user && last != Some(person.online)
            };
            let news: Vec<Presence> = tidings.people.iter().filter(is_news).copied().collect();
            let frame = match news.len() {
                0 => continue,
                all if all == tidings.people.len() => tidings.frame.clone(),
                _ => v2::presence(None, &news),
            };
            match berth.outbox.push_ephemeral(&frame, now) {
                Pushed::Due => self.due.push(*device),
                Pushed::Queued => {}
                Pushed::Closed | Pushed::Full => continue,
            }
            self.traffic.add_frames(1);
        }
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
        if let Some(berth) = self.outboxes.borrow().berth(device) {
            push(berth, &mut self.due, device, &frames, Instant::now());
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
