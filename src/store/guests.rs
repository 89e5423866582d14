//! Guests: users without a password, who are forgotten when they haven't been here for a while.

use entity::{conversation, conversation_member, idempotency_key, login, message, user};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set, Statement,
    sea_query::{Condition, Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::{Failure, Repeat, Store};
use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, LoginId, UserId},
    presence::Seen,
    refusal::Refusal,
    text::DisplayName,
    user::NewLogin,
};

/// Most guests forgotten in one transaction.
const AT_ONCE: u64 = 50;
/// Most messages deleted in one transaction: posts wait behind it.
const MESSAGES_AT_ONCE: u64 = 1_000;
/// The kind of user that they are.
pub(super) const GUEST: &str = "guest";
/// Stands before a guest's unique name. No name that one can sign up with has it, as it shows nothing.
const MARK: char = '\u{1}';
/// The same, of a guest who has a login: nobody else is ever let in under that id.
const MARK_OF_LOGIN: char = '\u{2}';
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many guests.
    pub forgotten: u64,
    /// The logins of theirs that have ended by that.
    pub ended: Vec<LoginId>,
    /// Whether there may be more to do.
    pub more: bool,
}

impl Store {
    /// Lets a guest in, who is made if need be, and calls them so if they may be `renamed`.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when the id is a member's, or that of a guest who has a login.
    pub async fn admit_guest(&self, id: UserId, name: &DisplayName, renamed: bool) -> Result<Admitted, Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let now = self.clock.now();
            let Some(row) = user::Entity::find_by_id(id.0).one(transaction).await? else {
                insert(transaction, id, name, MARK, now).await?;
                return Ok(Admitted { id, name: name.as_str().to_owned() });
            };
            if row.kind != GUEST || row.username_key.starts_with(MARK_OF_LOGIN) {
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

    /// Makes a guest who proves by a login who they are, and stores it.
    pub async fn create_guest(&self, name: &DisplayName, new: &NewLogin) -> Result<(), Failure> {
        self.transact(Repeat::BeforeCommit, async |transaction| {
            insert(transaction, new.user_id, name, MARK_OF_LOGIN, self.clock.now()).await?;
            self.insert_login(transaction, new).await
        })
        .await
    }

    /// Ends the logins of all guests, because none are let in any more.
    pub async fn end_guest_logins(&self) -> Result<Vec<LoginId>, Failure> {
        self.transact(Repeat::Always, async |transaction| self.revoke_of_guests(transaction, "").await).await
    }

    async fn revoke_of_guests(&self, transaction: &DatabaseTransaction, which: &str) -> Result<Vec<LoginId>, Failure> {
        let sql = format!(
            "UPDATE logins SET revoked_at = $1 WHERE revoked_at IS NULL \
             AND user_id IN (SELECT id FROM users WHERE kind = '{GUEST}'{which}) RETURNING id"
        );
        self.revoke_by(transaction, &sql, [self.clock.now().into()]).await
    }

    /// Forgets some of the guests who weren't here since `before`, or some of what they have left. Whoever `is_here` all the
    /// same is noted to be. Conversations of which no member is left but guests who have been forgotten are deleted; those with
    /// a member stay, and with them the guest's name. A row stays in any case, which messages may refer to.
    pub async fn forget_guests(&self, before: Timestamp, is_here: impl Fn(UserId) -> bool) -> Result<Forgotten, Failure> {
        let due: Vec<Uuid> = user::Entity::find()
            .select_only()
            .column(user::Column::Id)
            .filter(not_here_since(before))
            .order_by_asc(user::Column::LastSeenAt)
            .limit(AT_ONCE)
            .into_tuple()
            .all(&self.reading)
            .await?;
        let may_be_more = due.len() as u64 == AT_ONCE;
        let (here, due): (Vec<Uuid>, Vec<Uuid>) = due.into_iter().partition(|id| is_here(UserId(*id)));
        if !here.is_empty() {
            let at = self.clock.now();
            let here: Vec<Seen> = here.into_iter().map(|id| Seen { user_id: UserId(id), at }).collect();
            self.seen(&here).await?;
        }
        if !due.is_empty() {
            return self.forget(before, due).await;
        }
        if may_be_more {
            return Ok(Forgotten { more: true, ..Forgotten::default() });
        }
        let Some(conversation) = self.left_by_all().await? else { return Ok(Forgotten::default()) };
        let deleted = self.transact(Repeat::Always, async |transaction| delete_some(transaction, conversation).await).await;
        self.pages.changed(ConversationId(conversation));
        deleted?;
        Ok(Forgotten { more: true, ..Forgotten::default() })
    }

    async fn forget(&self, before: Timestamp, due: Vec<Uuid>) -> Result<Forgotten, Failure> {
        let forgotten = self.transact(Repeat::Always, async |transaction| {
            // Whoever came back in this very moment stays.
            let gone = user::Entity::update_many().filter(user::Column::Id.is_in(due.clone())).filter(not_here_since(before));
            let gone = gone.col_expr(user::Column::DisabledAt, Expr::value(self.clock.now())).exec(transaction).await?;
            let ended = self.revoke_of_guests(transaction, " AND disabled_at IS NOT NULL").await?;
            Ok((gone.rows_affected, ended))
        });
        let (forgotten, ended) = forgotten.await?;
        self.transact(Repeat::Always, async |transaction| blank(transaction, due.clone()).await).await?;
        Ok(Forgotten { forgotten, ended, more: true })
    }

    /// A conversation of which no member is left but guests who have been forgotten.
    async fn left_by_all(&self) -> Result<Option<Uuid>, Failure> {
        let left = Statement::from_string(
            self.backend(),
            "SELECT l.conversation_id FROM (SELECT DISTINCT m.conversation_id FROM users g \
             JOIN conversation_members m ON m.user_id = g.id WHERE g.kind = 'guest' AND g.disabled_at IS NOT NULL) l \
             WHERE NOT EXISTS (SELECT 1 FROM conversation_members o JOIN users u ON u.id = o.user_id \
             WHERE o.conversation_id = l.conversation_id AND (u.kind <> 'guest' OR u.disabled_at IS NULL)) LIMIT 1",
        );
        let row = self.reading.query_one_raw(left).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }
}

async fn insert(
    transaction: &DatabaseTransaction,
    id: UserId,
    name: &DisplayName,
    mark: char,
    now: Timestamp,
) -> Result<(), Failure> {
    let row = user::Model {
        id: id.0,
        username: format!("guest-{}", &id.0.simple().to_string()[20..]),
        username_key: format!("{mark}{id}"),
        full_name_key: None,
        full_name: Some(name.as_str().to_owned()),
        password_hash: None,
        kind: GUEST.into(),
        is_admin: false,
        created_at: now,
        disabled_at: None,
        last_seen_at: Some(now),
    };
    user::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(transaction).await?;
    Ok(())
}

/// The guests who aren't forgotten yet and weren't here since `before`, neither on a socket nor to renew a login.
fn not_here_since(before: Timestamp) -> Condition {
    let renewed = Query::select()
        .expr(Expr::value(1))
        .from(login::Entity)
        .and_where(Expr::col((login::Entity, login::Column::UserId)).equals((user::Entity, user::Column::Id)))
        .and_where(Expr::col((login::Entity, login::Column::UsedAt)).gte(before))
        .to_owned();
    Condition::all()
        .add(user::Column::Kind.eq(GUEST))
        .add(user::Column::DisabledAt.is_null())
        .add(user::Column::LastSeenAt.lt(before))
        .add(Expr::exists(renewed).not())
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
        .filter(user::Column::Kind.eq(GUEST))
        .filter(user::Column::DisabledAt.is_not_null())
        .filter(user::Column::Id.not_in_subquery(somewhere))
        .col_expr(user::Column::FullName, Expr::value(FORGOTTEN))
        .exec(transaction)
        .await?;
    Ok(())
}
