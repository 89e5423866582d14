//! Accounts.

use entity::user;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait, LikeExpr},
};

use super::{Failure, Repeat, Store, guests::GUEST};
use crate::domain::{
    audit::{AuditEvent, Deed},
    ids::{LoginId, UserId},
    refusal::Refusal,
    text::{FullName, Username, search_key},
    user::{Account, Credentials, NewUser, PasswordChange, User, UserPage, UserQuery},
};

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self {
            id: UserId(row.id),
            username: Username::from_stored(row.username),
            full_name: row.full_name.map(FullName::from_stored),
        }
    }
}

impl From<user::Model> for Account {
    fn from(row: user::Model) -> Self {
        let (is_admin, is_guest) = (row.is_admin, row.kind == GUEST);
        let (created_at, disabled_at) = (row.created_at, row.disabled_at);
        Self { user: row.into(), is_admin, is_guest, created_at, disabled_at }
    }
}

impl Store {
    /// Creates an account.
    ///
    /// # Errors
    /// [`Refusal::UsernameTaken`], also when two race for the name.
    pub async fn create_user(&self, new: NewUser, deed: &Deed) -> Result<User, Failure> {
        let row = user::Model {
            id: new.id.0,
            username_key: new.username.key(),
            username: new.username.as_str().to_owned(),
            full_name_key: new.full_name.as_ref().map(|name| search_key(name.as_str())),
            full_name: new.full_name.map(|name| name.as_str().to_owned()),
            password_hash: Some(new.password_hash),
            kind: "member".into(),
            is_admin: new.is_admin,
            created_at: self.clock.now(),
            disabled_at: None,
            last_seen_at: None,
        };
        self.transact(Repeat::BeforeCommit, async |transaction| {
            let active = row.clone().into_active_model().reset_all();
            match user::Entity::insert(active).exec_without_returning(transaction).await.map_err(Failure::from) {
                Err(failure) if failure.is_unique_violation() => Err(Refusal::UsernameTaken.into()),
                inserted => inserted.map(drop),
            }?;
            self.note_in(transaction, deed).await
        })
        .await?;
        Ok(row.into())
    }

    /// What to check a password of this name against; none for an unknown name or an account without password.
    pub async fn credentials(&self, username: &Username) -> Result<Option<Credentials>, Failure> {
        let row = user::Entity::find().filter(user::Column::UsernameKey.eq(username.key())).one(&self.reading).await?;
        Ok(row.and_then(credentials))
    }

