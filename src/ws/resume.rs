//! Tells a device what it has missed, page by page: the next one is read when the device has taken most of the last. Live
//! frames come between; the client keeps them until the end (see `docs/API.md`).

use std::{collections::BTreeMap, future::poll_fn, rc::Rc, sync::Arc};

use bytes::{Bytes, BytesMut};
use tracing::{Instrument, Span};

use super::dispatch::Dispatch;
use crate::{
    domain::{
        clock::Timestamp,
        conversation::{ConversationState, Gap, Head},
        event::Event,
        ids::{ConversationId, Rev},
        message::Message,
        refusal::Refusal,
    },
    wire::pneumatic::{About, Cursors, Resume, v2},
};

/// Most messages read at a time.
const PAGE: u64 = 100;
/// Most messages of a conversation of which the device knows nothing.
const LATEST: u64 = 50;
/// Most such conversations read at a time.
const OPENINGS: usize = 10;
/// Most read marks read at a time.
const MARKS: u64 = 500;
/// Frames are pushed in pieces of about this size.
const PIECE: usize = 16 << 10;

/// Why a resume ended early.
enum Stop {
    /// The device has gone.
    Gone,
    Refused(Refusal),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Begins a resume, beside whatever else the device does. One at a time.
pub(super) fn begin(dispatch: &Rc<Dispatch>, resume: Resume, about: About) {
    if dispatch.resuming.replace(true) {
        return dispatch.tell(&Refusal::Busy, &about);
    }
    let dispatch = Rc::clone(dispatch);
    let work = async move {
        let outcome = Telling { dispatch: &dispatch, frames: BytesMut::new() }.run(resume, &about).await;
        dispatch.resuming.set(false);
        if let Err(Stop::Refused(refusal)) = outcome {
            dispatch.tell(&refusal, &about);
        }
    };
    actix::spawn(work.instrument(Span::current()));
}

/// What is being told.
struct Telling<'a> {
    dispatch: &'a Rc<Dispatch>,
    frames: BytesMut,
}

