//! How many commands of one device are under way. While there are too many, its frames aren't read: the
//! kernel's buffer fills, and the client feels it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
};

/// Most commands of one device under way at a time.
const AT_ONCE: u32 = 32;

/// The count.
#[derive(Debug, Default)]
pub(super) struct Turns {
    taken: Cell<u32>,
    waiting: RefCell<Option<Waker>>,
}

/// One or all of the turns; dropping it gives back.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Rc<Turns>,
    size: u32,
}

impl Turns {
    /// For a command whose answer may come after that of a later one.
    pub(super) fn take_one(self: &Rc<Self>) -> Turn {
        self.take(1)
    }

    /// For a command whose answer has to come before the next is read.
    pub(super) fn take_all(self: &Rc<Self>) -> Turn {
        self.take(AT_ONCE)
    }

    fn take(self: &Rc<Self>, size: u32) -> Turn {
        self.taken.set(self.taken.get() + size);
        Turn { turns: Rc::clone(self), size }
    }

    /// Whether nothing is read just now.
    pub(super) fn are_taken(&self) -> bool {
        self.taken.get() >= AT_ONCE
    }

    /// Ready when the next command may be read.
    pub(super) fn poll_free(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.are_taken() {
            return Poll::Ready(());
        }
        *self.waiting.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken.set(self.turns.taken.get() - self.size);
        if let Some(waker) = self.turns.waiting.borrow_mut().take() {
            waker.wake();
        }
    }
}
