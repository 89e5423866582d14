//! The latest pages of conversations, kept in memory while nothing in them changes: what nearly everybody asks for who opens a
//! conversation needn't be read then.
//!
//! A process that alone writes to its database knows by itself whether a page still holds. A page says at which stamp of its conversation it was read. Whatever changes a conversation moves the stamp on after its
//! commit and before anybody is told, so a page of an old stamp is never given to somebody who knows of the change, and a page
//! that was read while something changed is out of date as soon as it is kept.
//!
//! Where others write as well, a page holds for as long as its conversation stands at the same `rev`, which has to be asked.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

use crate::domain::{
    ids::{ConversationId, Rev, UserId},
    message::Message,
};

/// Bytes that the pages may take, roughly.
const ROOM: u64 = 16 << 20;
/// Pages that there is room for when they are of a usual size.
const USUAL: usize = 1_000;
/// Most people whose right to see a page is remembered with it.
const VIEWERS: usize = 256;
/// Conversations of one slot share their stamp.
const SLOTS: usize = 4_096;
/// For how long a page is kept: a change by a foreign tool, of which we hear nothing, shows after that at the latest.
const LIFE: Duration = Duration::from_secs(10);

/// A page of the history.
#[derive(Debug)]
pub struct HistoryPage {
    /// Where the conversation stood when it was read.
    pub rev: Rev,
    /// Ascending by `seq`.
    pub messages: Vec<Message>,
    json: OnceLock<Bytes>,
}

impl HistoryPage {
    /// One of these messages.
    pub fn new(rev: Rev, messages: Vec<Message>) -> Self {
        Self { rev, messages, json: OnceLock::new() }
    }

    /// The page as it is sent, which is made once.
    ///
    /// # Errors
    /// Those of making it.
    pub fn json<E>(&self, make: impl FnOnce(&[Message]) -> Result<Vec<u8>, E>) -> Result<Bytes, E> {
        if let Some(json) = self.json.get() {
            return Ok(json.clone());
        }
        let json = make(&self.messages)?.into();
        Ok(self.json.get_or_init(|| json).clone())
    }
}

/// How often a conversation, or another one of its slot, has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(u64);