    /// What to check a user's own password against.
    pub async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, Failure> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reading).await?.and_then(credentials))
    }

    /// One account.
    pub async fn account(&self, id: UserId) -> Result<Option<Account>, Failure> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reading).await?.map(Into::into))
    }

    /// Whether a user exists and is an admin.
    pub async fn is_admin(&self, id: UserId) -> Result<bool, Failure> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reading).await?.is_some_and(|row| row.is_admin))
    }

    /// The account of this name.
    pub async fn account_named(&self, username: &Username) -> Result<Option<Account>, Failure> {
        let row = user::Entity::find().filter(user::Column::UsernameKey.eq(username.key())).one(&self.reading).await?;
        Ok(row.map(Into::into))
    }

    /// All accounts with a password, by ascending name, after the given unique name.
    pub async fn accounts(&self, after: Option<&Username>, limit: u64) -> Result<Vec<Account>, Failure> {
        let mut select = user::Entity::find().filter(user::Column::Kind.eq("member"));
        if let Some(after) = after {
            select = select.filter(user::Column::UsernameKey.gt(after.key()));
        }
        let rows = select.order_by_asc(user::Column::UsernameKey).limit(limit).all(&self.reading).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Makes somebody an admin, or takes that away.
    pub async fn set_admin(&self, id: UserId, is_admin: bool, deed: &Deed) -> Result<(), Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let all = user::Entity::update_many().filter(user::Column::Id.eq(id.0));
            all.col_expr(user::Column::IsAdmin, Expr::value(is_admin)).exec(transaction).await?;
            self.note_in(transaction, deed).await
        })
        .await
    }

    /// Switches an account off, which ends its logins, or on again.
    pub async fn set_disabled(&self, id: UserId, disabled: bool, deed: &Deed) -> Result<Vec<LoginId>, Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let since = disabled.then(|| self.clock.now());
            let all = user::Entity::update_many().filter(user::Column::Id.eq(id.0));
            all.col_expr(user::Column::DisabledAt, Expr::value(since)).exec(transaction).await?;
            let ended = if disabled { self.revoke_all(transaction, id, None).await? } else { Vec::new() };
            self.note_in(transaction, deed).await?;
            Ok(ended)
        })
        .await
    }

    /// Sets a password, whatever it was before, and ends all logins.
    pub async fn set_password(&self, id: UserId, password_hash: &str, deed: &Deed) -> Result<Vec<LoginId>, Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let all = user::Entity::update_many().filter(user::Column::Id.eq(id.0));
            all.col_expr(user::Column::PasswordHash, Expr::value(password_hash)).exec(transaction).await?;
            let ended = self.revoke_all(transaction, id, None).await?;
            self.note_in(transaction, deed).await?;
            Ok(ended)
        })
        .await
    }

    /// Sets a real name, or takes it away; the account as it is then.
    ///
    /// # Errors
    /// [`Refusal::NotAuthenticated`] when there is no such account.
    pub async fn set_full_name(&self, id: UserId, full_name: Option<&FullName>) -> Result<Account, Failure> {
        let row = self.transact(Repeat::Always, async |transaction| {
            let row = user::Entity::find_by_id(id.0).lock_exclusive().one(transaction).await?.ok_or(Refusal::NotAuthenticated)?;
            // Nobody searches for guests.
            let key = full_name.filter(|_| row.kind != GUEST).map(|name| search_key(name.as_str()));
            let mut row = row.into_active_model();
            row.full_name = Set(full_name.map(|name| name.as_str().to_owned()));
            row.full_name_key = Set(key);
            Ok(row.update(transaction).await?)
        });
        Ok(row.await?.into())
    }

    /// Changes a password and ends all logins but the one that does it; those that were ended.
    ///
    /// # Errors
    /// [`Refusal::WrongPassword`] when the password has been changed since it was checked.
    pub async fn change_password(&self, change: &PasswordChange) -> Result<Vec<LoginId>, Failure> {
        self.transact(Repeat::BeforeCommit, async |transaction| {
            let row = user::Entity::find_by_id(change.user_id.0).lock_exclusive().one(transaction).await?;
            let row = row.filter(|row| row.password_hash.as_deref() == Some(&change.checked)).ok_or(Refusal::WrongPassword)?;
            let mut row = row.into_active_model();
            row.password_hash = Set(Some(change.password_hash.clone()));
            row.update(transaction).await?;
            let ended = self.revoke_all(transaction, change.user_id, Some(change.login_id)).await?;
            let deed = Deed::of(AuditEvent::PasswordChanged, change.user_id, Some(change.login_id), change.caller.clone());
            self.note_in(transaction, &deed).await?;
            Ok(ended)
        })
        .await
    }

    /// Members by ascending name; guests aren't listed.
    pub async fn users(&self, query: UserQuery) -> Result<UserPage, Failure> {
        let mut select = user::Entity::find().filter(user::Column::Kind.eq("member")).filter(user::Column::Id.ne(query.viewer.0));
        if let Some(search) = &query.search {
            let folded = format!("%{}%", escape_like(&search_key(search)));
            let like = || LikeExpr::new(folded.clone()).escape('\\');
            let named = [user::Column::UsernameKey, user::Column::FullNameKey].map(|column| Expr::col(column).like(like()));
            select = select.filter(named.into_iter().fold(Condition::any(), Condition::add));
        }
        if let Some(after) = &query.after {
            select = select.filter(user::Column::UsernameKey.gt(after.as_str()));
        }
        let mut rows = select.order_by_asc(user::Column::UsernameKey).limit(query.limit + 1).all(&self.reading).await?;
        let more = rows.len() as u64 > query.limit;
        rows.truncate(query.limit as usize);
        let next_cursor = if more { rows.last().map(|row| row.username_key.clone()) } else { None };
        Ok(UserPage { users: rows.into_iter().map(Into::into).collect(), next_cursor })
    }
}

fn credentials(row: user::Model) -> Option<Credentials> {
    let disabled = row.disabled_at.is_some();
    Some(Credentials { user_id: UserId(row.id), password_hash: row.password_hash?, disabled })
}

fn escape_like(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
