//! A device's outbox: the queue of finished frames that the HTTP dispatcher polls as the response body. It
//! lives on one worker thread, shared by the hub (which fills it), the session (which answers and ends it)
//! and the body (which empties it).

use std::{
    cell::{OnceCell, RefCell},
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use actix::Recipient;
use bytes::Bytes;

use super::{device::Kick, traffic::Traffic};
use crate::wire::{close::CloseCode, frame};

/// Bytes that may wait while the device takes none.
const STALLED_BOUND: usize = 256 << 10;
/// How long a device that takes nothing may go on filling beyond that: the bytes of a burst are pushed
/// before the dispatcher has had a chance to take any.
const STALL: Duration = Duration::from_millis(250);
/// Bytes that may wait in any case.
const BOUND: usize = 4 << 20;
/// While more waits than this, what is ephemeral is dropped, and nothing is added that can come later.
const HALF: usize = STALLED_BOUND / 2;
/// Bytes handed out in one go; the next ones after they have been written. A connection's buffer never shrinks: whoever was once
/// told much would keep the room for it for ever.
const GULP: usize = 8 << 10;
/// A device that was woken less than this ago is woken by the next tick, so that frames leave in one write.
pub const TICK: Duration = Duration::from_millis(3);

/// What a push came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// Queued, and the dispatcher was woken (or will be by a tick that is already due).
    Queued,
    /// Queued; the caller has to call [`Outbox::wake`] within [`TICK`].
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
    /// Bytes handed out since the dispatcher last had to wait.
    gulped: usize,
    /// Whether the first in the queue is the rest of what has been handed out in part.
    begun: bool,
    state: State,
    waker: Option<Waker>,
    /// Who waits for [`Outbox::poll_room`].
    patient: Option<Waker>,
    woken_at: Instant,
    moved_at: Instant,
    tick_due: bool,
}

/// The queue.
#[derive(Debug)]
pub struct Outbox {
    inner: RefCell<Inner>,
    session: OnceCell<Recipient<Kick>>,
    traffic: OnceCell<Rc<Traffic>>,
}

