//! Pages of the history: from memory where that is sure, from the database otherwise.

use std::sync::Arc;

use tokio::sync::oneshot;
use tracing::Span;

use super::{
    asks::{Writer, wait},
    confirming::Confirm,
    job::Answer,
};
use crate::{
    domain::{
        ids::{ConversationId, UserId},
        message::Page,
        refusal::Refusal,
    },
    store::{HistoryPage, Standing, Store},
    telemetry::journey,
};

impl Writer {
    /// A page of a conversation's history.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn history(&self, id: ConversationId, viewer: UserId, page: Page, limit: u64) -> Answer<Arc<HistoryPage>> {
        let read =
            async || self.read(async move |store: Arc<Store>| Ok(Arc::new(store.history(id, viewer, page, limit).await?))).await;
        if page != Page::Latest {
            return read().await;
        }
        if let Some(page) = self.pages.get(id, viewer, limit) {
            return Ok(page);
        }
        if let Some(page) = self.pages.if_unchanged(id, limit) {
            let standing = self.standing_of(id, viewer).await?.ok_or(Refusal::UnknownConversation)?;
            if !standing.is_member {
                return Err(Refusal::NotAMember);
            }
            if standing.rev == page.rev {
                return Ok(page);
            }
        }
        let stamp = self.pages.stamp(id);
        let page = read().await?;
        self.pages.keep(id, viewer, limit, stamp, &page);
        Ok(page)
    }

    async fn standing_of(&self, id: ConversationId, viewer: UserId) -> Answer<Option<Standing>> {
        let turn = Arc::clone(&self.reads).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let (reply, answer) = oneshot::channel();
        self.writer.do_send(Confirm { id, viewer, waiter: (turn, journey::read(Span::current()), reply) });
        wait(answer).await
    }
}
