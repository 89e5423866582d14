//! What a device or a room has missed.

use std::sync::Arc;

use entity::{conversation, epoch, message, user};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Set, Statement,
    sea_query::OnConflict,
};
use uuid::Uuid;

use super::{
    Failure, Store,
    rows::{Column, Rows},
    values::one_value,
};
use crate::domain::{
    clock::Timestamp,
    conversation::{Gap, Head},
    event::{Changes, Event},
    ids::{ConversationId, Epoch, Rev, Seq, UserId},
    refusal::Refusal,
    user::User,
};

impl Store {
    /// Which database this is; the first question makes the answer.
    pub(super) async fn settle_epoch(&self) -> Result<(), Failure> {
        let row = epoch::ActiveModel { id: Set(1), epoch: Set(Epoch::fresh().0) };
        let nothing = OnConflict::column(epoch::Column::Id).do_nothing().to_owned();
        epoch::Entity::insert(row).on_conflict(nothing).exec_without_returning(&self.writing).await?;
        Ok(())
    }

    /// Which database this is.
    pub async fn epoch(&self) -> Result<Epoch, Failure> {
        let row = epoch::Entity::find_by_id(1).one(&self.reading).await?;
        row.map(|row| Epoch(row.epoch)).ok_or(Failure::Refused(Refusal::Internal))
    }

    /// Somebody, and which database this is.
    pub async fn user_and_epoch(&self, id: UserId) -> Result<Option<(User, Epoch)>, Failure> {
        let both = "SELECT u.*, e.epoch FROM users u CROSS JOIN epochs e WHERE u.id = $1 AND e.id = 1";
        let both = Statement::from_sql_and_values(self.backend(), both, [id.0.into()]);
        let row = self.reading.query_one_raw(both).await?;
        row.map(|row| Ok((user::Model::from_query_result(&row, "")?.into(), Epoch(row.try_get("", "epoch")?)))).transpose()
    }

    /// Which database this is, and where each of `viewer`'s conversations stands, the most recently active first.
    pub async fn standing(&self, viewer: UserId) -> Result<(Epoch, Vec<Head>), Failure> {
        let head = match self.backend() {
            DbBackend::Postgres => {
                "json_agg(json_build_array(h.id, h.rev, h.meta_rev, h.last_read_seq, h.last_seq, h.marked_at))::text"
            }
            _ => "json_group_array(json_array(hex(h.id), h.rev, h.meta_rev, h.last_read_seq, h.last_seq, h.marked_at))",
        };
        let standing = Statement::from_sql_and_values(
            self.backend(),
            format!(
                "SELECT e.epoch, (SELECT {head} FROM (SELECT c.id, c.rev, c.meta_rev, m.last_read_seq, c.last_seq, c.marked_at \
                 FROM conversation_members m JOIN conversations c ON c.id = m.conversation_id \
                 WHERE m.user_id = $1 ORDER BY c.last_message_at DESC) h) FROM epochs e WHERE e.id = 1"
            ),
            [viewer.0.into()],
        );
        let row = self.reading.query_one_raw(standing).await?.ok_or(Refusal::Internal)?;
        let heads: Vec<(Uuid, i64, i64, i64, i64, Option<Timestamp>)> = one_value(Some(&row), 1)?;
        let head = |(id, rev, meta_rev, last_read_seq, last_seq, marked_at)| Head {
            conversation_id: ConversationId(id),
            rev: Rev(rev),
            meta_rev: Rev(meta_rev),
            last_read_seq: Seq(last_read_seq),
            last_seq: Seq(last_seq),
            marked_at,
        };
        Ok((Epoch(row.try_get_by_index(0)?), heads.into_iter().map(head).collect()))
    }

