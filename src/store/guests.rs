//! Guests: users without a password, who are forgotten when they haven't been here for a while.

use std::collections::HashSet;

use entity::{conversation, conversation_member, idempotency_key, message, user};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set, Statement,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{Failure, Repeat, Store};
use crate::domain::{clock::Timestamp, ids::UserId, refusal::Refusal, text::DisplayName};

/// Most guests forgotten in one transaction.
const AT_ONCE: u64 = 50;
/// Most messages deleted in one transaction: posts wait behind it.
const MESSAGES_AT_ONCE: u64 = 1_000;
/// Stands before a guest's unique name. No name that one can sign up with has it, as it shows nothing.
const MARK: char = '\u{1}';
/// What a guest is called of whom nothing is kept.
const FORGOTTEN: &str = "guest";

/// A guest as let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: String,
}

/// What became of a portion of those to be forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many guests.
    pub forgotten: u64,
    /// Whether there may be more to do.
    pub more: bool,
}

impl Store {
    /// Lets a guest in, who is made if need be, and calls them so if they may be `renamed`.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when the id is a member's.
    pub async fn admit_guest(&self, id: UserId, name: &DisplayName, renamed: bool) -> Result<Admitted, Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let now = self.clock.now();
            let Some(row) = user::Entity::find_by_id(id.0).one(transaction).await? else {
                let row = user::Model {
                    id: id.0,
                    username: format!("guest-{}", &id.0.simple().to_string()[20..]),
                    username_key: format!("{MARK}{id}"),
                    full_name_key: None,
                    full_name: Some(name.as_str().to_owned()),
                    password_hash: None,
                    kind: "guest".into(),
                    is_admin: false,
                    created_at: now,
                    disabled_at: None,
                    last_seen_at: Some(now),
                };
                user::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(transaction).await?;
                return Ok(Admitted { id, name: name.as_str().to_owned() });
            };
            if row.kind != "guest" {
                return Err(Refusal::NotAuthenticated.into());
            }
            // Who has been forgotten is as good as new.
            let renamed = renamed || row.disabled_at.is_some();
            let known = row.full_name.clone().unwrap_or_default();
            let mut row = row.into_active_model();
            row.disabled_at = Set(None);
            row.last_seen_at = Set(Some(now));
            let name = if renamed { name.as_str().to_owned() } else { known };
            row.full_name = Set(Some(name.clone()));
            row.update(transaction).await?;
            Ok(Admitted { id, name })
        })
        .await
    }

    /// Forgets some of the guests who weren't here since `before`, but for those who are here now; or some of what they have left.
    /// Conversations of which no member is left but guests who have been forgotten are deleted; those with a member stay,
    /// and with them the guest's name. A row stays in any case, which messages may refer to.
    pub async fn forget_guests(&self, before: Timestamp, here: &HashSet<UserId>) -> Result<Forgotten, Failure> {
        let due = user::Entity::find()
            .filter(user::Column::Kind.eq("guest"))
            .filter(user::Column::DisabledAt.is_null())
            .filter(user::Column::LastSeenAt.lt(before))
            .order_by_asc(user::Column::LastSeenAt)
            .limit(AT_ONCE + here.len() as u64)
            .all(&self.reading)
            .await?;
        let due = due.into_iter().map(|row| row.id).filter(|id| !here.contains(&UserId(*id)));
        let due: Vec<Uuid> = due.take(AT_ONCE as usize).collect();
        if !due.is_empty() {
            return self.forget(before, due).await;
        }
        let Some(conversation) = self.left_by_all().await? else { return Ok(Forgotten::default()) };
        self.transact(Repeat::Always, async |transaction| delete_some(transaction, conversation).await).await?;
        Ok(Forgotten { forgotten: 0, more: true })
    }

    async fn forget(&self, before: Timestamp, due: Vec<Uuid>) -> Result<Forgotten, Failure> {
        let forgotten = self.transact(Repeat::Always, async |transaction| {
            // Whoever came back in this very moment stays.
            let due = user::Column::Id.is_in(due.clone()).and(user::Column::LastSeenAt.lt(before));
            let gone = user::Entity::update_many().filter(due);
            let gone = gone.col_expr(user::Column::DisabledAt, Expr::value(self.clock.now())).exec(transaction).await?;
            Ok(gone.rows_affected)
        });
        let forgotten = forgotten.await?;
        self.transact(Repeat::Always, async |transaction| blank(transaction, due.clone()).await).await?;
        Ok(Forgotten { forgotten, more: true })
    }

    /// A conversation of which no member is left but guests who have been forgotten.
    async fn left_by_all(&self) -> Result<Option<Uuid>, Failure> {
        let left = Statement::from_string(
            self.backend(),
            "SELECT m.conversation_id FROM users g JOIN conversation_members m ON m.user_id = g.id \
             WHERE g.kind = 'guest' AND g.disabled_at IS NOT NULL AND NOT EXISTS ( \
             SELECT 1 FROM conversation_members o JOIN users u ON u.id = o.user_id \
             WHERE o.conversation_id = m.conversation_id AND (u.kind <> 'guest' OR u.disabled_at IS NULL)) LIMIT 1",
        );
        let row = self.reading.query_one_raw(left).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }
}

/// Deletes a portion of a conversation's messages, and with the last of them the conversation.
async fn delete_some(transaction: &DatabaseTransaction, id: Uuid) -> Result<(), Failure> {
    let of = message::Column::ConversationId.eq(id);
    let some: Vec<Uuid> = message::Entity::find()
        .select_only()
        .column(message::Column::Id)
        .filter(of)
        .limit(MESSAGES_AT_ONCE)
        .into_tuple()
        .all(transaction)
        .await?;
    let is_last = (some.len() as u64) < MESSAGES_AT_ONCE;
    message::Entity::delete_many().filter(message::Column::Id.is_in(some)).exec(transaction).await?;
    if !is_last {
        return Ok(());
    }
    let members = conversation_member::Column::ConversationId.eq(id);
    let left = conversation_member::Entity::find().filter(members.clone()).all(transaction).await?;
    let keys = idempotency_key::Column::ConversationId.eq(id);
    idempotency_key::Entity::delete_many().filter(keys).exec(transaction).await?;
    conversation_member::Entity::delete_many().filter(members).exec(transaction).await?;
    conversation::Entity::delete_by_id(id).exec(transaction).await?;
    blank(transaction, left.into_iter().map(|row| row.user_id).collect()).await
}

/// Takes the names from those of these forgotten guests of whom no conversation is left.
async fn blank(transaction: &DatabaseTransaction, ids: Vec<Uuid>) -> Result<(), Failure> {
    let somewhere = Query::select()
        .column(conversation_member::Column::UserId)
        .from(conversation_member::Entity)
        .and_where(conversation_member::Column::UserId.is_in(ids.clone()))
        .to_owned();
    user::Entity::update_many()
        .filter(user::Column::Id.is_in(ids))
        .filter(user::Column::Kind.eq("guest"))
        .filter(user::Column::DisabledAt.is_not_null())
        .filter(user::Column::Id.not_in_subquery(somewhere))
        .col_expr(user::Column::FullName, Expr::value(FORGOTTEN))
        .exec(transaction)
        .await?;
    Ok(())
}
