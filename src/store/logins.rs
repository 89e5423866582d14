//! Logins and their chains of refresh tokens.

use chrono::Duration;
use entity::{idempotency_key, login, refresh_token};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, Set,
    sea_query::{Expr, Query},
};

use super::{Failure, Repeat, Store, conversations::KEY_LIFE, counters};
use crate::domain::{
    clock::Timestamp,
    ids::LoginId,
    user::{NewLogin, Rotated, Rotation},
};

/// How long after its use a token still passes when it comes by cookie and its successor is unused.
const GRACE: Duration = Duration::seconds(20);
/// How long an expired login is kept for its owner to look at.
const KEPT: Duration = Duration::days(30);

impl Store {
    /// Stores a login with its first refresh token.
    pub async fn create_login(&self, new: &NewLogin) -> Result<(), Failure> {
        self.transact(Repeat::BeforeCommit, async |transaction| {
            let now = self.clock.now();
            let row = login::ActiveModel {
                id: Set(new.id.0),
                user_id: Set(new.user_id.0),
                created_at: Set(now),
                used_at: Set(now),
                expires_at: Set(new.expires_at),
                revoked_at: Set(None),
                user_agent: Set(new.user_agent.clone()),
                address: Set(new.address.clone()),
            };
            login::Entity::insert(row).exec_without_returning(transaction).await?;
            insert_token(transaction, &new.refresh_hash, new.id, now).await
        })
        .await
    }

    /// Exchanges a refresh token for its successor. A token that was used before ends its login (RFC 9700,
    /// section 4.14.2): one of the two who hold it has stolen it.
    pub async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, Failure> {
        self.transact(Repeat::BeforeCommit, async |transaction| self.rotate_once(transaction, rotation).await).await
    }

    async fn rotate_once(&self, transaction: &DatabaseTransaction, rotation: &Rotation) -> Result<Rotated, Failure> {
        let now = self.clock.now();
        // The lock lets only one of several that come at once find the token unused.
        let login = login::Entity::find_by_id(rotation.login_id.0).lock_exclusive().one(transaction).await?;
        let Some(login) = login.filter(|login| login.revoked_at.is_none() && login.expires_at > now) else {
            return Ok(Rotated::Rejected);
        };
        let token = refresh_token::Entity::find_by_id(rotation.presented.clone()).one(transaction).await?;
        let Some(token) = token.filter(|token| token.login_id == login.id) else { return Ok(Rotated::Rejected) };
        match token.used_at {
            Some(used_at) => {
                let raced = rotation.grace && now - used_at <= GRACE && !successor_used(transaction, &token).await?;
                if !raced {
                    let id = LoginId(login.id);
                    let mut login = login.into_active_model();
                    login.revoked_at = Set(Some(now));
                    login.update(transaction).await?;
                    return Ok(Rotated::Reused(id));
                }
            }
            None => {
                let mut token = token.into_active_model();
                token.used_at = Set(Some(now));
                token.update(transaction).await?;
            }
        }
        let login_id = LoginId(login.id);
        insert_token(transaction, &rotation.successor, login_id, now).await?;
        // A token older than a refresh token's life is refused by its own expiry; its row has no more to say.
        refresh_token::Entity::delete_many()
            .filter(refresh_token::Column::LoginId.eq(login_id.0))
            .filter(refresh_token::Column::IssuedAt.lt(now - rotation.life))
            .exec(transaction)
            .await?;
        let mut login = login.into_active_model();
        login.used_at = Set(now);
        login.expires_at = Set(rotation.expires_at);
        login.update(transaction).await?;
        Ok(Rotated::Fresh)
    }

    /// Ends a login; ending it twice is no error.
    pub async fn revoke_login(&self, id: LoginId) -> Result<(), Failure> {
        self.transact(Repeat::Always, async |transaction| {
            login::Entity::update_many()
                .col_expr(login::Column::RevokedAt, Expr::value(self.clock.now()))
                .filter(login::Column::Id.eq(id.0))
                .filter(login::Column::RevokedAt.is_null())
                .exec(transaction)
                .await?;
            Ok(())
        })
        .await
    }

    /// Deletes what has no more to say: logins that expired some time ago with their tokens, and outlived
    /// `Idempotency-Key`s and hours.
    pub async fn sweep(&self) -> Result<(), Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let now = self.clock.now();
            let outlived = || {
                let mut logins = Query::select();
                logins.column(login::Column::Id).from(login::Entity).and_where(login::Column::ExpiresAt.lt(now - KEPT));
                logins
            };
            refresh_token::Entity::delete_many()
                .filter(refresh_token::Column::LoginId.in_subquery(outlived()))
                .exec(transaction)
                .await?;
            login::Entity::delete_many().filter(login::Column::ExpiresAt.lt(now - KEPT)).exec(transaction).await?;
            idempotency_key::Entity::delete_many()
                .filter(idempotency_key::Column::CreatedAt.lt(now - KEY_LIFE))
                .exec(transaction)
                .await?;
            counters::sweep(transaction, now).await
        })
        .await
    }

    /// Logins ended after `since`: their access tokens may still look good.
    pub async fn revoked_logins(&self, since: Timestamp) -> Result<Vec<LoginId>, Failure> {
        let ids: Vec<uuid::Uuid> = login::Entity::find()
            .select_only()
            .column(login::Column::Id)
            .filter(login::Column::RevokedAt.gt(since))
            .into_tuple()
            .all(&self.reading)
            .await?;
        Ok(ids.into_iter().map(LoginId).collect())
    }
}

async fn insert_token(transaction: &DatabaseTransaction, hash: &str, login_id: LoginId, now: Timestamp) -> Result<(), Failure> {
    let row = refresh_token::ActiveModel {
        hash: Set(hash.to_owned()),
        login_id: Set(login_id.0),
        issued_at: Set(now),
        used_at: Set(None),
    };
    refresh_token::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

async fn successor_used(transaction: &DatabaseTransaction, token: &refresh_token::Model) -> Result<bool, Failure> {
    let used = refresh_token::Entity::find()
        .filter(refresh_token::Column::LoginId.eq(token.login_id))
        .filter(refresh_token::Column::Hash.ne(&token.hash))
        .filter(refresh_token::Column::IssuedAt.gt(token.issued_at))
        .filter(refresh_token::Column::UsedAt.is_not_null())
        .one(transaction)
        .await?;
    Ok(used.is_some())
}