    /// How far these conversations have come.
    pub async fn revs(&self, ids: &[ConversationId]) -> Result<Vec<(ConversationId, Rev)>, Failure> {
        let rows = Rows(vec![("id", Column::Uuid(ids.iter().map(|id| id.0).collect()))]);
        let revs = rows.statement(self.backend(), |source| {
            format!("SELECT c.id, c.rev FROM {source} CROSS JOIN conversations c WHERE c.id = r.id")
        });
        let rows = self.reading.query_all_raw(revs).await?;
        rows.iter().map(|row| Ok((ConversationId(row.try_get_by_index(0)?), Rev(row.try_get_by_index(1)?)))).collect()
    }

    /// The messages of several gaps. A conversation of which `viewer` is no member isn't in the answer.
    pub async fn fill(&self, viewer: UserId, gaps: &[Gap]) -> Result<Vec<(ConversationId, Vec<Event>)>, Failure> {
        let rows = Rows(vec![
            ("id", Column::Uuid(gaps.iter().map(|gap| gap.conversation_id.0).collect())),
            ("since", Column::Int(gaps.iter().map(|gap| gap.after.0).collect())),
            ("upto", Column::Int(gaps.iter().map(|gap| gap.upto.0).collect())),
            ("viewer", Column::Uuid(vec![viewer.0; gaps.len()])),
        ]);
        // One statement, so that nobody sees what was said after they were removed.
        let together = rows.statement(self.backend(), |source| {
            format!(
                "SELECT r.id AS gap, m.* FROM {source} CROSS JOIN conversation_members v \
                 LEFT JOIN messages m ON m.conversation_id = r.id AND m.rev > r.since AND m.rev <= r.upto \
                 WHERE v.conversation_id = r.id AND v.user_id = r.viewer ORDER BY r.id, m.rev"
            )
        });
        let mut filled: Vec<(ConversationId, Vec<Event>)> = Vec::with_capacity(gaps.len());
        for row in self.reading.query_all_raw(together).await? {
            let id = ConversationId(row.try_get("", "gap")?);
            if filled.last().is_none_or(|(last, _)| *last != id) {
                filled.push((id, Vec::new()));
            }
            let message = message::Model::from_query_result_optional(&row, "")?;
            if let (Some((_, events)), Some(message)) = (filled.last_mut(), message) {
                events.push(Event::message(message.into()));
            }
        }
        Ok(filled)
    }

    /// What changed in a conversation after `after`, at most `limit` messages of it.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`].
    pub async fn changes(&self, id: ConversationId, after: Rev, limit: u64) -> Result<Changes, Failure> {
        // The head first: what is committed meanwhile stays above it and is left to the next call.
        let row = conversation::Entity::find_by_id(id.0).one(&self.reading).await?.ok_or(Refusal::UnknownConversation)?;
        let (state, head) = if Rev(row.meta_rev) > after {
            let (state, head) = self.state(id).await?;
            (Some(Arc::new(state)), head)
        } else {
            (None, Rev(row.rev))
        };
        let mut events: Vec<Event> = message::Entity::find()
            .filter(message::Column::ConversationId.eq(id.0))
            .filter(message::Column::Rev.gt(after.0))
            .filter(message::Column::Rev.lte(head.0))
            .order_by_asc(message::Column::Rev)
            .limit(limit)
            .all(&self.reading)
            .await?
            .into_iter()
            .map(|row| Event::message(row.into()))
            .collect();
        let full = events.len() as u64 == limit;
        let upto = events.last().filter(|_| full).map_or(head, |last| last.rev);
        if let Some(state) = state.iter().find(|state| state.rev <= upto) {
            let place = events.partition_point(|event| event.rev < state.rev);
            events.insert(place, Event::conversation(Arc::clone(state)));
        }
        Ok(Changes { events, state, upto, more: upto < head })
    }

    /// The same for a member.
    ///
    /// # Errors
    /// [`Refusal::UnknownConversation`], [`Refusal::NotAMember`].
    pub async fn changes_for(&self, viewer: UserId, id: ConversationId, after: Rev, limit: u64) -> Result<Changes, Failure> {
        let changes = self.changes(id, after, limit).await?;
        // Only now: whoever was removed meanwhile mustn't see what was said since.
        self.require_member(id, viewer).await?;
        Ok(changes)
    }
}
