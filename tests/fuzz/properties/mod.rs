//! What holds for any bytes whatever. Each `check` panics where it doesn't. Fuzzing looks for such bytes, and ordinary tests
//! replay those that it has found interesting.

pub mod fastchat;
pub mod frames;
pub mod news;
pub mod outgoing;
mod reference;
mod refusals;
pub mod text;
pub mod v1;
pub mod v2;
