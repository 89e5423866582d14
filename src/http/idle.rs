//! The watch over kept-alive connections. actix-web limits the time of a connection's first request head alone
//! (`client_request_timeout`), so that a later one could be sent a byte a minute for ever: whoever gets no whole
//! request together is cut off here.

use std::{
    cell::{Cell, RefCell},
    net::Shutdown,
    rc::{Rc, Weak},
    time::Duration,
};

use socket2::Socket;
use tokio::time::Instant;

/// How long after the last answer the next request may be complete: the time that a connection is kept for, and as
/// much again for the request itself and what is still to be sent of the answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection's watch; it lives with the connection, on its worker's thread.
#[derive(Debug)]
pub struct Idle(Rc<Watched>);

#[derive(Debug)]
struct Watched {
    /// A second handle of the connection's socket; none once it is somebody else's business.
    socket: RefCell<Option<Socket>>,
    /// Requests under way.
    busy: Cell<usize>,
    since: Cell<Instant>,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Busy(Rc<Watched>);

impl Idle {
    /// Begins to watch.
    pub fn watch(socket: Socket) -> Self {
        let watched = Watched { socket: RefCell::new(Some(socket)), busy: Cell::new(0), since: Cell::new(Instant::now()) };
        let watched = Rc::new(watched);
        actix_web::rt::spawn(watch(Rc::downgrade(&watched)));
        Self(watched)
    }

    /// A request has come; until the guard goes, the connection isn't idle.
    pub(super) fn begin(&self) -> Busy {
        self.0.busy.set(self.0.busy.get() + 1);
        Busy(Rc::clone(&self.0))
    }

    /// The connection has become a socket, which has a heartbeat of its own.
    pub fn release(&self) {
        self.0.socket.take();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get() - 1);
        self.0.since.set(Instant::now());
    }
}

async fn watch(connection: Weak<Watched>) {
    let mut next = Instant::now() + PATIENCE;
    loop {
        tokio::time::sleep_until(next).await;
        let Some(watched) = connection.upgrade() else { return };
        if watched.socket.borrow().is_none() {
            return;
        }
        let now = Instant::now();
        next = if watched.busy.get() > 0 { now + PATIENCE } else { watched.since.get() + PATIENCE };
        if next <= now {
            if let Some(socket) = watched.socket.take() {
                tracing::debug!("connection.idle");
                // The peer may have gone by itself.
                drop(socket.shutdown(Shutdown::Both));
            }
            return;
        }
    }
}
