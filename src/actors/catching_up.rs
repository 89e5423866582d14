//! What devices ask when they come, and guests. Where a device asks, its connection is the bound: it waits for its turn
//! rather than be refused.

use std::{collections::HashSet, sync::Arc};

use super::{
    asks::{PATIENCE, Writer},
    job::{Aftermath, Answer},
};
use crate::{
    domain::{
        clock::Timestamp,
        conversation::{Gap, Head, Participants, ReadMark},
        event::{Changes, Event},
        ids::{ConversationId, Epoch, Rev, UserId},
        refusal::Refusal,
        text::DisplayName,
        user::User,
    },
    store::{Admitted, Failure, Opening, Store},
};

/// What a device that speaks v2 is greeted with.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// Whose it is.
    pub user: User,
    /// Of which database.
    pub epoch: Epoch,
}

impl Writer {
    async fn patient<T: Send + 'static>(
        &self,
        ask: impl AsyncFnOnce(Arc<Store>) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<T> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.reads).acquire_owned()).await;
        self.read_with(turn.ok().and_then(Result::ok), ask).await
    }

    /// One of few at a time, first come first served.
    async fn in_turn<T: Send + 'static>(
        &self,
        ask: impl AsyncFnOnce(Arc<Store>) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<T> {
        // An error means closed, which nobody does.
        let _turn = self.resumes.acquire().await;
        self.patient(ask).await
    }

    /// Where each of a user's conversations stands.
    pub async fn heads(&self, viewer: UserId) -> Answer<Vec<Head>> {
        self.patient(async move |store: Arc<Store>| Ok(store.standing(viewer).await?.1)).await
    }

    /// Which database it is.
    pub async fn epoch(&self) -> Answer<Epoch> {
        self.patient(async move |store: Arc<Store>| store.epoch().await).await
    }

    /// What a device that speaks v2 is greeted with.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when there is no such user.
    pub async fn welcome(&self, viewer: UserId) -> Answer<Welcome> {
        self.patient(async move |store: Arc<Store>| {
            let (user, epoch) = store.user_and_epoch(viewer).await?.ok_or(Refusal::NotAuthenticated)?;
            Ok(Welcome { user, epoch })
        })
        .await
    }

    /// Which database it is, and where each of a user's conversations stands.
    pub async fn standing(&self, viewer: UserId) -> Answer<(Epoch, Vec<Head>)> {
        self.in_turn(async move |store: Arc<Store>| store.standing(viewer).await).await
    }

    /// The messages of several gaps; a conversation of which `viewer` is no member isn't in the answer.
    pub async fn fill(&self, viewer: UserId, gaps: Vec<Gap>) -> Answer<Vec<(ConversationId, Vec<Event>)>> {
        self.in_turn(async move |store: Arc<Store>| store.fill(viewer, &gaps).await).await
    }

    /// What changed in a member's conversation after `after`, at most `limit` messages of it.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn changes(&self, viewer: UserId, id: ConversationId, after: Rev, limit: u64) -> Answer<Changes> {
        self.in_turn(async move |store: Arc<Store>| store.changes_for(viewer, id, after, limit).await).await
    }

    /// What a member is told first of conversations, at most `limit` messages of each; one of which `viewer` is no member any
    /// more isn't in the answer. Of read marks those may be missing that have moved after `since`.
    pub async fn openings(
        &self,
        viewer: UserId,
        heads: &[Head],
        since: Option<Timestamp>,
        limit: u64,
    ) -> Answer<Vec<Arc<Opening>>> {
        let mut openings = Vec::with_capacity(heads.len());
        let mut missing = Vec::new();
        for head in heads {
            match self.openings.get(head, since) {
                Some(opening) => openings.push(opening),
                None => missing.push(head.conversation_id),
            }
        }
        if !missing.is_empty() {
            let read = self.in_turn(async move |store: Arc<Store>| store.openings(viewer, &missing, limit).await).await?;
            for opening in read.into_iter().map(Arc::new) {
                self.openings.keep(&opening);
                openings.push(opening);
            }
        }
        Ok(openings)
    }

    /// The read marks of others that have moved in these conversations, a page.
    pub async fn marks(
        &self,
        viewer: UserId,
        conversations: Arc<[ConversationId]>,
        since: Option<Timestamp>,
        after: Option<(ConversationId, UserId)>,
        limit: u64,
    ) -> Answer<Vec<ReadMark>> {
        self.in_turn(async move |store: Arc<Store>| store.marks(viewer, &conversations, since, after, limit).await).await
    }

    /// When those of these were last here with whom `viewer` shares a conversation.
    pub async fn last_seen(&self, viewer: UserId, people: Vec<UserId>) -> Answer<Vec<(UserId, Option<Timestamp>)>> {
        self.read(async move |store: Arc<Store>| store.last_seen(viewer, &people).await).await
    }

    /// What these are called; whoever doesn't exist isn't in the answer.
    pub async fn display_names(&self, people: Vec<UserId>) -> Answer<Vec<(UserId, String)>> {
        self.read(async move |store: Arc<Store>| store.display_names(&people).await).await
    }

    /// Everybody with whom a user shares a conversation.
    pub async fn peers(&self, user: UserId) -> Answer<HashSet<UserId>> {
        self.read(async move |store: Arc<Store>| store.peers(user).await).await
    }

    /// The members of a conversation with the names that they are called by, for one of them.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn participants(&self, id: ConversationId, viewer: UserId) -> Answer<Participants> {
        self.patient(async move |store: Arc<Store>| {
            store.require_member(id, viewer).await?;
            store.participants(id).await
        })
        .await
    }

    /// Lets a guest in.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when the id isn't theirs.
    pub async fn admit_guest(&self, id: UserId, name: DisplayName, renamed: bool) -> Answer<Admitted> {
        let lane = super::writer::lane_key(id.0);
        self.write(lane, async move |store: Arc<Store>| Ok((store.admit_guest(id, &name, renamed).await?, Aftermath::None))).await
    }
}
