//! The hub of one worker thread: pushes what rooms deliver onto the outboxes that live there.

mod messages;
mod outboxes;
mod told;

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Addr, AsyncContext, Context, Handler};
use bytes::Bytes;

pub use self::{
    messages::{Answer, Attach, Changed, Deliver, Detach, Push, Tidings, Whisper},
    outboxes::Outboxes,
};
use self::{outboxes::Berth, told::Told};
use super::{
    device::DeviceKey,
    outbox::{Pushed, TICK},
    traffic::Traffic,
    vital::Vital,
};
use crate::{
    domain::{ids::ConversationId, presence::Presence},
    metrics::Metrics,
    wire::{dialect::Dialect, frame, pneumatic::v2},
};

/// How often a hub tells what it has counted: a delivery adds to plain numbers, and no atomic one is touched.
const TELLING: Duration = Duration::from_secs(2);

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
    told: Told,
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
        let outboxes = Rc::new(RefCell::new(Outboxes::new(number, Rc::clone(&traffic))));
        let hub = Self {
            outboxes: Rc::clone(&outboxes),
            attached: HashMap::new(),
            due: Vec::new(),
            told: Told::default(),
            traffic,
            waiting: 0,
            metrics,
            _vital: vital,
        };
        HubHandle { hub: hub.start(), outboxes }
    }

    fn tell(&mut self) {
        self.told.turn();
        self.told.forget(&self.outboxes.borrow_mut().take_freed());
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
                    berth.outbox.flush(now);
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
        self.told.forget(&self.outboxes.borrow_mut().take_freed());
        let outboxes = self.outboxes.borrow();
        for device in devices {
            let Some(berth) = outboxes.berth(*device).filter(|berth| berth.dialect == Dialect::V2) else { continue };
            let told = &mut self.told;
            let is_news = |person: &&Presence| person.user_id != berth.user && told.is_news(person, device.slot);
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

impl Handler<Answer> for Hub {
    type Result = ();

    fn handle(&mut self, Answer { conversation, device, frame: frames }: Answer, ctx: &mut Self::Context) {
        if self.attached.get(&conversation).is_none_or(|devices| !devices.contains(&device)) {
            self.handle(Push { device, frames }, ctx);
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