#[derive(Debug)]
struct Kept {
    stamp: Stamp,
    at: Instant,
    page: Arc<HistoryPage>,
    /// Who may see it.
    viewers: Mutex<HashSet<UserId>>,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<(ConversationId, u64), Arc<Kept>> for ByBytes {
    fn weight(&self, _: &(ConversationId, u64), kept: &Arc<Kept>) -> u64 {
        let messages: usize = kept.page.messages.iter().map(Message::weight).sum();
        (messages + VIEWERS * size_of::<UserId>()) as u64
    }
}

/// The pages that are kept, by conversation and length.
#[derive(Debug)]
pub struct Pages {
    kept: Cache<(ConversationId, u64), Arc<Kept>, ByBytes>,
    is_alone: bool,
    hasher: RandomState,
    slots: Box<[AtomicU64]>,
}

impl Pages {
    /// None yet; `is_alone`: nobody else writes to the database.
    pub fn new(is_alone: bool) -> Self {
        Self {
            kept: Cache::with_weighter(USUAL, ROOM, ByBytes),
            is_alone,
            hasher: RandomState::new(),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// How a conversation stands; to be asked before its page is read.
    pub fn stamp(&self, id: ConversationId) -> Stamp {
        Stamp(self.slot(id).load(Ordering::Acquire))
    }

    /// The latest page of a conversation as it stands, if it is kept and known to hold, and the viewer to be a member.
    pub fn get(&self, id: ConversationId, viewer: UserId, limit: u64) -> Option<Arc<HistoryPage>> {
        let kept = self.kept.get(&(id, limit)).filter(|_| self.is_alone)?;
        let is_good = kept.stamp == self.stamp(id) && kept.at.elapsed() < LIFE && kept.viewers().contains(&viewer);
        is_good.then(|| Arc::clone(&kept.page))
    }

    /// The latest page of a conversation, which holds for members if the conversation stands at the page's `rev`.
    pub fn if_unchanged(&self, id: ConversationId, limit: u64) -> Option<Arc<HistoryPage>> {
        let kept = self.kept.get(&(id, limit)).filter(|_| !self.is_alone)?;
        Some(Arc::clone(&kept.page))
    }

    /// Keeps a page that was read for a viewer after the stamp was taken.
    pub fn keep(&self, id: ConversationId, viewer: UserId, limit: u64, stamp: Stamp, page: &Arc<HistoryPage>) {
        match self.kept.get(&(id, limit)).filter(|_| self.is_alone) {
            Some(kept) if kept.stamp == stamp && kept.at.elapsed() < LIFE => {
                let mut viewers = kept.viewers();
                if viewers.len() < VIEWERS {
                    viewers.insert(viewer);
                }
            }
            _ => {
                let viewers = Mutex::new(HashSet::from([viewer]));
                self.kept.insert((id, limit), Arc::new(Kept { stamp, at: Instant::now(), page: Arc::clone(page), viewers }));
            }
        }
    }

    /// Something was said in a conversation, or others belong to it.
    pub(super) fn changed(&self, id: ConversationId) {
        if self.is_alone {
            self.slot(id).fetch_add(1, Ordering::AcqRel);
        }
    }

    fn slot(&self, id: ConversationId) -> &AtomicU64 {
        &self.slots[self.hasher.hash_one(id) as usize % SLOTS]
    }
}

impl Kept {
    fn viewers(&self) -> std::sync::MutexGuard<'_, HashSet<UserId>> {
        self.viewers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ids::{MessageKey, Seq},
        text::{Content, MessageId},
    };

    fn ids() -> (ConversationId, UserId) {
        (ConversationId::fresh(), UserId::fresh())
    }

    #[test]
    fn a_page_is_good_for_those_it_was_read_for_until_something_changes() {
        let (pages, page) = (Pages::new(true), Arc::new(HistoryPage::new(Rev(1), Vec::new())));
        let ((id, ann), bob) = (ids(), UserId::fresh());
        assert!(pages.get(id, ann, 50).is_none());
        pages.keep(id, ann, 50, pages.stamp(id), &page);
        assert!(pages.get(id, ann, 50).is_some());
        assert!(pages.get(id, ann, 10).is_none(), "another length");
        assert!(pages.get(id, bob, 50).is_none(), "who may be no member");
        pages.keep(id, bob, 50, pages.stamp(id), &page);
        assert!(pages.get(id, ann, 50).is_some() && pages.get(id, bob, 50).is_some());
        pages.changed(id);
        assert!(pages.get(id, ann, 50).is_none() && pages.get(id, bob, 50).is_none());
        pages.keep(id, ann, 50, pages.stamp(id), &page);
        assert!(pages.get(id, bob, 50).is_none(), "who may have been removed");
    }

    #[test]
    fn what_was_read_while_something_changed_is_out_of_date() {
        let (pages, page) = (Pages::new(true), Arc::new(HistoryPage::new(Rev(1), Vec::new())));
        let (id, ann) = ids();
        let stamp = pages.stamp(id);
        pages.changed(id);
        pages.keep(id, ann, 50, stamp, &page);
        assert!(pages.get(id, ann, 50).is_none());
        pages.keep(id, ann, 50, pages.stamp(id), &page);
        assert!(pages.get(id, ann, 50).is_some(), "and doesn't stay in the way");
    }

    #[test]
    fn one_of_several_nodes_has_to_ask() {
        let (pages, page) = (Pages::new(false), Arc::new(HistoryPage::new(Rev(7), Vec::new())));
        let (id, ann) = ids();
        pages.keep(id, ann, 50, pages.stamp(id), &page);
        assert!(pages.get(id, ann, 50).is_none());
        assert_eq!(pages.if_unchanged(id, 50).unwrap().rev, Rev(7));
        let newer = Arc::new(HistoryPage::new(Rev(8), Vec::new()));
        pages.keep(id, ann, 50, pages.stamp(id), &newer);
        assert_eq!(pages.if_unchanged(id, 50).unwrap().rev, Rev(8));
        assert!(Pages::new(true).if_unchanged(id, 50).is_none());
    }

    #[test]
    fn they_take_no_more_room_than_there_is() {
        let pages = Pages::new(true);
        let message = Message {
            id: MessageKey::fresh(),
            message_id: MessageId::from_stored("1".into()),
            sender_id: UserId::fresh(),
            conversation_id: ConversationId::fresh(),
            content: Content::from_stored("x".repeat(4_000)),
            created_at: chrono::Utc::now(),
            seq: Seq(1),
            rev: Rev(1),
        };
        for _ in 0..3_000 {
            let (id, ann) = ids();
            pages.keep(id, ann, 50, pages.stamp(id), &Arc::new(HistoryPage::new(Rev(1), vec![message.clone(); 4])));
        }
        let (count, weight) = (pages.kept.len(), pages.kept.weight());
        assert!(weight <= ROOM && count > 100, "{count} in {weight}");
    }
}
