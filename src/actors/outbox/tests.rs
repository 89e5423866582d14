//! The outbox, at a connection that takes as much as a test lets it.

use std::cell::Cell;

use super::*;

/// Takes so many bytes, and notes what each write was.
#[derive(Debug, Default)]
struct Hose {
    room: Cell<usize>,
    writes: RefCell<Vec<usize>>,
    gone: Cell<bool>,
}

impl Hose {
    /// How much was written since the last time, in all.
    fn took(&self) -> usize {
        self.writes.take().into_iter().sum()
    }
}

impl Outlet for Hose {
    fn poll_write(&self, _: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.gone.get() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = pieces.iter().map(|piece| piece.len()).sum::<usize>().min(self.room.get());
        if taken == 0 {
            return Poll::Pending;
        }
        self.room.set(self.room.get() - taken);
        self.writes.borrow_mut().push(taken);
        Poll::Ready(Ok(taken))
    }
}

fn drain(outbox: &Outbox) -> Poll<bool> {
    outbox.poll_drain(&mut Context::from_waker(Waker::noop())).map(|drained| drained.is_ok())
}

/// An outbox whose connection is there and takes so much.
fn connected(room: usize, now: Instant) -> (Rc<Hose>, Outbox) {
    let hose = Rc::new(Hose::default());
    hose.room.set(room);
    let outbox = Outbox::new(Rc::clone(&hose) as Rc<dyn Outlet>, now);
    assert_eq!(drain(&outbox), Poll::Pending);
    (hose, outbox)
}

/// Lets the connection take everything that waits.
fn empty(hose: &Hose, outbox: &Outbox) -> (usize, bool) {
    hose.room.set(usize::MAX);
    let ended = drain(outbox);
    hose.room.set(0);
    (hose.took(), ended == Poll::Ready(true))
}

#[test]
fn a_device_that_takes_nothing_is_bounded() {
    let start = Instant::now();
    let (hose, outbox) = connected(0, start);
    let frame = Bytes::from(vec![0; 10_000]);
    let late = start + STALL * 2;
    let mut now = start;
    let mut kept = 0;
    while outbox.push(&frame, now) != Pushed::Full {
        kept += frame.len();
        now = late;
    }
    assert!(kept <= STALLED_BOUND, "{kept}");
    assert_eq!(empty(&hose, &outbox), (frame::close(CloseCode::TooSlow).len(), false));
    assert_eq!(outbox.push(&frame, late), Pushed::Closed);
}

#[test]
fn a_burst_passes_when_the_device_keeps_up() {
    let start = Instant::now();
    let (hose, outbox) = connected(0, start);
    let frame = Bytes::from(vec![0; 10_000]);
    for second in 0..5 {
        let now = start + Duration::from_secs(second);
        for _ in 0..200 {
            assert_ne!(outbox.push(&frame, now), Pushed::Full);
        }
        assert_eq!(empty(&hose, &outbox), (2_000_000, false));
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
    let (hose, outbox) = connected(1_000, start);
    let frame = frame::text(&[b'x'; 3_000]);
    outbox.push(&frame, start + TICK);
    outbox.push(&frame, start + TICK);
    assert_eq!(hose.took(), 1_000);
    outbox.close(CloseCode::TooSlow);
    let rest = frame.len() - 1_000 + frame::close(CloseCode::TooSlow).len();
    assert_eq!((outbox.waiting(), empty(&hose, &outbox)), (rest, (rest, false)));
}

#[test]
fn an_idle_device_is_written_to_at_once_and_a_busy_one_by_the_tick() {
    let start = Instant::now();
    let (hose, outbox) = connected(usize::MAX, start);
    let frame = Bytes::from_static(b"x");
    let later = start + TICK;
    assert_eq!((outbox.push(&frame, later), hose.took()), (Pushed::Queued, 1));
    assert_eq!(outbox.push(&frame, later), Pushed::Due);
    assert_eq!((outbox.push(&frame, later), hose.took()), (Pushed::Queued, 0));
    outbox.flush(later);
    assert_eq!(hose.writes.take(), [2], "in one write");
    assert_eq!((outbox.push(&frame, later + TICK), hose.took()), (Pushed::Queued, 1));
}

/// Whatever comes before the connection is there waits for it; while it takes nothing, only it tries again.
#[test]
fn the_connection_writes_what_was_not_taken() {
    let start = Instant::now();
    let hose = Rc::new(Hose::default());
    hose.room.set(3);
    let outbox = Outbox::new(Rc::clone(&hose) as Rc<dyn Outlet>, start);
    outbox.answer(&Bytes::from_static(b"12345"));
    assert_eq!((hose.took(), outbox.waiting()), (0, 5));
    assert_eq!((drain(&outbox), hose.took(), outbox.waiting()), (Poll::Pending, 3, 2));
    hose.room.set(usize::MAX);
    outbox.answer(&Bytes::from_static(b"6"));
    assert_eq!((hose.took(), outbox.waiting()), (0, 3), "it was told to wait");
    assert_eq!((drain(&outbox), hose.took(), outbox.waiting()), (Poll::Pending, 3, 0));
    hose.gone.set(true);
    outbox.answer(&Bytes::from_static(b"7"));
    assert_eq!(drain(&outbox), Poll::Ready(false));
}

#[test]
fn what_can_come_later_waits_for_room() {
    let start = Instant::now();
    let (hose, outbox) = connected(0, start);
    let (half, more) = (Bytes::from(vec![0; HALF]), Bytes::from_static(b"x"));
    let cx = Context::from_waker(Waker::noop());
    outbox.push(&half, start);
    assert_eq!(outbox.poll_room(&cx), Poll::Ready(true));
    assert_ne!(outbox.push_ephemeral(&more, start), Pushed::Closed);
    assert_eq!(outbox.poll_room(&cx), Poll::Pending);
    assert_eq!(outbox.push_ephemeral(&more, start), Pushed::Closed);
    assert_eq!(empty(&hose, &outbox), (HALF + 1, false));
    assert_eq!(outbox.poll_room(&cx), Poll::Ready(true));
    outbox.close(CloseCode::Bye);
    assert_eq!(outbox.poll_room(&cx), Poll::Ready(false));
}

#[test]
fn the_close_frame_is_the_last() {
    let (hose, outbox) = connected(0, Instant::now());
    outbox.answer(&Bytes::from_static(b"abc"));
    outbox.close(CloseCode::Restarting);
    outbox.close(CloseCode::TooSlow);
    outbox.end();
    assert_eq!(empty(&hose, &outbox), (3 + frame::close(CloseCode::Restarting).len(), true));
}
