//! Accounts.

use entity::user;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LikeExpr},
};

use super::{Failure, Repeat, Store};
use crate::domain::{
    ids::UserId,
    refusal::Refusal,
    text::{FullName, Username, search_key},
    user::{Credentials, NewUser, User, UserPage, UserQuery},
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

impl Store {
    /// Creates an account.
    ///
    /// # Errors
    /// [`Refusal::UsernameTaken`], also when two race for the name.
    pub async fn create_user(&self, new: NewUser) -> Result<User, Failure> {
        let row = user::Model {
            id: UserId::fresh().0,
            username_key: new.username.key(),
            username: new.username.as_str().to_owned(),
            full_name_key: new.full_name.as_ref().map(|name| search_key(name.as_str())),
            full_name: new.full_name.map(|name| name.as_str().to_owned()),
            password_hash: Some(new.password_hash),
            kind: "member".into(),
            is_admin: false,
            created_at: self.clock.now(),
            disabled_at: None,
            last_seen_at: None,
        };
        self.transact(Repeat::BeforeCommit, async |transaction| {
            let active = row.clone().into_active_model().reset_all();
            match user::Entity::insert(active).exec_without_returning(transaction).await.map_err(Failure::from) {
                Err(failure) if failure.is_unique_violation() => Err(Refusal::UsernameTaken.into()),
                inserted => inserted.map(drop),
            }
        })
        .await?;
        Ok(row.into())
    }

    /// What to check a password of this name against; none for an unknown name or an account without password.
    pub async fn credentials(&self, username: &Username) -> Result<Option<Credentials>, Failure> {
        let row = user::Entity::find().filter(user::Column::UsernameKey.eq(username.key())).one(&self.reading).await?;
        Ok(row.and_then(|row| Some(Credentials { user_id: UserId(row.id), password_hash: row.password_hash? })))
    }

    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, Failure> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reading).await?.map(Into::into))
    }

    /// Whether a user exists and is an admin.
    pub async fn is_admin(&self, id: UserId) -> Result<bool, Failure> {
        Ok(user::Entity::find_by_id(id.0).one(&self.reading).await?.is_some_and(|row| row.is_admin))
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
