//! Pneumatic: self-hosted real-time chat, as actors.
//!
//! # The map
//!
//! ```text
//!  ws, http (with auth)   edge: bytes in, bytes out
//!        actors           who does what, in what order
//!  store · wire · backplane   the only floor that names sea_orm · text and frames · what other nodes hear
//!        domain           values and rules
//! ```
//!
//! An import only goes down; `tests/it/layers.rs` reads the sources and checks it. [`app`] builds the floors
//! and sees them all; [`config`], [`limits`] and [`metrics`] are plain values handed down. [`telemetry`] stands beneath them:
//! logs, and the spans of a journey.
//!
//! # A message's journey
//!
//! 1. `ws/session.rs` takes a frame, `ws/dispatch.rs` has `wire/pneumatic/` decode it (`ws/chat.rs`, for guests,
//!    `wire/fastchat.rs`; or `http/messages.rs` parses a body): all make a [`domain::message::NewMessage`].
//! 2. [`actors::asks::Writer::post`] takes a share of the budget and sends it to [`actors::writer::DbWriter`],
//!    which gathers a batch.
//! 3. `store/messages.rs` locks, plans (`store/sequencer.rs`), inserts, commits.
//! 4. The writer publishes to [`actors::room::Room`], which lets changes through in `rev` order, encodes each
//!    once per dialect and tells each [`actors::hub::Hub`] once. A sender who is to have an `ack` gets it in the message's place.
//! 5. The hub pushes the same bytes onto every [`actors::outbox::Outbox`], which writes them to the connection.
//!
//! Changes of members and titles take the same road. Whatever is no change (who is here, who writes, who has read how far)
//! goes to the room beside it. What one node's writer tells its rooms, [`backplane`] tells those of the others. What a device has missed `ws/resume.rs` reads from the database.
//!
//! # To add a feature
//!
//! A new thing that clients can ask: its values in `domain/`, its statement in `store/`, its question in
//! `actors/asks.rs`, its door in `http/` or `wire/` and `ws/dispatch.rs`. A new kind of change: a variant of
//! [`domain::event::Change`], and the compiler names the places that must speak of it.

pub mod actors;
pub mod app;
pub mod auth;
pub mod backplane;
pub mod config;
pub mod domain;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod operator;
pub mod shutdown;
pub mod store;
pub mod telemetry;
pub mod wire;
pub mod ws;

/// The commit that this was built from, as `PNEUMATIC_COMMIT` said at the time.
pub const COMMIT: &str = match option_env!("PNEUMATIC_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
