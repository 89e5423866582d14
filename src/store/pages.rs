//! The latest pages of conversations, kept in memory while nothing in them changes: what nearly everybody asks for who opens a
//! conversation needs no database then. Only a process that alone writes to its database may keep any.
//!
//! A page says at which stamp of its conversation it was read. Whatever changes a conversation moves the stamp on after its
//! commit and before anybody is told, so a page of an old stamp is never given to somebody who knows of the change, and a page
//! that was read while something changed is out of date as soon as it is kept.

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
    ids::{ConversationId, UserId},
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
    /// Ascending by `seq`.
    pub messages: Vec<Message>,
    json: OnceLock<Bytes>,
}

impl HistoryPage {
    /// One of these messages.
    pub fn new(messages: Vec<Message>) -> Self {
        Self { messages, json: OnceLock::new() }
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
    kept: Option<Cache<(ConversationId, u64), Arc<Kept>, ByBytes>>,
    hasher: RandomState,
    slots: Box<[AtomicU64]>,
}

impl Pages {
    /// None yet; and never any, unless the process alone writes to its database.
    pub fn new(is_alone: bool) -> Self {
        Self {
            kept: is_alone.then(|| Cache::with_weighter(USUAL, ROOM, ByBytes)),
            hasher: RandomState::new(),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// How a conversation stands; to be asked before its page is read.
    pub fn stamp(&self, id: ConversationId) -> Stamp {
        Stamp(self.slot(id).load(Ordering::Acquire))
    }

    /// The latest page of a conversation as it stands, if it is kept and the viewer is known to be a member.
    pub fn get(&self, id: ConversationId, viewer: UserId, limit: u64) -> Option<Arc<HistoryPage>> {
        let kept = self.kept.as_ref()?.get(&(id, limit))?;
        let is_good = kept.stamp == self.stamp(id) && kept.at.elapsed() < LIFE && kept.viewers().contains(&viewer);
        is_good.then(|| Arc::clone(&kept.page))
    }

    /// Keeps a page that was read for a viewer after the stamp was taken.
    pub fn keep(&self, id: ConversationId, viewer: UserId, limit: u64, stamp: Stamp, page: &Arc<HistoryPage>) {
        let Some(pages) = &self.kept else { return };
        match pages.get(&(id, limit)) {
            Some(kept) if kept.stamp == stamp && kept.at.elapsed() < LIFE => {
                let mut viewers = kept.viewers();
                if viewers.len() < VIEWERS {
                    viewers.insert(viewer);
                }
            }
            _ => {
                let viewers = Mutex::new(HashSet::from([viewer]));
                pages.insert((id, limit), Arc::new(Kept { stamp, at: Instant::now(), page: Arc::clone(page), viewers }));
            }
        }
    }

    /// Something was said in a conversation, or others belong to it.
    pub(super) fn changed(&self, id: ConversationId) {
        self.slot(id).fetch_add(1, Ordering::AcqRel);
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
        ids::{MessageKey, Rev, Seq},
        text::{Content, MessageId},
    };

    fn ids() -> (ConversationId, UserId) {
        (ConversationId::fresh(), UserId::fresh())
    }

    #[test]
    fn a_page_is_good_for_those_it_was_read_for_until_something_changes() {
        let (pages, page) = (Pages::new(true), Arc::new(HistoryPage::new(Vec::new())));
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
        let (pages, page) = (Pages::new(true), Arc::new(HistoryPage::new(Vec::new())));
        let (id, ann) = ids();
        let stamp = pages.stamp(id);
        pages.changed(id);
        pages.keep(id, ann, 50, stamp, &page);
        assert!(pages.get(id, ann, 50).is_none());
        pages.keep(id, ann, 50, pages.stamp(id), &page);
        assert!(pages.get(id, ann, 50).is_some(), "and doesn't stay in the way");
    }

    #[test]
    fn one_of_several_nodes_keeps_nothing() {
        let (pages, page) = (Pages::new(false), Arc::new(HistoryPage::new(Vec::new())));
        let (id, ann) = ids();
        pages.keep(id, ann, 50, pages.stamp(id), &page);
        assert!(pages.get(id, ann, 50).is_none());
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
            pages.keep(id, ann, 50, pages.stamp(id), &Arc::new(HistoryPage::new(vec![message.clone(); 4])));
        }
        let kept = pages.kept.as_ref().unwrap();
        assert!(kept.weight() <= ROOM && kept.len() > 100, "{} in {}", kept.len(), kept.weight());
    }
}
