//! What becomes of a device's frames: counted, decoded, asked of the writer, answered.

use std::{rc::Rc, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tracing::{Instrument, Span};

use super::{allowance::Allowance, turns::Turns};
use crate::{
    actors::{asks::Writer, outbox::Outbox},
    domain::{ids::UserId, message::Posted, refusal::Refusal},
    limits::Limit,
    metrics::{Door, FrameKind, Metrics},
    telemetry::journey,
    wire::{
        close::CloseCode,
        frame,
        pneumatic::{self, About, Command},
    },
};

/// What handling a command needs; it outlives the session when an answer is still under way.
pub(super) struct Dispatch {
    pub(super) writer: Writer,
    pub(super) outbox: Rc<Outbox>,
    pub(super) turns: Rc<Turns>,
    pub(super) user_id: UserId,
    pub(super) allowance: Allowance,
    pub(super) metrics: Arc<Metrics>,
}

impl Dispatch {
    /// Handles one text frame. Posts go to the writer in the order in which they came.
    pub(super) fn text(self: &Rc<Self>, text: &str) {
        let frame = journey::frame(text.len());
        let _entered = frame.enter();
        let command = pneumatic::decode(text, self.user_id);
        self.metrics.received(match &command {
            Ok(Command::Join(_)) => FrameKind::Join,
            Ok(Command::Send(_)) => FrameKind::Message,
            Err(_) => FrameKind::Invalid,
        });
        match command {
            Ok(command) => {
                let (limit, about) = match &command {
                    Command::Send(post) => (Limit::SocketMessages, About::post(post)),
                    Command::Join(conversation) => (Limit::SocketOther, About::conversation(*conversation)),
                };
                self.when_allowed(limit, about, move |dispatch, about| dispatch.run(command, about));
            }
            Err((refusal, about)) => self.refuse(refusal, about),
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

    /// Goes on if the limit allows. While that has to be asked elsewhere nothing more is read, so that order holds.
    fn when_allowed(self: &Rc<Self>, limit: Limit, about: About, go_on: impl FnOnce(&Rc<Self>, About) + 'static) {
        let mut taking = self.allowance.take(limit);
        if let Some(taken) = (&mut taking).now_or_never() {
            return match taken {
                Ok(()) => go_on(self, about),
                Err(wait) => self.limit(limit, wait, &about),
            };
        }
        let (dispatch, turn) = (Rc::clone(self), self.turns.take_all());
        let asked = async move {
            match taking.await {
                Ok(()) => go_on(&dispatch, about),
                Err(wait) => dispatch.limit(limit, wait, &about),
            }
            drop(turn);
        };
        actix::spawn(asked.instrument(Span::current()));
    }

    fn limit(&self, limit: Limit, wait: Duration, about: &About) {
        self.metrics.limited(limit.name());
        if self.allowance.went_over() {
            self.outbox.kick(CloseCode::Flooding);
        } else {
            self.tell(&Refusal::RateLimited(wait), about);
        }
    }

    fn tell(&self, refusal: &Refusal, about: &About) {
        self.metrics.refused(Door::WebSocket, refusal, Some(self.user_id));
        self.outbox.answer(&pneumatic::error(refusal, about));
    }

    fn run(self: &Rc<Self>, command: Command, about: About) {
        match command {
            Command::Join(conversation) => {
                let (dispatch, turn) = (Rc::clone(self), self.turns.take_all());
                let answered = async move {
                    match dispatch.writer.require_member(conversation, dispatch.user_id).await {
                        Ok(()) => dispatch.outbox.answer(&pneumatic::joined(conversation)),
                        Err(refusal) => dispatch.tell(&refusal, &about),
                    }
                    drop(turn);
                };
                actix::spawn(answered.instrument(Span::current()));
            }
            Command::Send(post) => {
                let (answer, dispatch, turn) = (self.writer.post(post), Rc::clone(self), self.turns.take_one());
                let answered = async move {
                    match answer.await {
                        // The room tells this device as it tells all others.
                        Ok(Posted::New(_)) => {}
                        Ok(Posted::Repeat(message)) => dispatch.outbox.answer(&pneumatic::message(&message)),
                        Err(refusal) => dispatch.tell(&refusal, &about),
                    }
                    drop(turn);
                };
                actix::spawn(answered.instrument(Span::current()));
            }
        }
    }
}