impl Outbox {
    /// An empty one.
    pub fn new(now: Instant) -> Self {
        let inner = Inner {
            queue: VecDeque::new(),
            bytes: 0,
            gulped: 0,
            begun: false,
            state: State::Open,
            waker: None,
            patient: None,
            woken_at: now,
            moved_at: now,
            tick_due: false,
        };
        Self { inner: RefCell::new(inner), session: OnceCell::new(), traffic: OnceCell::new() }
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
        if now - inner.woken_at >= TICK {
            inner.wake(now);
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

    /// Lets the dispatcher take what is queued.
    pub fn wake(&self, now: Instant) {
        self.inner.borrow_mut().wake(now);
    }

    /// Queues an answer to the device's own frame, in one frame or several, and lets it go at once.
    pub fn answer(&self, frames: &Bytes) {
        let now = Instant::now();
        match self.push(frames, now) {
            Pushed::Due => self.wake(now),
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
            inner.wake(Instant::now());
            self.count(1, 0);
        }
    }

    /// Ends the body once what is queued has been taken.
    pub fn end(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.state = State::Ended;
        inner.wake_patient();
        inner.wake(Instant::now());
    }

    /// The dispatcher's side: the next bytes, none when the body has ended.
    pub fn poll_next(&self, waker: &Waker) -> Poll<Option<Bytes>> {
        let mut inner = self.inner.borrow_mut();
        if inner.gulped >= GULP {
            inner.wait(waker);
            waker.wake_by_ref();
            return Poll::Pending;
        }
        match inner.queue.pop_front() {
            Some(mut frames) => {
                let room = GULP - inner.gulped;
                inner.begun = frames.len() > room;
                if inner.begun {
                    inner.queue.push_front(frames.split_off(room));
                }
                inner.moved_at = Instant::now();
                inner.gulped += frames.len();
                inner.bytes -= frames.len();
                if inner.bytes <= HALF {
                    inner.wake_patient();
                }
                self.count(0, frames.len());
                Poll::Ready(Some(frames))
            }
            None if inner.state == State::Ended => Poll::Ready(None),
            None => {
                // An idle device keeps no memory for a queue.
                inner.queue = VecDeque::new();
                inner.wait(waker);
                Poll::Pending
            }
        }
    }
}

impl Inner {
    /// The dispatcher writes what it has, and is woken by this.
    fn wait(&mut self, waker: &Waker) {
        self.gulped = 0;
        if !self.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
    }

    fn wake_patient(&mut self) {
        if let Some(patient) = self.patient.take() {
            patient.wake();
        }
    }

    fn wake(&mut self, now: Instant) {
        self.tick_due = false;
        self.woken_at = now;
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(outbox: &Outbox) -> (usize, bool) {
        let mut bytes = 0;
        loop {
            match outbox.poll_next(Waker::noop()) {
                Poll::Ready(Some(frames)) => bytes += frames.len(),
                Poll::Ready(None) => return (bytes, true),
                Poll::Pending if outbox.waiting() > 0 => {}
                Poll::Pending => return (bytes, false),
            }
        }
    }

    #[test]
    fn a_device_that_takes_nothing_is_bounded() {
        let start = Instant::now();
        let outbox = Outbox::new(start);
        let frame = Bytes::from(vec![0; 10_000]);
        let late = start + STALL * 2;
        let mut now = start;
        let mut kept = 0;
        while outbox.push(&frame, now) != Pushed::Full {
            kept += frame.len();
            now = late;
        }
        assert!(kept <= STALLED_BOUND, "{kept}");
        assert_eq!(drain(&outbox), (frame::close(CloseCode::TooSlow).len(), false));
        assert_eq!(outbox.push(&frame, late), Pushed::Closed);
    }

    #[test]
    fn a_burst_passes_when_the_device_keeps_up() {
        let start = Instant::now();
        let outbox = Outbox::new(start);
        let frame = Bytes::from(vec![0; 10_000]);
        for second in 0..5 {
            let now = start + Duration::from_secs(second);
            for _ in 0..200 {
                assert_ne!(outbox.push(&frame, now), Pushed::Full);
            }
            assert_eq!(drain(&outbox), (2_000_000, false));
        }
        let mut pushed = 0;
        while outbox.push(&frame, start + Duration::from_secs(9)) != Pushed::Full {
            pushed += frame.len();
        }
        assert!(pushed <= BOUND);
    }

    #[test]
    fn no_frame_breaks_off() {
        let start = Instant::now();
        let outbox = Outbox::new(start);
        let frame = frame::text(&[b'x'; GULP * 3]);
        outbox.push(&frame, start);
        outbox.push(&frame, start);
        let Poll::Ready(Some(gulp)) = outbox.poll_next(Waker::noop()) else { panic!("nothing came") };
        outbox.close(CloseCode::TooSlow);
        let rest = frame.len() - gulp.len() + frame::close(CloseCode::TooSlow).len();
        assert_eq!((outbox.waiting(), drain(&outbox)), (rest, (rest, false)));
    }

    #[test]
    fn an_idle_device_is_woken_at_once_and_a_busy_one_by_the_tick() {
        let start = Instant::now();
        let outbox = Outbox::new(start);
        let frame = Bytes::from_static(b"x");
        let later = start + TICK;
        assert_eq!(outbox.push(&frame, later), Pushed::Queued);
        assert_eq!(outbox.push(&frame, later), Pushed::Due);
        assert_eq!(outbox.push(&frame, later), Pushed::Queued);
        outbox.wake(later);
        assert_eq!(outbox.push(&frame, later + TICK), Pushed::Queued);
    }

    #[test]
    fn much_is_handed_out_in_gulps() {
        let start = Instant::now();
        let outbox = Outbox::new(start);
        outbox.push(&Bytes::from(vec![7; GULP * 2 + 5]), start);
        outbox.push(&Bytes::from_static(b"x"), start);
        let mut gulps = Vec::new();
        while outbox.waiting() > 0 {
            match outbox.poll_next(Waker::noop()) {
                Poll::Ready(Some(bytes)) => gulps.push(bytes.len()),
                Poll::Ready(None) => break,
                Poll::Pending => gulps.push(0),
            }
        }
        assert_eq!(gulps, [GULP, 0, GULP, 0, 5, 1]);
    }

    #[test]
    fn what_can_come_later_waits_for_room() {
        let start = Instant::now();
        let outbox = Outbox::new(start);
        let (half, more) = (Bytes::from(vec![0; HALF]), Bytes::from_static(b"x"));
        let cx = Context::from_waker(Waker::noop());
        outbox.push(&half, start);
        assert_eq!(outbox.poll_room(&cx), Poll::Ready(true));
        assert_ne!(outbox.push_ephemeral(&more, start), Pushed::Closed);
        assert_eq!(outbox.poll_room(&cx), Poll::Pending);
        assert_eq!(outbox.push_ephemeral(&more, start), Pushed::Closed);
        assert_eq!(drain(&outbox), (HALF + 1, false));
        assert_eq!(outbox.poll_room(&cx), Poll::Ready(true));
        outbox.close(CloseCode::Bye);
        assert_eq!(outbox.poll_room(&cx), Poll::Ready(false));
    }

    #[test]
    fn the_close_frame_is_the_last() {
        let outbox = Outbox::new(Instant::now());
        outbox.answer(&Bytes::from_static(b"abc"));
        outbox.close(CloseCode::Restarting);
        outbox.close(CloseCode::TooSlow);
        outbox.end();
        assert_eq!(drain(&outbox), (3 + frame::close(CloseCode::Restarting).len(), true));
    }
}
