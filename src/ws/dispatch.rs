//! What becomes of a device's text: decoded, asked of the writer, answered.

use std::{rc::Rc, sync::Arc};

use super::turns::Turns;
use crate::{
    actors::{asks::Writer, outbox::Outbox},
    domain::{ids::UserId, message::Posted, refusal::Refusal},
    metrics::{Door, FrameKind, Metrics},
    wire::pneumatic::{self, About, Command},
};

/// What handling a command needs; it outlives the session when an answer is still under way.
pub(super) struct Dispatch {
    pub(super) writer: Writer,
    pub(super) outbox: Rc<Outbox>,
    pub(super) turns: Rc<Turns>,
    pub(super) user_id: UserId,
    pub(super) metrics: Arc<Metrics>,
}

impl Dispatch {
    /// Handles one text frame. Posts go to the writer in the order in which they came.
    pub(super) fn text(&self, text: &str) {
        let command = pneumatic::decode(text, self.user_id);
        self.metrics.received(match &command {
            Ok(Command::Join(_)) => FrameKind::Join,
            Ok(Command::Send(_)) => FrameKind::Message,
            Err(_) => FrameKind::Invalid,
        });
        match command {
            Ok(Command::Join(conversation)) => {
                let (writer, outbox, user_id) = (self.writer.clone(), Rc::clone(&self.outbox), self.user_id);
                let metrics = Arc::clone(&self.metrics);
                let turn = self.turns.take_all();
                actix::spawn(async move {
                    let answer = match writer.require_member(conversation, user_id).await {
                        Ok(()) => pneumatic::joined(conversation),
                        Err(refusal) => {
                            metrics.refused(Door::WebSocket, &refusal, Some(user_id));
                            pneumatic::error(&refusal, &About::conversation(conversation))
                        }
                    };
                    outbox.answer(&answer);
                    drop(turn);
                });
            }
            Ok(Command::Send(post)) => {
                let about = About::post(&post);
                let (answer, outbox, turn) = (self.writer.post(post), Rc::clone(&self.outbox), self.turns.take_one());
                let (metrics, user_id) = (Arc::clone(&self.metrics), self.user_id);
                actix::spawn(async move {
                    match answer.await {
                        // The room tells this device as it tells all others.
                        Ok(Posted::New(_)) => {}
                        Ok(Posted::Repeat(message)) => outbox.answer(&pneumatic::message(&message)),
                        Err(refusal) => {
                            metrics.refused(Door::WebSocket, &refusal, Some(user_id));
                            outbox.answer(&pneumatic::error(&refusal, &about));
                        }
                    }
                    drop(turn);
                });
            }
            Err((refusal, about)) => self.refuse(&refusal, &about),
        }
    }

    /// Answers with an `error` frame; the socket stays open.
    pub(super) fn refuse(&self, refusal: &Refusal, about: &About) {
        self.metrics.refused(Door::WebSocket, refusal, Some(self.user_id));
        self.outbox.answer(&pneumatic::error(refusal, about));
    }
}
