//! Text and frames: what clients say turned into commands, what happened turned into finished WebSocket
//! frames. One file per dialect. Knows the domain alone.

pub mod asyncapi;
pub mod close;
pub mod dialect;
pub mod fastchat;
mod fields;
pub mod frame;
pub mod inbound;
pub mod pneumatic;
