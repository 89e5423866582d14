//! What a device has sent over its socket and isn't settled yet.

use std::time::{Duration, Instant};

use crate::journal::numbers::{Moment, RoomNo};

/// A message of the device's own.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) name: String,
    pub(super) room: RoomNo,
    /// How often it was sent.
    pub(super) attempts: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// To be sent from then on.
    Due(Instant),
    /// Sent then.
    Sent(Moment, Instant),
}

/// All that isn't settled.
#[derive(Debug, Default)]
pub(super) struct Posts(Vec<Post>);

impl Posts {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds one that is to be sent now.
    pub(super) fn add(&mut self, name: String, room: RoomNo) {
        self.0.push(Post { name, room, attempts: 0, state: State::Due(Instant::now()) });
    }

    /// The next one that is due; it counts as sent at this moment.
    pub(super) fn next(&mut self, at: Moment) -> Option<Post> {
        let now = Instant::now();
        let due = self.0.iter_mut().find(|post| matches!(post.state, State::Due(from) if from <= now))?;
        due.attempts += 1;
        due.state = State::Sent(at, now);
        Some(due.clone())
    }

    /// When one was sent that has waited for longer than this.
    pub(super) fn overdue(&self, patience: Duration) -> Option<Moment> {
        self.0.iter().find_map(|post| match post.state {
            State::Sent(sent, since) if since.elapsed() > patience => Some(sent),
            _ => None,
        })
    }

    /// One is settled; none by this name waits if it was given up before.
    pub(super) fn settle(&mut self, name: &str) -> Option<Post> {
        let place = self.0.iter().position(|post| post.name == name)?;
        Some(self.0.remove(place))
    }

    /// One was put off; when it had been sent.
    pub(super) fn put_off(&mut self, name: &str, pause: Duration) -> Option<(Post, Moment)> {
        let post = self.0.iter_mut().find(|post| post.name == name)?;
        let State::Sent(sent, _) = post.state else { return None };
        post.state = State::Due(Instant::now() + pause);
        Some((post.clone(), sent))
    }

    /// The connection has ended: what was sent may be lost. Those, and when they had been sent; they are due again.
    pub(super) fn cut(&mut self) -> Vec<(Post, Moment)> {
        let mut open = Vec::new();
        for post in &mut self.0 {
            if let State::Sent(sent, _) = post.state {
                post.state = State::Due(Instant::now());
                open.push((post.clone(), sent));
            }
        }
        open
    }
}
