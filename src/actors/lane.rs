//! One of the writer's lanes: what waits for its next transaction, and what that takes. Pure.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{
    budget::Share,
    job::{Answer, Job},
    room::Origin,
    writer::Post,
};
use crate::{domain::message::Posted, store::Draft};

/// Most posts in one transaction.
const BATCH_POSTS: usize = 512;
/// Most bytes of content in one transaction, so that a burst reaches the devices in portions.
const BATCH_BYTES: usize = 512 << 10;

/// What can wait.
pub(super) enum Work {
    Post(Post),
    Job(Job),
}

/// A post whose transaction is under way.
pub(super) struct Pending {
    pub(super) share: Share,
    pub(super) origin: Option<Box<Origin>>,
    pub(super) reply: oneshot::Sender<Answer<Posted>>,
}

/// What goes into one transaction.
pub(super) enum Next {
    /// Posts, and in the same order who waits for them.
    Batch(Vec<Draft>, Vec<Pending>),
    /// A transaction of its own.
    Job(Job),
}

/// The queue.
#[derive(Default)]
pub(super) struct Lane {
    waiting: VecDeque<Work>,
    busy: bool,
}

impl Lane {
    /// Adds something; whether the lane was idle, and has to be started.
    pub(super) fn push(&mut self, work: Work) -> bool {
        self.waiting.push_back(work);
        !std::mem::replace(&mut self.busy, true)
    }

    /// Takes what has gathered, in order: posts up to a batch's bounds, or one job. With none the lane is idle.
    pub(super) fn next(&mut self) -> Option<Next> {
        let (mut drafts, mut pending, mut bytes) = (Vec::new(), Vec::new(), 0);
        while let Some(work) = self.waiting.pop_front() {
            match work {
                Work::Post(post) => {
                    bytes += post.draft.post.content.as_str().len();
                    drafts.push(post.draft);
                    pending.push(Pending { share: post.share, origin: post.origin, reply: post.reply });
                    if drafts.len() == BATCH_POSTS || bytes >= BATCH_BYTES {
                        break;
                    }
                }
                job if !drafts.is_empty() => {
                    self.waiting.push_front(job);
                    break;
                }
                Work::Job(job) => return Some(Next::Job(job)),
            }
        }
        self.busy = !drafts.is_empty();
        self.busy.then_some(Next::Batch(drafts, pending))
    }
}
