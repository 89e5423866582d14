//! Who does what, in what order.
//!
//! | actor | owns | bound, and what full means |
//! |---|---|---|
//! | [`writer::DbWriter`] | all database access; order, idempotency, `seq`/`rev` | [`budget::Budget`] and two counts; full is [`Refusal::Busy`](crate::domain::refusal::Refusal::Busy) |
//! | [`room::Room`] | who of one conversation is here; the last `rev` delivered | events hold the writer's budget until the last hub has pushed them |
//! | [`hub::Hub`] | the outboxes of one worker thread, by conversation | the same; per device the [`outbox::Outbox`]'s bytes, full is close code 4503 |
//! | [`presence::PresenceSupervisor`] | user → devices, who is online; the watchdog of sessions | a few tells per device; what is announced in a second is bounded |
//!
//! Asks go only from the edge, to the writer and (who comes) to presence, and these ask no one; everything else is a tell. A message's type
//! sits in the file of the actor that receives it.

mod announcements;
pub mod asks;
mod attendance;
pub mod budget;
pub mod catching_up;
mod comparing;
mod confirming;
mod counting;
pub mod device;
pub mod directory;
pub mod ended_logins;
mod gate;
mod guests;
mod history;
pub mod hub;
pub mod job;
mod lane;
mod login_watch;
mod marking;
pub mod online;
pub mod outbox;
pub mod piece;
pub mod presence;
pub mod relay;
pub mod room;
pub mod teller;
pub mod traffic;
pub mod vital;
pub mod writer;
