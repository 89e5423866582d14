//! Text and frames: what clients say turned into commands, what happened turned into finished WebSocket
//! frames. One file per dialect. Knows the domain alone.

pub mod close;
pub mod frame;
pub mod pneumatic;
