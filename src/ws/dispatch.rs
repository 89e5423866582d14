//! What becomes of a device's frames: counted, decoded, asked of the writer, answered.

use std::{cell::Cell, collections::HashMap, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use super::{allowance::Allowance, resume, turns::Turns};
use crate::{
    actors::{asks::Writer, device::Device, online::Online, outbox::Outbox, room::Origin},
    domain::{
        clock::Clock,
        ids::UserId,
        message::{NewMessage, Posted},
        presence::Presence,
        refusal::Refusal,
    },
    limits::Limit,
    metrics::{Door, FrameKind, Metrics},
    telemetry::journey,
    wire::{
        close::CloseCode,
        dialect::Dialect,
        fastchat::{self, Trouble},
        frame,
        pneumatic::{
            About, Command, Reference, v1,
            v2::{self, MAX_USERS},
        },
    },
};

/// What handling a command needs; it outlives the session when an answer is still under way.
pub(super) struct Dispatch {
    pub(super) device: Arc<Device>,
    pub(super) writer: Writer,
    pub(super) outbox: Rc<Outbox>,
    pub(super) turns: Rc<Turns>,
    pub(super) allowance: Allowance,
    pub(super) online: Online,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    /// Whether a resume is under way.
    pub(super) resuming: Cell<bool>,
}

impl Dispatch {
    pub(super) fn user_id(&self) -> UserId {
        self.device.user_id
    }

    fn is_v2(&self) -> bool {
        self.device.dialect == Dialect::V2
    }

    /// Handles one text frame. Posts go to the writer in the order in which they came.
    pub(super) fn text(self: &Rc<Self>, text: &str) {
        let frame = journey::frame(text.len());
        let _entered = frame.enter();
        let decode = if self.is_v2() { v2::decode } else { v1::decode };
        let (command, about) = decode(text, self.user_id());
        let (kind, limit) = match &command {
            Ok(Command::Join(_)) => (FrameKind::Join, Limit::SocketOther),
            Ok(Command::Send(_)) => (FrameKind::Message, Limit::SocketMessages),
            Ok(Command::Resume(_)) => (FrameKind::Resume, Limit::SocketOther),
            Ok(Command::Typing { .. }) => (FrameKind::Typing, Limit::SocketTyping),
            Ok(Command::Read(_)) => (FrameKind::Read, Limit::SocketOther),
            Ok(Command::Presence(_)) => (FrameKind::Presence, Limit::SocketOther),
            Ok(Command::Ping) => (FrameKind::Ping, Limit::SocketPings),
            Err(_) => (FrameKind::Invalid, Limit::SocketOther),
        };
        self.metrics.received(kind);
        match command {
            Ok(command) => self.when_allowed(limit, about, move |dispatch, about| dispatch.run(command, about)),
            Err(refusal) => self.refuse(refusal, about),
        }
    }

    /// Answers a ping, unless there are too many.
    pub(super) fn ping(self: &Rc<Self>, payload: &[u8]) {
        let pong = frame::pong(payload);
        self.when_allowed(Limit::SocketPings, About::default(), move |dispatch, _| dispatch.outbox.answer(&pong));
    }

    /// Takes note of an answer to a ping of ours; those that nobody asked for count as well.
    pub(super) fn pong(self: &Rc<Self>) {
        self.when_allowed(Limit::SocketOther, About::default(), |_, _| {});
    }

    /// Answers with an `error` frame; the socket stays open.
    pub(super) fn refuse(self: &Rc<Self>, refusal: Refusal, about: About) {
        self.when_allowed(Limit::SocketOther, about, move |dispatch, about| dispatch.tell(&refusal, &about));
    }

    fn when_allowed(self: &Rc<Self>, limit: Limit, about: About, go_on: impl FnOnce(&Rc<Self>, About) + 'static) {
        self.if_allowed(limit, move |dispatch, allowed| match allowed {
            Ok(()) => go_on(dispatch, about),
            Err(wait) => dispatch.tell(&Refusal::RateLimited(wait), &about),
        });
    }

    /// Goes on with whether the limit allows it; or not at all, when the device floods us. While that has to be asked elsewhere
    /// nothing more is read, so that order holds.
    pub(super) fn if_allowed(self: &Rc<Self>, limit: Limit, go_on: impl FnOnce(&Rc<Self>, Result<(), Duration>) + 'static) {
        let dispatch = Rc::clone(self);
        let mut asked = Box::pin(async move {
            let taken = dispatch.allowance.take(limit).await;
            let Err(wait) = taken else { return go_on(&dispatch, taken) };
            dispatch.metrics.limited(limit.name());
            // Naive clients tell of every key: that alone is no flood.
            let is_pardoned = limit == Limit::SocketTyping && dispatch.allowance.take(Limit::SocketOther).await.is_ok();
            if !is_pardoned && dispatch.allowance.went_over() {
                dispatch.outbox.kick(CloseCode::Flooding);
            } else {
                go_on(&dispatch, Err(wait));
            }
        });
        if (&mut asked).now_or_never().is_none() {
            let turn = self.turns.take_all();
            let rest = async move {
                asked.await;
                drop(turn);
            };
            actix::spawn(rest.instrument(Span::current()));
        }
    }

    pub(super) fn tell(&self, refusal: &Refusal, about: &About) {
        self.count_refusal(refusal);
        self.outbox.answer(&match self.device.dialect {
            Dialect::V1 => v1::error(refusal, about),
            Dialect::V2 => v2::error(refusal, about),
            shape => fastchat::error(shape, &Trouble::from_refusal(refusal)),
        });
    }

    pub(super) fn count_refusal(&self, refusal: &Refusal) {
        self.metrics.refused(Door::WebSocket, refusal, Some(self.user_id()));
    }

    fn run(self: &Rc<Self>, command: Command, about: About) {
        match command {
            Command::Join(conversation) => self.answer(about, true, async move |dispatch, about| {
                dispatch.writer.require_member(conversation, dispatch.user_id()).await?;
                let is_v2 = dispatch.is_v2();
                Ok(Some(if is_v2 { v2::joined(about.reference(), conversation) } else { v1::joined(conversation) }))
            }),
            Command::Send(post) => self.send(post, about),
            Command::Resume(resume) => resume::begin(self, resume, about),
            Command::Typing { conversation_id, is_typing } => {
                if self.device.has_joined(conversation_id) {
                    return self.device.directory.typing(conversation_id, self.user_id(), is_typing);
                }
                // Either the room is still being joined, or there is something to say about it.
                self.answer(about, false, async move |dispatch, _| {
                    dispatch.writer.require_member(conversation_id, dispatch.user_id()).await?;
                    dispatch.device.directory.typing(conversation_id, dispatch.user_id(), is_typing);
                    Ok(None)
                });
            }
            Command::Read(mark) => self.answer(about, false, async move |dispatch, about| {
                let seq = dispatch.writer.mark_read(mark).await?;
                let standing = crate::domain::conversation::ReadMark { seq, ..mark };
                Ok(about.reference().map(|reference| v2::read(Some(reference), &standing)))
            }),
            Command::Presence(asked) => self.answer(about, false, async move |dispatch, about| {
                let people = dispatch.presence(asked).await?;
                let chunks: Vec<Bytes> = people.chunks(MAX_USERS).map(|some| v2::presence(about.reference(), some)).collect();
                let none = || v2::presence(about.reference(), &[]);
                Ok(Some(if chunks.is_empty() { none() } else { chunks.concat().into() }))
            }),
            Command::Ping => self.outbox.answer(&v2::pong(about.reference(), self.clock.now())),
        }
    }

    /// Does something for a frame beside what else comes, and answers with what that brings. If it has to be `first`, nothing
    /// more is read until then.
    fn answer(
        self: &Rc<Self>,
        about: About,
        first: bool,
        work: impl AsyncFnOnce(&Rc<Self>, &About) -> Result<Option<Bytes>, Refusal> + 'static,
    ) {
        let dispatch = Rc::clone(self);
        let turn = if first { self.turns.take_all() } else { self.turns.take_one() };
        let answered = async move {
            match work(&dispatch, &about).await {
                Ok(frames) => frames.iter().for_each(|frames| dispatch.outbox.answer(frames)),
                Err(refusal) => dispatch.tell(&refusal, &about),
            }
            drop(turn);
        };
        actix::spawn(answered.instrument(Span::current()));
    }

    /// Has the writer store a message, and whether the room answers: it does to a device that it knows, in order with all else,
    /// and in a dialect that has a word for that. Any other is answered here.
    pub(super) fn post(
        &self,
        post: NewMessage,
        reference: Option<&Reference>,
    ) -> (impl Future<Output = Result<Posted, Refusal>> + use<>, bool) {
        let Device { key: device, dialect, ref hub, .. } = *self.device;
        let in_room = dialect != Dialect::V1 && self.device.has_joined(post.conversation_id);
        let origin = in_room.then(|| Box::new(Origin { device, dialect, hub: hub.clone(), reference: reference.cloned() }));
        (self.writer.post(post, origin), in_room)
    }

    fn send(self: &Rc<Self>, post: NewMessage, about: About) {
        let (posting, in_room) = self.post(post, about.reference());
        self.answer(about, false, async move |dispatch, about| {
            let posted = posting.await?;
            let is_v2 = dispatch.is_v2();
            Ok(match posted {
                Posted::New(message) if is_v2 && !in_room => Some(v2::ack(about.reference(), &message, false)),
                Posted::New(_) => None,
                Posted::Repeat(message) if is_v2 => Some(v2::ack(about.reference(), &message, true)),
                Posted::Repeat(message) => Some(v1::message(&message)),
            })
        });
    }

    /// Of these, or of those of one's conversations who are online.
    async fn presence(&self, asked: Option<Vec<UserId>>) -> Result<Vec<Presence>, Refusal> {
        let Some(asked) = asked else {
            let peers = self.writer.peers(self.user_id()).await?;
            let online = peers.into_iter().filter(|user| self.online.contains(*user));
            return Ok(online.map(|user_id| Presence { user_id, online: true, last_seen: None }).collect());
        };
        let known: HashMap<UserId, _> = self.writer.last_seen(self.user_id(), asked.clone()).await?.into_iter().collect();
        let people = asked.into_iter().map(|user_id| match known.get(&user_id) {
            Some(last_seen) => {
                let online = self.online.contains(user_id);
                let last_seen = self.online.went_at(user_id).max(*last_seen);
                Presence { user_id, online, last_seen: last_seen.filter(|_| !online) }
            }
            // Of strangers nothing is told.
            None => Presence { user_id, online: false, last_seen: None },
        });
        Ok(people.collect())
    }
}
