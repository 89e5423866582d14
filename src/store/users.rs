//! Accounts.

use entity::user;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait, Func, LikeExpr},
};

use super::{Failure, Store};
use crate::domain::{
    ids::UserId,
    refusal::Refusal,
    text::{FullName, Username},
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
            full_name: new.full_name.map(|name| name.as_str().to_owned()),
            password_hash: Some(new.password_hash),
            kind: "member".into(),
            is_admin: false,
            created_at: self.clock.now(),
            last_seen_at: None,
        };
        let active = user::ActiveModel {
            id: Set(row.id),
            username: Set(row.username.clone()),
            username_key: Set(row.username_key.clone()),
            full_name: Set(row.full_name.clone()),
            password_hash: Set(row.password_hash.clone()),
            kind: Set(row.kind.clone()),
            is_admin: Set(row.is_admin),
            created_at: Set(row.created_at),
            last_seen_at: Set(row.last_seen_at),
        };
        let inserted = user::Entity::insert(active).exec_without_returning(&self.writing).await.map_err(Failure::from);
        match inserted {
            Ok(_) => Ok(row.into()),
            Err(failure) if failure.is_unique_violation() => Err(Refusal::UsernameTaken.into()),
            Err(failure) => Err(failure),
        }
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

    /// Members by ascending name; guests aren't listed.
    pub async fn users(&self, query: UserQuery) -> Result<UserPage, Failure> {
        let mut select = user::Entity::find().filter(user::Column::Kind.eq("member")).filter(user::Column::Id.ne(query.viewer.0));
        if let Some(search) = &query.search {
            let folded = format!("%{}%", escape_like(&caseless::default_case_fold_str(search)));
            let like = || LikeExpr::new(folded.clone()).escape('\\');
            let full_name = Expr::expr(Func::lower(Expr::col(user::Column::FullName)));
            select = select
                .filter(Condition::any().add(Expr::col(user::Column::UsernameKey).like(like())).add(full_name.like(like())));
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
