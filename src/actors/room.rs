//! The room of one conversation: knows which devices are here and delivers what happens in `rev` order.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, Recipient};
use bytes::{Bytes, BytesMut};

use super::{
    budget::Share,
    device::DeviceKey,
    directory::Directory,
    gate::Gate,
    hub::{Attach, Deliver, Detach, Hub, Push},
    writer::Fetch,
};
use crate::{
    domain::{
        event::Event,
        ids::{ConversationId, Rev},
    },
    wire::pneumatic,
};

/// Frames of one batch that are pushed as one piece; larger batches come in several.
const PIECE: usize = 32 << 10;
/// Most pieces that are held back for a device that is catching up.
const BACKLOG: usize = 256;
/// How long a hole waits for what is still under way before it is looked up.
const HOLE_PATIENCE: Duration = Duration::from_millis(20);
/// How long until a look-up that failed is tried again.
const FETCH_AGAIN: Duration = Duration::from_secs(1);

/// A committed event and its share of the budget, which is given back when the last hub has pushed it.
#[derive(Debug)]
pub struct Published {
    /// What happened.
    pub event: Event,
    /// None for what was read from the database.
    pub share: Option<Share>,
}

/// Events of this conversation, in commit order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Publish(pub Vec<Published>);

/// A device comes, and shall hear everything after `since`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Join {
    /// Which.
    pub device: DeviceKey,
    /// Where its outbox is filled.
    pub hub: Addr<Hub>,
    /// The last change that it knows of.
    pub since: Rev,
}

/// A device goes.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Leave(pub DeviceKey);

/// Something may have been committed of which the room was never told.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Suspect;

/// The directory has forgotten the room: nobody is here, nobody can come.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Retire;

/// For whom something is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// For everybody: the room itself has a hole.
    Room,
    /// For a device that joined with a `since` below the room's head.
    Device(DeviceKey),
}

/// The writer's answer to [`Fetch`].
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Fetched {
    /// For whom it was.
    pub reader: Reader,
    /// What changed; none when the database couldn't tell.
    pub changes: Option<FetchedChanges>,
}

/// What changed after the `rev` that was asked for.
#[derive(Debug)]
pub struct FetchedChanges {
    /// By ascending `rev`.
    pub events: Vec<Event>,
    /// Everything up to here is included.
    pub upto: Rev,
    /// Whether there is more.
    pub more: bool,
}

/// A device that is being told what it missed; the live frames wait behind that.
#[derive(Debug)]
struct CatchingUp {
    hub: Addr<Hub>,
    /// The last change that it was told, and the last that it has to be told this way.
    told: Rev,
    target: Rev,
    backlog: Vec<Bytes>,
}

impl CatchingUp {
    /// Keeps live frames for later; when there are too many, the database has to tell of them as well.
    fn hold_back(&mut self, pieces: &[Bytes], head: Rev) {
        self.backlog.extend(pieces.iter().cloned());
        if self.backlog.len() > BACKLOG {
            self.backlog.clear();
            self.target = head;
        }
    }
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
    hubs: HashMap<u32, (Addr<Hub>, HashSet<DeviceKey>)>,
    catching_up: HashMap<DeviceKey, CatchingUp>,
    writer: Recipient<Fetch>,
    directory: Arc<Directory>,
    retired: bool,
}

