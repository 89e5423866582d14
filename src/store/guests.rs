//! Guests: users without a password, who are forgotten when they haven't been here for a while.

use std::collections::HashSet;

use entity::{conversation, conversation_member, idempotency_key, message, user};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set, Statement, sea_query::Expr,
};
use uuid::Uuid;

use super::{Failure, Repeat, Store};
use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, UserId},
    refusal::Refusal,
    text::DisplayName,
};

/// Most guests forgotten in one transaction.
const AT_ONCE: u64 = 200;
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

impl Store {
    /// Lets a guest in, who is made if need be, and calls them so if they may be `renamed`.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when the id is a member's, or was a guest's who has been forgotten.
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
            if row.kind != "guest" || row.disabled_at.is_some() {
                return Err(Refusal::NotAuthenticated.into());
            }
            let known = row.full_name.clone().unwrap_or_default();
            let mut row = row.into_active_model();
            row.last_seen_at = Set(Some(now));
            let name = if renamed { name.as_str().to_owned() } else { known };
            row.full_name = Set(Some(name.clone()));
            row.update(transaction).await?;
            Ok(Admitted { id, name })
        })
        .await
    }

    /// Forgets guests who weren't here since `before`, but for those who are here now; how many. Their conversations among
    /// each other are deleted; those with a member stay, and with them the guest's name. A row stays in any case, which
    /// messages may refer to; nobody can come back as it.
    pub async fn forget_guests(&self, before: Timestamp, here: &HashSet<UserId>) -> Result<u64, Failure> {
        let due = user::Entity::find()
            .filter(user::Column::Kind.eq("guest"))
            .filter(user::Column::LastSeenAt.lt(before))
            .filter(user::Column::DisabledAt.is_null())
            .order_by_asc(user::Column::LastSeenAt)
            .limit(AT_ONCE + here.len() as u64)
            .all(&self.reading)
            .await?;
        let due = due.into_iter().map(|row| row.id).filter(|id| !here.contains(&UserId(*id)));
        let due: Vec<Uuid> = due.take(AT_ONCE as usize).collect();
        if due.is_empty() {
            return Ok(0);
        }
        self.transact(Repeat::Always, async |transaction| {
            let of_due = || user::Entity::update_many().filter(user::Column::Id.is_in(due.clone()));
            // Whoever came back in this very moment stays.
            let gone = of_due().filter(user::Column::LastSeenAt.lt(before));
            let gone = gone.col_expr(user::Column::DisabledAt, Expr::value(self.clock.now())).exec(transaction).await?;
            let among_themselves = self.left_by_all(transaction, &due).await?;
            delete(transaction, &among_themselves).await?;
            let with_others = conversation_member::Entity::find()
                .select_only()
                .column(conversation_member::Column::UserId)
                .distinct()
                .filter(conversation_member::Column::UserId.is_in(due.clone()))
                .into_tuple::<Uuid>()
                .all(transaction)
                .await?;
            of_due()
                .filter(user::Column::Id.is_not_in(with_others))
                .filter(user::Column::DisabledAt.is_not_null())
                .col_expr(user::Column::FullName, Expr::value(FORGOTTEN))
                .exec(transaction)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }

    /// The conversations of these of which no member is left but guests who have been forgotten.
    async fn left_by_all(&self, transaction: &DatabaseTransaction, due: &[Uuid]) -> Result<Vec<ConversationId>, Failure> {
        let mut ids = Vec::new();
        for user in due {
            let left = Statement::from_sql_and_values(
                self.backend(),
                "SELECT m.conversation_id FROM conversation_members m WHERE m.user_id = $1 AND NOT EXISTS ( \
                 SELECT 1 FROM conversation_members o JOIN users u ON u.id = o.user_id \
                 WHERE o.conversation_id = m.conversation_id AND (u.kind <> 'guest' OR u.disabled_at IS NULL))",
                [(*user).into()],
            );
            for row in transaction.query_all_raw(left).await? {
                ids.push(ConversationId(row.try_get_by_index(0)?));
            }
        }
        Ok(ids)
    }
}

async fn delete(transaction: &DatabaseTransaction, conversations: &[ConversationId]) -> Result<(), Failure> {
    let ids = || conversations.iter().map(|id| id.0);
    let keys = idempotency_key::Column::ConversationId.is_in(ids());
    idempotency_key::Entity::delete_many().filter(keys).exec(transaction).await?;
    message::Entity::delete_many().filter(message::Column::ConversationId.is_in(ids())).exec(transaction).await?;
    let members = conversation_member::Column::ConversationId.is_in(ids());
    conversation_member::Entity::delete_many().filter(members).exec(transaction).await?;
    conversation::Entity::delete_many().filter(conversation::Column::Id.is_in(ids())).exec(transaction).await?;
    Ok(())
}
