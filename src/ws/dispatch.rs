//! What becomes of a device's text: decoded, asked of the writer, answered.

use std::rc::Rc;

use tracing::Instrument;

use super::turns::Turns;
use crate::{
    actors::{asks::Writer, outbox::Outbox},
    domain::{ids::UserId, message::Posted, refusal::Refusal},
    telemetry::journey,
    wire::pneumatic::{self, About, Command},
};

/// What handling a command needs; it outlives the session when an answer is still under way.
pub(super) struct Dispatch {
    pub(super) writer: Writer,
    pub(super) outbox: Rc<Outbox>,
    pub(super) turns: Rc<Turns>,
    pub(super) user_id: UserId,
}

impl Dispatch {
    /// Handles one text frame. Posts go to the writer in the order in which they came.
    pub(super) fn text(&self, text: &str) {
        let frame = journey::frame(text.len());
        let _entered = frame.enter();
        match pneumatic::decode(text, self.user_id) {
            Ok(Command::Join(conversation)) => {
                let (writer, outbox, user_id) = (self.writer.clone(), Rc::clone(&self.outbox), self.user_id);
                let turn = self.turns.take_all();
                let answered = async move {
                    let answer = match writer.require_member(conversation, user_id).await {
                        Ok(()) => pneumatic::joined(conversation),
                        Err(refusal) => pneumatic::error(&refusal, &About::conversation(conversation)),
                    };
                    outbox.answer(&answer);
                    drop(turn);
                };
                actix::spawn(answered.instrument(frame.clone()));
            }
            Ok(Command::Send(post)) => {
                let about = About::post(&post);
                let (answer, outbox, turn) = (self.writer.post(post), Rc::clone(&self.outbox), self.turns.take_one());
                let answered = async move {
                    match answer.await {
                        // The room tells this device as it tells all others.
                        Ok(Posted::New(_)) => {}
                        Ok(Posted::Repeat(message)) => outbox.answer(&pneumatic::message(&message)),
                        Err(refusal) => outbox.answer(&pneumatic::error(&refusal, &about)),
                    }
                    drop(turn);
                };
                actix::spawn(answered.instrument(frame.clone()));
            }
            Err((refusal, about)) => self.refuse(&refusal, &about),
        }
    }

    /// Answers with an `error` frame; the socket stays open.
    pub(super) fn refuse(&self, refusal: &Refusal, about: &About) {
        self.outbox.answer(&pneumatic::error(refusal, about));
    }
}
