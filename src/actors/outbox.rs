//! A device's outbox: the queue of finished frames, and the way out for them. It lives on one worker thread, shared by the hub
//! (which fills it and has it written), the session (which answers and ends it) and the connection (which writes what the kernel
//! didn't take at once).

use std::{
    cell::{OnceCell, RefCell},
    collections::VecDeque,
    fmt,
    io::{self, IoSlice},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use actix::Recipient;
use bytes::{Buf, Bytes};

use super::{device::Kick, traffic::Traffic};
use crate::wire::{close::CloseCode, frame};

/// Bytes that may wait while the device takes none.
const STALLED_BOUND: usize = 256 << 10;
/// How long a device that takes nothing may go on filling beyond that.
const STALL: Duration = Duration::from_millis(250);
/// Bytes that may wait in any case.
const BOUND: usize = 4 << 20;
/// While more waits than this, what is ephemeral is dropped, and nothing is added that can come later.
const HALF: usize = STALLED_BOUND / 2;
/// Pieces of the queue that are written at a time.
const AT_ONCE: usize = 32;
/// What comes less than this after a device was last written to leaves with the next tick, so that frames leave in one write.
pub const TICK: Duration = Duration::from_millis(3);

/// Where a device's bytes go.
pub trait Outlet: fmt::Debug {
    /// Writes as much as is taken at once; when that is nothing, the waker is told when it is worth trying again.
    ///
    /// # Errors
    /// When the connection is gone.
    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;
}

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Queued, and written as far as the connection takes it (or will be by a tick that is already due).
    Queued,
    /// Queued; the caller has to call [`Outbox::flush`] within [`TICK`].
    Due,
    /// Over the bound: the device is too slow, was told so, and its session as well.
    Full,
    /// Nothing more is taken.
    Closed,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Open,
    /// A close frame was queued; it is the last one.
    Closing,
    /// What is queued goes out, then the body ends.
    Ended,
}

#[derive(Debug)]
struct Inner {
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// Whether the first in the queue is the rest of what has been written in part.
    begun: bool,
    /// Whether the connection takes nothing just now: then it is the connection that goes on.
    blocked: bool,
    state: State,
    /// The connection's.
    waker: Waker,
    /// Who waits for [`Outbox::poll_room`].
    patient: Option<Waker>,
    written_at: Instant,
    moved_at: Instant,
    tick_due: bool,
}

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    inner: RefCell<Inner>,
    outlet: Rc<dyn Outlet>,
    session: OnceCell<Recipient<Kick>>,
    traffic: OnceCell<Rc<Traffic>>,
}