impl Telling<'_> {
    async fn run(mut self, resume: Resume, about: &About) -> Result<(), Stop> {
        let (writer, viewer) = (&self.dispatch.writer, self.dispatch.user_id());
        let time = self.dispatch.clock.now();
        let (epoch, heads) = writer.standing(viewer).await?;
        let Resume { epoch: known, mut cursors, reads_since } = resume;
        if known.is_some_and(|known| known != epoch) || is_ahead(&cursors, &heads) {
            self.frames.extend_from_slice(&v2::reset(about.reference(), epoch));
            cursors = Cursors::new();
        }
        let mut reads: BTreeMap<_, _> = heads.iter().map(|head| (head.conversation_id, head.last_read_seq)).collect();
        let marked = heads.iter().filter(|head| head.may_be_marked(reads_since)).map(|head| head.conversation_id);
        let marked: Arc<[ConversationId]> = marked.collect();
        let mut told = BTreeMap::new();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for head in heads {
            match cursors.get(&head.conversation_id) {
                Some(cursor) => known.push((head, *cursor)),
                None => unknown.push(head),
            }
        }
        for heads in unknown.chunks(OPENINGS) {
            told.extend(self.open(heads, reads_since).await?);
        }
        let mut gaps = Vec::new();
        for (head, cursor) in known {
            let id = head.conversation_id;
            let gap = Gap { conversation_id: id, after: cursor, upto: head.rev };
            if gap.width() == 0 {
                told.insert(id, head.rev);
            } else if gap.width() > PAGE || head.meta_rev > cursor {
                told.extend(self.changes(gap).await?.map(|upto| (id, upto)));
            } else {
                if gaps.iter().map(Gap::width).sum::<u64>() + gap.width() > PAGE {
                    told.extend(self.fill(std::mem::take(&mut gaps)).await?);
                }
                gaps.push(gap);
            }
        }
        if !gaps.is_empty() {
            told.extend(self.fill(gaps).await?);
        }
        // What isn't told is of conversations from which the user has been removed meanwhile.
        reads.retain(|id, _| told.contains_key(id));
        for id in cursors.keys().filter(|id| !told.contains_key(id)) {
            self.frames.extend_from_slice(&v2::not_there(*id));
        }
        let mut after = None;
        while !marked.is_empty() {
            let marks = self.dispatch.writer.marks(viewer, Arc::clone(&marked), reads_since, after, MARKS).await?;
            marks.iter().for_each(|mark| v2::append_read(&mut self.frames, mark, true));
            self.flush_large().await?;
            match marks.last() {
                Some(last) if marks.len() as u64 == MARKS => after = Some((last.conversation_id, last.user_id)),
                _ => break,
            }
        }
        self.frames.extend_from_slice(&v2::resumed(about.reference(), epoch, &told, &reads, time));
        self.flush().await
    }

    /// What was said in some conversations in which nothing else has changed; up to where that goes.
    async fn fill(&mut self, gaps: Vec<Gap>) -> Result<Vec<(ConversationId, Rev)>, Stop> {
        let upto: BTreeMap<_, _> = gaps.iter().map(|gap| (gap.conversation_id, gap.upto)).collect();
        let filled = self.dispatch.writer.fill(self.dispatch.user_id(), gaps).await?;
        let mut told = Vec::with_capacity(filled.len());
        for (id, events) in filled {
            for event in &events {
                self.tell(event).await?;
            }
            told.extend(upto.get(&id).map(|upto| (id, *upto)));
        }
        Ok(told)
    }

    /// What has changed in a conversation since the device heard of it; up to where that goes.
    async fn changes(&mut self, gap: Gap) -> Result<Option<Rev>, Stop> {
        let Gap { conversation_id, mut after, upto } = gap;
        while after < upto {
            let viewer = self.dispatch.user_id();
            let changes = match self.dispatch.writer.changes(viewer, conversation_id, after, PAGE).await {
                Err(Refusal::NotAMember | Refusal::UnknownConversation) => return Ok(None),
                changes => changes?,
            };
            for event in &changes.events {
                self.tell(event).await?;
            }
            after = changes.upto;
        }
        Ok(Some(after))
    }

    /// What conversations are, and what was said last in them; up to where that goes.
    async fn open(&mut self, heads: &[Head], since: Option<Timestamp>) -> Result<Vec<(ConversationId, Rev)>, Stop> {
        let openings = self.dispatch.writer.openings(self.dispatch.user_id(), heads, since, LATEST).await?;
        for opening in &openings {
            for piece in opening.frames(|opening| frames(&opening.state, &opening.messages)) {
                self.frames.extend_from_slice(piece);
                self.flush_large().await?;
            }
        }
        let is_told = |head: &&Head| openings.iter().any(|opening| opening.state.id == head.conversation_id);
        Ok(heads.iter().filter(is_told).map(|head| (head.conversation_id, head.rev)).collect())
    }

    async fn tell(&mut self, event: &Event) -> Result<(), Stop> {
        v2::append_event(&mut self.frames, event, true);
        self.flush_large().await
    }

    async fn flush_large(&mut self) -> Result<(), Stop> {
        if self.frames.len() >= PIECE { self.flush().await } else { Ok(()) }
    }

    /// Waits until the device has taken most of what was pushed, and pushes.
    async fn flush(&mut self) -> Result<(), Stop> {
        if !poll_fn(|cx| self.dispatch.outbox.poll_room(cx)).await {
            return Err(Stop::Gone);
        }
        self.dispatch.outbox.answer(&self.frames.split().freeze());
        Ok(())
    }
}

/// The frames that tell of a conversation and of its newest messages, in pieces.
fn frames(state: &Arc<ConversationState>, messages: &[Message]) -> Vec<Bytes> {
    let (mut pieces, mut piece) = (Vec::new(), BytesMut::new());
    v2::append_event(&mut piece, &Event::conversation(Arc::clone(state)), true);
    for message in messages {
        if piece.len() >= PIECE {
            pieces.push(piece.split().freeze());
        }
        v2::append_event(&mut piece, &Event::message(message.clone()), true);
    }
    pieces.push(piece.freeze());
    pieces
}

/// Whether a cursor is above its conversation's head: it is of a future that a restored backup doesn't have.
fn is_ahead(cursors: &Cursors, heads: &[Head]) -> bool {
    heads.iter().any(|head| cursors.get(&head.conversation_id).is_some_and(|cursor| *cursor > head.rev))
}
