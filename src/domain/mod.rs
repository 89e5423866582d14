//! Values and rules, without a database, a socket or a clock of their own. Imports nothing of ours.

pub mod audit;
mod characters;
pub mod clock;
pub mod conversation;
pub mod counters;
pub mod event;
pub mod ids;
pub mod membership;
pub mod message;
pub mod presence;
pub mod refusal;
pub mod text;
pub mod user;
