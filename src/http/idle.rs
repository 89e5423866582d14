//! The watch over kept-alive connections. actix-web limits the time of a connection's first request head alone
//! (`client_request_timeout`), so that a later one could be sent a byte a minute for ever: whoever gets no whole
//! request together is cut off here.

use std::{
    cell::{Cell, RefCell},
    net::Shutdown,
    rc::Rc,
    time::Duration,
};

use socket2::Socket;
use tokio::{task::JoinHandle, time::Instant};

/// How long after the last answer the next request may be complete: the time that a connection is kept for, and as
/// much again for the request itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of an answer that the slowest client takes in a second.
const SLOWEST: u64 = 16 << 10;

/// A connection's watch; it lives with the connection, on its worker's thread.
#[derive(Debug)]
pub struct Idle {
    watched: Rc<Watched>,
    watching: JoinHandle<()>,
}

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
pub(super) struct Busy {
    watched: Rc<Watched>,
    sending: Cell<Duration>,
}

impl Idle {
    /// Begins to watch.
    pub fn watch(socket: Socket) -> Self {
        let watched = Watched { socket: RefCell::new(Some(socket)), busy: Cell::new(0), since: Cell::new(Instant::now()) };
        let watched = Rc::new(watched);
        let watching = actix_web::rt::spawn(watch(Rc::clone(&watched)));
        Self { watched, watching }
    }

    /// A request has come; until the guard goes, the connection isn't idle.
    pub(super) fn begin(&self) -> Busy {
        self.watched.busy.set(self.watched.busy.get() + 1);
        Busy { watched: Rc::clone(&self.watched), sending: Cell::new(Duration::ZERO) }
    }

    /// The connection has become a socket, which has a heartbeat of its own.
    pub fn release(&self) {
        self.watching.abort();
        self.watched.socket.take();
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        self.release();
    }
}

impl Busy {
    /// So many bytes go out when the request is done with; that takes a slow client its time.
    pub(super) fn sends(&self, bytes: u64) {
        self.sending.set(Duration::from_secs(bytes / SLOWEST));
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.watched.busy.set(self.watched.busy.get() - 1);
        self.watched.since.set(Instant::now() + self.sending.get());
    }
}

async fn watch(watched: Rc<Watched>) {
    let mut next = Instant::now() + PATIENCE;
    loop {
        tokio::time::sleep_until(next).await;
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
