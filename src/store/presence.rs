//! When people were last here.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
    values::one_value,
};
use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, UserId},
    presence::Seen,
};

impl Store {
    /// Notes when people were last here; an earlier time changes nothing.
    pub async fn seen(&self, people: &[Seen]) -> Result<(), Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let rows = Rows(vec![
                ("id", Column::Uuid(people.iter().map(|seen| seen.user_id.0).collect())),
                ("at", Column::Time(people.iter().map(|seen| seen.at).collect())),
            ]);
            let update = rows.statement(self.backend(), |source| {
                format!(
                    "UPDATE users SET last_seen_at = r.at FROM {source} \
                     WHERE users.id = r.id AND (users.last_seen_at IS NULL OR users.last_seen_at < r.at)"
                )
            });
            transaction.execute_raw(update).await?;
            Ok(())
        })
        .await
    }

    /// When those of these were last here with whom `viewer` shares a conversation.
    pub async fn last_seen(&self, viewer: UserId, people: &[UserId]) -> Result<Vec<(UserId, Option<Timestamp>)>, Failure> {
        let rows = Rows(vec![
            ("id", Column::Uuid(people.iter().map(|id| id.0).collect())),
            ("viewer", Column::Uuid(vec![viewer.0; people.len()])),
        ]);
        let seen = rows.statement(self.backend(), |source| {
            format!(
                "SELECT u.id, u.last_seen_at FROM {source} CROSS JOIN users u WHERE u.id = r.id AND EXISTS ( \
                 SELECT 1 FROM conversation_members o \
                 JOIN conversation_members m ON m.conversation_id = o.conversation_id AND m.user_id = r.viewer \
                 WHERE o.user_id = r.id)"
            )
        });
        let rows = self.reading.query_all_raw(seen).await?;
        rows.iter().map(|row| Ok((UserId(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).collect()
    }

    /// In which conversations these can be seen.
    pub async fn whereabouts(&self, people: &[UserId]) -> Result<Vec<(UserId, ConversationId)>, Failure> {
        let rows = Rows(vec![("id", Column::Uuid(people.iter().map(|id| id.0).collect()))]);
        let place = match self.backend() {
            DbBackend::Postgres => "json_agg(json_build_array(m.user_id, m.conversation_id))::text",
            _ => "json_group_array(json_array(hex(m.user_id), hex(m.conversation_id)))",
        };
        let places = rows.statement(self.backend(), |source| {
            format!("SELECT {place} FROM {source} CROSS JOIN conversation_members m WHERE m.user_id = r.id")
        });
        let places: Vec<(Uuid, Uuid)> = one_value(self.reading.query_one_raw(places).await?.as_ref(), 0)?;
        Ok(places.into_iter().map(|(user, conversation)| (UserId(user), ConversationId(conversation))).collect())
    }

    /// What these are called; whoever doesn't exist isn't in the answer.
    pub async fn display_names(&self, people: &[UserId]) -> Result<Vec<(UserId, String)>, Failure> {
        let rows = Rows(vec![("id", Column::Uuid(people.iter().map(|id| id.0).collect()))]);
        let named = rows.statement(self.backend(), |source| {
            format!("SELECT u.id, COALESCE(u.full_name, u.username) FROM {source} CROSS JOIN users u WHERE u.id = r.id")
        });
        let rows = self.reading.query_all_raw(named).await?;
        rows.iter().map(|row| Ok((UserId(row.try_get_by_index(0)?), row.try_get_by_index(1)?))).collect()
    }
}
