//! Pages of the history. A page is read by one statement that also says whether the viewer may see it, and comes back as one
//! value: SQLite's driver hands each row from thread to thread, which takes longer than all the rest.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::{
    Failure, HistoryPage, Store,
    rows::{Column, Rows},
    values::list,
};
use crate::domain::{
    ids::{ConversationId, MessageKey, Rev, Seq, UserId},
    message::{Message, Page},
    refusal::Refusal,
    text::{Content, MessageId},
};

/// A message as the databases write it: `id`, `message_id`, `sender_id`, `content`, `created_at`, `seq`, `rev`.
type Row = (Uuid, String, Uuid, String, DateTime<Utc>, i64, i64);

/// How a conversation stands, for somebody who asks for its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its newest change.
    pub rev: Rev,
    /// Whether they may see it.
    pub is_member: bool,
}

impl Store {
    /// A page of a conversation's history.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn history(
        &self,
        conversation_id: ConversationId,
        viewer: UserId,
        page: Page,
        limit: u64,
    ) -> Result<HistoryPage, Failure> {
        let backend = self.backend();
        let values = [conversation_id.0.into(), viewer.0.into(), bound(page).0.into(), (limit as i64).into()];
        let read = Statement::from_sql_and_values(backend, sql(backend, page), values);
        let row = self.reading.query_one_raw(read).await?.ok_or(Refusal::UnknownConversation)?;
        if !row.try_get_by_index::<bool>(0)? {
            return Err(Refusal::NotAMember.into());
        }
        let messages: Option<String> = row.try_get_by_index(1)?;
        Ok(HistoryPage::new(Rev(row.try_get_by_index(2)?), messages_from(conversation_id, messages.as_deref())?))
    }

    /// How conversations stand for those who ask, in the order of the questions; nothing of those that don't exist.
    pub async fn standings(&self, asked: &[(ConversationId, UserId)]) -> Result<Vec<Option<Standing>>, Failure> {
        let rows = Rows(vec![
            ("place", Column::Int((0..asked.len() as i64).collect())),
            ("id", Column::Uuid(asked.iter().map(|(id, _)| id.0).collect())),
            ("viewer", Column::Uuid(asked.iter().map(|(_, viewer)| viewer.0).collect())),
        ]);
        let standing = rows.statement(self.backend(), |source| {
            format!(
                "SELECT r.place, c.rev, EXISTS (SELECT 1 FROM conversation_members WHERE conversation_id = c.id AND user_id = r.viewer) \
                 FROM {source} CROSS JOIN conversations c WHERE c.id = r.id"
            )
        });
        let mut standings = vec![None; asked.len()];
        for row in self.reading.query_all_raw(standing).await? {
            let (place, rev): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            standings[place as usize] = Some(Standing { rev: Rev(rev), is_member: row.try_get_by_index(2)? });
        }
        Ok(standings)
    }
}

/// Messages of a conversation, from what [`rows`] makes of them, ascending by `seq`.
pub(super) fn messages_from(conversation_id: ConversationId, rows: Option<&str>) -> Result<Vec<Message>, Failure> {
    let mut rows: Vec<Row> = list(rows)?;
    rows.sort_unstable_by_key(|(.., seq, _)| *seq);
    let message = |(id, message_id, sender_id, content, created_at, seq, rev): Row| Message {
        id: MessageKey(id),
        message_id: MessageId::from_stored(message_id),
        sender_id: UserId(sender_id),
        conversation_id,
        content: Content::from_stored(content),
        created_at,
        seq: Seq(seq),
        rev: Rev(rev),
    };
    Ok(rows.into_iter().map(message).collect())
}

/// The messages of the table `m`, as one value for [`messages_from`].
pub(super) fn rows(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Postgres => {
            "json_agg(json_build_array(m.id, m.message_id, m.sender_id, m.content, m.created_at, m.seq, m.rev))::text"
        }
        _ => "json_group_array(json_array(hex(m.id), m.message_id, hex(m.sender_id), m.content, m.created_at, m.seq, m.rev))",
    }
}

/// What the page's messages are before, or after.
fn bound(page: Page) -> Seq {
    match page {
        Page::Latest => Seq(i64::MAX),
        Page::Before(seq) | Page::After(seq) => seq,
    }
}

/// No row when there is no such conversation.
fn sql(backend: DbBackend, page: Page) -> String {
    let (side, order) = if matches!(page, Page::After(_)) { (">", "ASC") } else { ("<", "DESC") };
    let rows = rows(backend);
    format!(
        "SELECT EXISTS (SELECT 1 FROM conversation_members WHERE conversation_id = c.id AND user_id = $2), \
         (SELECT {rows} FROM (SELECT * FROM messages WHERE conversation_id = c.id AND seq {side} $3 \
         ORDER BY seq {order} LIMIT $4) m), c.rev \
         FROM conversations c WHERE c.id = $1"
    )
}
