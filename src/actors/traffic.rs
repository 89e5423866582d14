//! What goes out on one thread, in plain numbers: a delivery touches no atomic one.

use std::cell::Cell;

/// What went out since it was last told.
#[derive(Debug, Default)]
pub struct Traffic {
    frames: Cell<u64>,
    bytes: Cell<u64>,
}

impl Traffic {
    /// So many frames more were put into queues.
    pub(super) fn add_frames(&self, frames: u64) {
        self.frames.set(self.frames.get() + frames);
    }

    /// So many bytes more were handed out.
    pub(super) fn add_bytes(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
    }

    /// Frames and bytes since the last call.
    pub(super) fn take(&self) -> (u64, u64) {
        (self.frames.take(), self.bytes.take())
    }
}