impl Outbox {
    /// An empty one. Nothing is written before [`Outbox::poll_drain`] has been called.
    pub fn new(outlet: Rc<dyn Outlet>, now: Instant) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            bytes: 0,
            begun: false,
            blocked: true,
            state: State::Open,
            waker: Waker::noop().clone(),
            patient: None,
            written_at: now,
            moved_at: now,
            tick_due: false,
        };
        Self { inner: RefCell::new(inner), outlet, session: OnceCell::new(), traffic: OnceCell::new() }
    }

    /// Whose outbox it is; the first word counts.
    pub fn belongs_to(&self, session: Recipient<Kick>) {
        drop(self.session.set(session));
    }

    /// Where what goes out is counted; the first word counts.
    pub(super) fn counts_in(&self, traffic: Rc<Traffic>) {
        drop(self.traffic.set(traffic));
    }

    /// Bytes that wait to be taken.
    pub(super) fn waiting(&self) -> usize {
        self.inner.borrow().bytes
    }

    fn count(&self, frames: u64, bytes: usize) {
        if let Some(traffic) = self.traffic.get() {
            traffic.add_frames(frames);
            traffic.add_bytes(bytes);
        }
    }

    /// Ends the session.
    pub fn kick(&self, code: CloseCode) {
        if let Some(session) = self.session.get() {
            session.do_send(Kick(code));
        }
    }

    /// Queues finished frames.
    pub fn push(&self, frames: &Bytes, now: Instant) -> Pushed {
        let mut inner = self.inner.borrow_mut();
        if inner.state != State::Open {
            return Pushed::Closed;
        }
        if inner.queue.is_empty() {
            inner.moved_at = now;
        }
        let bytes = inner.bytes + frames.len();
        if bytes > BOUND || (bytes > STALLED_BOUND && now - inner.moved_at > STALL) {
            drop(inner);
            self.close(CloseCode::TooSlow);
            self.kick(CloseCode::TooSlow);
            return Pushed::Full;
        }
        inner.bytes = bytes;
        inner.queue.push_back(frames.clone());
        if inner.tick_due {
            return Pushed::Queued;
        }
        if now - inner.written_at >= TICK {
            self.write(&mut inner, now);
            return Pushed::Queued;
        }
        inner.tick_due = true;
        Pushed::Due
    }

    /// Queues what nobody will miss: nothing, while the device is behind.
    pub(super) fn push_ephemeral(&self, frames: &Bytes, now: Instant) -> Pushed {
        if self.waiting() > HALF { Pushed::Closed } else { self.push(frames, now) }
    }

    /// Ready once the device has taken most of what was queued; false when nothing more is taken.
    pub fn poll_room(&self, cx: &Context<'_>) -> Poll<bool> {
        let mut inner = self.inner.borrow_mut();
        if inner.state != State::Open {
            return Poll::Ready(false);
        }
        if inner.bytes <= HALF {
            return Poll::Ready(true);
        }
        inner.patient = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes what is queued, as far as the connection takes it.
    pub fn flush(&self, now: Instant) {
        self.write(&mut self.inner.borrow_mut(), now);
    }

    /// Queues an answer to the device's own frame, in one frame or several, and lets it go at once.
    pub fn answer(&self, frames: &Bytes) {
        let now = Instant::now();
        match self.push(frames, now) {
            Pushed::Due => self.flush(now),
            Pushed::Queued => {}
            Pushed::Full | Pushed::Closed => return,
        }
        self.count(frame::count(frames), 0);
    }

    /// Queues a close frame as the last one. A device that takes nothing, or may hear nothing any more, gets nothing
    /// but that, and the rest of what it has begun to take: a frame can't break off.
    pub fn close(&self, code: CloseCode) {
        let mut inner = self.inner.borrow_mut();
        if inner.state == State::Open {
            if matches!(code, CloseCode::TooSlow | CloseCode::HeartbeatMissed | CloseCode::LoginEnded) {
                let begun = inner.begun;
                inner.queue.truncate(usize::from(begun));
                inner.bytes = inner.queue.iter().map(Bytes::len).sum();
            }
            inner.state = State::Closing;
            inner.wake_patient();
            let frame = frame::close(code);
            inner.bytes += frame.len();
            inner.queue.push_back(frame);
            self.write(&mut inner, Instant::now());
            self.count(1, 0);
        }
    }

    /// Ends the connection once what is queued has been taken.
    pub fn end(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.state = State::Ended;
        inner.wake_patient();
        inner.waker.wake_by_ref();
    }

    /// The connection's side: writes whatever couldn't be written at once. Ready when the outbox has ended and all of it has
    /// been taken.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn poll_drain(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner.borrow_mut();
        if !inner.waker.will_wake(cx.waker()) {
            inner.waker = cx.waker().clone();
        }
        inner.blocked = false;
        ready!(self.poll_flush(&mut inner, cx))?;
        if inner.state == State::Ended { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Writes now, unless it is the connection's turn.
    fn write(&self, inner: &mut Inner, now: Instant) {
        inner.tick_due = false;
        inner.written_at = now;
        if inner.blocked {
            return;
        }
        // Taken out for the moment: a clone is counted across threads, and this is done for every delivery.
        let waker = std::mem::replace(&mut inner.waker, Waker::noop().clone());
        let is_gone = matches!(self.poll_flush(inner, &mut Context::from_waker(&waker)), Poll::Ready(Err(_)));
        inner.waker = waker;
        if is_gone {
            // The connection will find that out, and end.
            inner.blocked = true;
            inner.waker.wake_by_ref();
        }
    }

    fn poll_flush(&self, inner: &mut Inner, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !inner.queue.is_empty() {
            let mut pieces = [IoSlice::new(&[]); AT_ONCE];
            let count = inner.queue.len().min(AT_ONCE);
            pieces.iter_mut().zip(&inner.queue).for_each(|(piece, frames)| *piece = IoSlice::new(frames));
            let Poll::Ready(written) = self.outlet.poll_write(cx, &pieces[..count]) else {
                inner.blocked = true;
                return Poll::Pending;
            };
            let written = written?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            inner.take(written);
            self.count(0, written);
        }
        // An idle device keeps no memory for a queue.
        inner.queue = VecDeque::new();
        Poll::Ready(Ok(()))
    }
}

impl Inner {
    /// So much has been written.
    fn take(&mut self, mut written: usize) {
        self.moved_at = Instant::now();
        self.bytes -= written;
        self.begun = false;
        while let Some(frames) = self.queue.front_mut() {
            if written < frames.len() {
                frames.advance(written);
                self.begun |= written > 0;
                break;
            }
            written -= frames.len();
            self.queue.pop_front();
        }
        if self.bytes <= HALF {
            self.wake_patient();
        }
    }

    fn wake_patient(&mut self) {
        if let Some(patient) = self.patient.take() {
            patient.wake();
        }
    }
}

#[cfg(test)]
mod tests;
