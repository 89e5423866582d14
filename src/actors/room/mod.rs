//! The room of one conversation: knows which devices are here and delivers what happens in `rev` order.

mod handlers;
mod messages;
mod newcomer;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Recipient};
use bytes::{Bytes, BytesMut};

pub use self::messages::{
    Announce, Fetched, Join, Leave, Marked, Origin, Publish, Published, Reader, Rename, Retire, StandsAt, Suspect, Typing,
};
use self::newcomer::{CatchingUp, Newcomer};
use super::{
    budget::Share,
    device::DeviceKey,
    directory::Directory,
    gate::Gate,
    hub::{Answer, Attach, Changed, Deliver, Detach, Hub, Push, Tidings, Whisper},
    online::Online,
    piece::{Pieces, Speaking},
    writer::Fetch,
};
use crate::{
    domain::{
        conversation::ConversationState,
        event::{Change, Changes, Event},
        ids::{ConversationId, Rev, UserId},
        presence::Presence,
    },
    wire::{
        dialect::Dialect,
        fastchat::{self, Names},
        pneumatic::v2,
    },
};

/// More read marks at once than this are a crowd's.
const CROWD: usize = 100;
/// How long somebody writes who doesn't say so again.
const TYPING: Duration = Duration::from_secs(6);
/// How long a hole waits for what is still under way before it is looked up.
const HOLE_PATIENCE: Duration = Duration::from_millis(20);
/// How long until a look-up that failed is tried again.
const FETCH_AGAIN: Duration = Duration::from_secs(1);

/// The devices of one hub.
#[derive(Debug)]
struct Place {
    number: u32,
    hub: Addr<Hub>,
    devices: u32,
}

/// Whether the room is looking up what it may have missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    No,
    Once,
    /// And shall once more after that.
    Again,
}

/// The actor.
#[derive(Debug)]
pub struct Room {
    conversation: ConversationId,
    gate: Gate<Published>,
    looking: Looking,
    places: Vec<Place>,
    speaking: Speaking,
    catching_up: HashMap<DeviceKey, CatchingUp>,
    /// Devices that know more than the room has delivered: from there on they hear it.
    waiting: Vec<(Rev, Newcomer)>,
    /// Until when those who write are taken to do so.
    typing: Vec<(UserId, Instant)>,
    names: Arc<Names>,
    writer: Recipient<Fetch>,
    directory: Arc<Directory>,
    online: Online,
    retired: bool,
}

impl Room {
    /// A room whose first device knows everything up to `head`.
    pub fn new(
        conversation: ConversationId,
        head: Rev,
        writer: Recipient<Fetch>,
        directory: Arc<Directory>,
        online: Online,
    ) -> Self {
        Self {
            conversation,
            gate: Gate::new(head),
            looking: Looking::No,
            places: Vec::new(),
            speaking: Speaking::default(),
            catching_up: HashMap::new(),
            waiting: Vec::new(),
            typing: Vec::new(),
            names: Arc::default(),
            writer,
            directory,
            online,
            retired: false,
        }
    }

    /// Looks up what the room may have missed. What is under way may have been read before the reason to look
    /// came up, so then it is looked once more.
    fn look(&mut self, ctx: &Context<Self>) {
        if self.looking == Looking::No {
            self.looking = Looking::Once;
            self.fetch(Reader::Room, self.gate.head(), ctx);
        } else {
            self.looking = Looking::Again;
        }
    }

    fn fetch(&self, reader: Reader, after: Rev, ctx: &Context<Self>) {
        let answer = ctx.address().recipient();
        self.writer.do_send(Fetch { conversation_id: self.conversation, after, reader, answer });
    }

    /// Delivers in order. A change of the conversation begins a run of its own, because it decides who hears the rest; so
    /// does whatever somebody who waits is to hear first.
    fn deliver(&mut self, passed: Vec<Published>) {
        let mut run = Vec::with_capacity(passed.len());
        for published in passed {
            let rev = published.event.rev;
            let changes = matches!(published.event.change, Change::Conversation(_));
            if changes || self.waiting.iter().any(|(since, _)| *since < rev) {
                self.deliver_run(std::mem::take(&mut run));
                self.admit(|since| since < rev);
            }
            run.push(published);
        }
        self.deliver_run(run);
        let head = self.gate.head();
        self.admit(|since| since <= head);
    }

    /// Sends away whoever isn't a member any more.
    fn evict(&mut self, state: &Arc<ConversationState>) {
        let changed = farewell(state);
        let (gone, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(_, newcomer)| !changed.is_for(newcomer.user_id));
        self.waiting = waiting;
        let gone: Vec<(Rev, Newcomer)> = gone;
        for (_, newcomer) in gone {
            changed.told(newcomer.user_id, newcomer.dialect).0.into_iter().for_each(|frame| newcomer.push(frame));
            self.count(&newcomer);
        }
        self.hand_out(Some(&changed), &Pieces::default(), self.gate.head(), &Arc::default());
        // Devices know of themselves where they have joined.
        self.directory.evicted(Arc::clone(state));
    }