impl Room {
    /// A room whose first device knows everything up to `head`.
    pub fn new(conversation: ConversationId, head: Rev, writer: Recipient<Fetch>, directory: Arc<Directory>) -> Self {
        Self {
            conversation,
            gate: Gate::new(head),
            looking: Looking::No,
            hubs: HashMap::new(),
            catching_up: HashMap::new(),
            writer,
            directory,
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

    fn deliver(&mut self, passed: Vec<Published>) {
        if passed.is_empty() {
            return;
        }
        let pieces: Arc<[Bytes]> = encode(passed.iter().map(|published| &published.event)).into();
        tracing::trace!(conversation = %self.conversation, events = passed.len(), hubs = self.hubs.len(), "room.delivered");
        for device in self.catching_up.values_mut() {
            device.hold_back(&pieces, self.gate.head());
        }
        let shares: Arc<Vec<Share>> = Arc::new(passed.into_iter().filter_map(|published| published.share).collect());
        for (hub, _) in self.hubs.values() {
            hub.do_send(Deliver { conversation: self.conversation, pieces: Arc::clone(&pieces), shares: Arc::clone(&shares) });
        }
    }

    fn attach(&mut self, device: DeviceKey, hub: Addr<Hub>) {
        hub.do_send(Attach { conversation: self.conversation, device });
        self.hubs.entry(device.hub).or_insert_with(|| (hub, HashSet::new())).1.insert(device);
    }

    fn fill(&mut self, changes: FetchedChanges, ctx: &mut Context<Self>) {
        let events = changes.events.into_iter().map(|event| (event.rev, Published { event, share: None }));
        let mut passed = Vec::new();
        self.gate.fill(events, changes.upto, &mut passed);
        self.deliver(passed);
        let again = std::mem::replace(&mut self.looking, Looking::No) == Looking::Again;
        if again || changes.more || self.gate.has_hole() {
            self.look(ctx);
        }
    }

    fn tell(&mut self, device: DeviceKey, changes: FetchedChanges, ctx: &Context<Self>) {
        let Some(catching_up) = self.catching_up.get_mut(&device) else { return };
        let missed = changes.events.iter().filter(|event| event.rev <= catching_up.target);
        for frames in encode(missed) {
            catching_up.hub.do_send(Push { device, frames });
        }
        catching_up.told = changes.upto;
        if catching_up.told < catching_up.target {
            let after = catching_up.told;
            self.fetch(Reader::Device(device), after, ctx);
        } else if let Some(done) = self.catching_up.remove(&device) {
            for frames in done.backlog {
                done.hub.do_send(Push { device, frames });
            }
            self.attach(device, done.hub);
        }
    }
}

/// Finished frames, joined into pieces that go out as one.
fn encode<'a>(events: impl Iterator<Item = &'a Event>) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut piece = BytesMut::new();
    for event in events {
        pneumatic::append_event(&mut piece, event);
        if piece.len() >= PIECE {
            pieces.push(piece.split().freeze());
        }
    }
    if !piece.is_empty() {
        pieces.push(piece.freeze());
    }
    pieces
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

impl Handler<Publish> for Room {
    type Result = ();

    fn handle(&mut self, Publish(events): Publish, ctx: &mut Self::Context) {
        let mut passed = Vec::with_capacity(events.len());
        for published in events {
            self.gate.offer(published.event.rev, published, &mut passed);
        }
        self.deliver(passed);
        if self.gate.has_hole() && self.looking == Looking::No {
            ctx.run_later(HOLE_PATIENCE, |room, ctx| {
                if room.gate.has_hole() {
                    room.look(ctx);
                }
            });
        }
    }
}

impl Handler<Join> for Room {
    type Result = ();

    fn handle(&mut self, Join { device, hub, since }: Join, ctx: &mut Self::Context) {
        let head = self.gate.head();
        if since >= head {
            self.attach(device, hub);
        } else {
            self.catching_up.insert(device, CatchingUp { hub, told: since, target: head, backlog: Vec::new() });
            self.fetch(Reader::Device(device), since, ctx);
        }
    }
}

impl Handler<Leave> for Room {
    type Result = ();

    fn handle(&mut self, Leave(device): Leave, _: &mut Self::Context) {
        if self.catching_up.remove(&device).is_some() {
            return;
        }
        if let Some((hub, devices)) = self.hubs.get_mut(&device.hub) {
            hub.do_send(Detach { conversation: self.conversation, device });
            devices.remove(&device);
            if devices.is_empty() {
                self.hubs.remove(&device.hub);
            }
        }
    }
}

impl Handler<Suspect> for Room {
    type Result = ();

    fn handle(&mut self, _: Suspect, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Handler<Retire> for Room {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Self::Context) {
        self.retired = true;
        ctx.stop();
    }
}

impl Handler<Fetched> for Room {
    type Result = ();

    fn handle(&mut self, Fetched { reader, changes }: Fetched, ctx: &mut Self::Context) {
        match (reader, changes) {
            (Reader::Room, Some(changes)) => self.fill(changes, ctx),
            (Reader::Room, None) => {
                ctx.run_later(FETCH_AGAIN, |room, ctx| room.fetch(Reader::Room, room.gate.head(), ctx));
            }
            (Reader::Device(device), Some(changes)) => self.tell(device, changes, ctx),
            (Reader::Device(device), None) => {
                ctx.run_later(FETCH_AGAIN, move |room, ctx| {
                    if let Some(waiting) = room.catching_up.get(&device) {
                        room.fetch(reader, waiting.told, ctx);
                    }
                });
            }
        }
    }
}
