//! When people were last here.

use entity::user;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{
    Failure, Repeat, Store,
    rows::{Column, Rows},
};
use crate::domain::{clock::Timestamp, ids::UserId, presence::Seen};

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

    /// When these were last here; whoever doesn't exist isn't in the answer.
    pub async fn last_seen(&self, people: &[UserId]) -> Result<Vec<(UserId, Option<Timestamp>)>, Failure> {
        let ids = people.iter().map(|id| id.0);
        let rows = user::Entity::find().filter(user::Column::Id.is_in(ids)).all(&self.reading).await?;
        Ok(rows.into_iter().map(|row| (UserId(row.id), row.last_seen_at)).collect())
    }

    /// What these are called; whoever doesn't exist isn't in the answer.
    pub async fn display_names(&self, people: &[UserId]) -> Result<Vec<(UserId, String)>, Failure> {
        let rows = user::Entity::find().filter(user::Column::Id.is_in(people.iter().map(|id| id.0))).all(&self.reading).await?;
        Ok(rows.into_iter().map(|row| (UserId(row.id), row.full_name.unwrap_or(row.username))).collect())
    }
}
