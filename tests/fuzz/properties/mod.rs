//! What holds for any bytes whatever. Fuzzing looks for bytes for which it doesn't, and ordinary tests replay those that it has
//! found interesting. Each `check` says whether what it was given was understood, for a replay that nothing understands shows
//! little.
//!
//! Where something doesn't hold, `check` panics: every `assert`, `expect` and `panic` here is the finding itself.

pub mod fastchat;
pub mod frames;
pub mod news;
pub mod outgoing;
mod reference;
mod refusals;
pub mod text;
pub mod v1;
pub mod v2;
