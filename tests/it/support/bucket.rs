//! Where the bytes of an outbox go that belongs to no connection.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use pneumatic::actors::outbox::{Outbox, Outlet};

/// Takes everything, while it is open.
#[derive(Debug, Default)]
pub struct Bucket {
    is_shut: Cell<bool>,
    writes: Cell<usize>,
    taken: RefCell<Vec<u8>>,
}

impl Bucket {
    /// One with the outbox that it belongs to.
    pub fn with_outbox() -> (Rc<Self>, Rc<Outbox>) {
        let bucket = Rc::new(Self::default());
        let outbox = Rc::new(Outbox::new(Rc::clone(&bucket) as Rc<dyn Outlet>, Instant::now()));
        bucket.open(&outbox);
        (bucket, outbox)
    }

    /// Takes nothing any more.
    pub fn shut(&self) {
        self.is_shut.set(true);
    }

    /// Takes what waits, and what comes.
    pub fn open(&self, outbox: &Outbox) {
        self.is_shut.set(false);
        assert!(outbox.poll_drain(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    /// In how many writes that was.
    pub fn writes(&self) -> usize {
        self.writes.get()
    }

    /// What it has taken so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.taken.borrow()).into_owned()
    }
}

impl Outlet for Bucket {
    fn poll_write(&self, _: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.is_shut.get() {
            return Poll::Pending;
        }
        self.writes.set(self.writes.get() + 1);
        let mut taken = self.taken.borrow_mut();
        pieces.iter().for_each(|piece| taken.extend_from_slice(piece));
        Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()))
    }
}