    fn deliver_run(&mut self, run: Vec<Published>) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        let upto = last.event.rev;
        let changed = changed(&first.event);
        let acks: Vec<Option<Bytes>> = run.iter().map(|published| published.ack(|sender| self.is_delivered(sender))).collect();
        let pieces = self.encode(&run, &acks);
        tracing::trace!(conversation = %self.conversation, events = run.len(), hubs = self.places.len(), "room.delivered");
        let (shares, origins): (Vec<_>, Vec<_>) = run.into_iter().map(|published| (published.share, published.origin)).unzip();
        self.hand_out(changed.as_ref(), &pieces, upto, &Arc::new(shares.into_iter().flatten().collect()));
        for (origin, ack) in origins.into_iter().zip(acks) {
            let (Some(origin), Some(frame)) = (origin, ack) else { continue };
            match self.catching_up.get_mut(&origin.device) {
                Some(device) => device.acks.push(frame),
                None => origin.hub.do_send(Answer { conversation: self.conversation, device: origin.device, frame }),
            }
        }
    }

    /// Answers whoever waits for a message that everybody has heard already.
    fn answer(&mut self, published: &Published) {
        let device = published.origin.as_ref().map(|origin| origin.device);
        match device.filter(|device| self.catching_up.contains_key(device)) {
            Some(device) => {
                let ack = published.ack(|sender| self.is_delivered(sender));
                self.catching_up.entry(device).and_modify(|device| device.acks.extend(ack));
            }
            None => published.answer(|sender| self.is_delivered(sender)),
        }
    }

    fn hand_out(&mut self, changed: Option<&Changed>, pieces: &Pieces, upto: Rev, shares: &Arc<Vec<Share>>) {
        let gone: Vec<Newcomer> = self
            .catching_up
            .extract_if(|_, device| !device.hold_back(changed, pieces, upto))
            .map(|(_, device)| {
                device.tell_acks();
                device.newcomer
            })
            .collect();
        gone.iter().for_each(|newcomer| self.count(newcomer));
        for place in &self.places {
            place.hub.do_send(Deliver {
                conversation: self.conversation,
                changed: changed.cloned(),
                pieces: pieces.clone(),
                shares: Arc::clone(shares),
            });
        }
    }

    fn encode(&self, run: &[Published], acks: &[Option<Bytes>]) -> Pieces {
        Pieces::encode(run, acks, self.speaking, &self.names)
    }

    /// Whether a device of somebody else's is there.
    fn is_delivered(&self, sender: UserId) -> bool {
        self.names.others(sender).any(|user| self.online.has_device(user))
    }

    /// Lets those in who wait for no more than what has been delivered.
    fn admit(&mut self, may: impl Fn(Rev) -> bool) {
        if self.waiting.is_empty() {
            return;
        }
        let (now, later) = std::mem::take(&mut self.waiting).into_iter().partition(|(since, _)| may(*since));
        self.waiting = later;
        let now: Vec<(Rev, Newcomer)> = now;
        now.iter().for_each(|(_, newcomer)| self.attach(newcomer));
    }

    fn attach(&mut self, newcomer: &Newcomer) {
        newcomer.hub.do_send(Attach { conversation: self.conversation, device: newcomer.device });
        self.count(newcomer);
    }

    /// Counts a device as one that will leave, whether or not it hears anything until then.
    fn count(&mut self, newcomer: &Newcomer) {
        let number = newcomer.device.hub;
        match self.places.iter_mut().find(|place| place.number == number) {
            Some(place) => place.devices += 1,
            None => self.places.push(Place { number, hub: newcomer.hub.clone(), devices: 1 }),
        }
    }

    /// Says something beside the conversation's order to those who have a word for it.
    fn whisper(&self, except: Option<UserId>, ephemeral: bool, count: u64, frame: impl Fn(Dialect) -> Option<Bytes>) {
        let spoken = Dialect::ALL.into_iter().filter(|dialect| self.speaking.has(*dialect));
        let frames: Vec<(Dialect, Bytes)> = spoken.filter_map(|dialect| Some((dialect, frame(dialect)?))).collect();
        if frames.is_empty() {
            return;
        }
        for newcomer in self.newcomers().filter(|newcomer| Some(newcomer.user_id) != except) {
            frames.iter().filter(|(dialect, _)| *dialect == newcomer.dialect).for_each(|(_, frames)| newcomer.push(frames));
        }
        for place in &self.places {
            place.hub.do_send(Whisper { conversation: self.conversation, except, ephemeral, frames: frames.clone(), count });
        }
    }

    fn newcomers(&self) -> impl Iterator<Item = &Newcomer> {
        let waiting = self.waiting.iter().map(|(_, newcomer)| newcomer);
        self.catching_up.values().map(|device| &device.newcomer).chain(waiting)
    }

    fn tell_typing(&self, user_id: UserId, is_typing: bool) {
        let id = self.conversation;
        self.whisper(Some(user_id), true, 1, |dialect| match dialect {
            Dialect::V1 => None,
            Dialect::V2 => Some(v2::typing(id, user_id, is_typing)),
            Dialect::Flat | Dialect::Enveloped => Some(fastchat::typing(dialect, id, user_id, is_typing)),
        });
    }

    /// Ends the typing of those who haven't said it again.
    fn expire_typing(&mut self, now: Instant) {
        let (over, on): (Vec<_>, Vec<_>) = std::mem::take(&mut self.typing).into_iter().partition(|(_, until)| *until <= now);
        self.typing = on;
        over.into_iter().for_each(|(user_id, _)| self.tell_typing(user_id, false));
    }

    /// Looks soon, unless what is missing comes by itself.
    fn look_later(&self, ctx: &mut Context<Self>) {
        if self.looking == Looking::No {
            ctx.run_later(HOLE_PATIENCE, |room, ctx| {
                if room.gate.has_hole() || !room.waiting.is_empty() {
                    room.look(ctx);
                }
            });
        }
    }

    fn fill(&mut self, changes: Changes, ctx: &mut Context<Self>) {
        let events = changes.events.into_iter().map(|event| (event.rev, Published { event, share: None, origin: None }));
        let mut passed = Vec::new();
        if let Some(state) = changes.state.filter(|state| state.rev > self.gate.head()) {
            self.evict(&state);
        }
        let covered = self.gate.fill(events, changes.upto, &mut passed);
        self.deliver(passed);
        // Their rows have changed since: that is what everybody heard, but whoever waits has to be answered.
        covered.for_each(|published| self.answer(&published));
        let again = std::mem::replace(&mut self.looking, Looking::No) == Looking::Again;
        if again || changes.more || self.gate.has_hole() {
            self.look(ctx);
        } else if !self.waiting.is_empty() {
            // What was read may be from before what they know.
            self.look_later(ctx);
        }
    }

    fn tell(&mut self, device: DeviceKey, changes: Changes, ctx: &Context<Self>) {
        let Some(mut catching_up) = self.catching_up.remove(&device) else { return };
        let newcomer = catching_up.newcomer.clone();
        if let Some(farewell) = changes.state.as_ref().map(farewell).filter(|farewell| !farewell.is_for(newcomer.user_id)) {
            let (frame, _) = farewell.told(newcomer.user_id, newcomer.dialect);
            frame.into_iter().for_each(|frame| newcomer.push(frame));
            catching_up.tell_acks();
            changes.state.iter().for_each(|state| self.directory.evicted(Arc::clone(state)));
            return self.count(&newcomer);
        }
        for event in changes.events.into_iter().filter(|event| event.rev <= catching_up.target) {
            if let Some(changed) = changed(&event) {
                let (frame, _) = changed.told(newcomer.user_id, newcomer.dialect);
                frame.into_iter().for_each(|frame| newcomer.push(frame));
            }
            let run = [Published { event, share: None, origin: None }];
            for piece in self.encode(&run, &[None]).of(newcomer.dialect).iter() {
                piece.for_device(device, newcomer.user_id, |frames| newcomer.push(frames));
            }
        }
        catching_up.told = changes.upto;
        if catching_up.told < catching_up.target {
            self.fetch(Reader::Device(device), catching_up.told, ctx);
            self.catching_up.insert(device, catching_up);
        } else {
            catching_up.tell_rest();
            self.attach(&newcomer);
        }
    }
}

/// What is to be told of a conversation's change before anything that follows.
fn changed(event: &Event) -> Option<Changed> {
    let Change::Conversation(state) = &event.change else { return None };
    let mut frame = BytesMut::new();
    v2::append_event(&mut frame, event, false);
    Some(Changed { frame: Some(frame.freeze()), ..farewell(state) })
}

/// What sends those away who aren't members any more, and tells others nothing. What the database tells is the present state: by
/// then much may have been said since they were removed.
fn farewell(state: &Arc<ConversationState>) -> Changed {
    Changed { state: Arc::clone(state), frame: None, farewell: v2::removed(state.id, state.rev) }
}

impl Actor for Room {
    type Context = Context<Self>;

    /// Between the moment the first device read `head` and the moment the directory knew this room, something
    /// may have been committed that nobody published here.
    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

/// A room that breaks is replaced, and everybody who was to hear it is sent away, to come back and catch up.
impl Drop for Room {
    fn drop(&mut self) {
        if self.retired || !std::thread::panicking() {
            return;
        }
        tracing::error!(conversation = %self.conversation, "room.broke");
        self.directory.replace(self.conversation, self.gate.head());
    }
}
