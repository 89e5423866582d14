//! Logins and their chains of refresh tokens.

use chrono::Duration;
use entity::{audit_entry, idempotency_key, login, refresh_token, user};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, Set, Statement, sea_query::Query,
};
use uuid::Uuid;

use super::{Failure, Repeat, Store, conversations::KEY_LIFE, counters};
use crate::domain::{
    audit::{AuditEvent, Deed},
    clock::Timestamp,
    ids::{LoginId, UserId},
    refusal::Refusal,
    user::{Login, NewLogin, Rotated, Rotation},
};

/// How long after its use a token still passes when it comes by cookie and its successor is unused.
const GRACE: Duration = Duration::seconds(20);
/// How long an expired login is kept for its owner to look at.
const KEPT: Duration = Duration::days(30);
/// How long the audit log goes back.
const AUDIT_KEPT: Duration = Duration::days(365);
/// Most logins of one user that are good at a time: as many as can be listed, looked through and ended.
const MAX_LIVE: u64 = 200;

impl Store {
    /// Stores a login with its first refresh token. The logins that had to make room for it are returned. `checked` is the hash
    /// that its password was checked against.
    ///
    /// # Errors
    /// [`Refusal::BadCredentials`] when the password has been changed since it was checked; [`Refusal::AccountDisabled`].
    pub async fn create_login(&self, new: &NewLogin, checked: &str) -> Result<Vec<LoginId>, Failure> {
        self.transact(Repeat::BeforeCommit, async |transaction| {
            // Whoever changes the password or switches the account off meanwhile waits, and then ends this login too.
            let owner = user::Entity::find_by_id(new.user_id.0).lock_shared().one(transaction).await?;
            let owner = owner.filter(|row| row.password_hash.as_deref() == Some(checked)).ok_or(Refusal::BadCredentials)?;
            if owner.disabled_at.is_some() {
                return Err(Refusal::AccountDisabled.into());
            }
            self.insert_login(transaction, new).await?;
            self.revoke_surplus(transaction, new.user_id).await
        })
        .await
    }

    /// Stores a login of somebody who may have one.
    pub(super) async fn insert_login(&self, transaction: &DatabaseTransaction, new: &NewLogin) -> Result<(), Failure> {
        let now = self.clock.now();
        let row = login::ActiveModel {
            id: Set(new.id.0),
            user_id: Set(new.user_id.0),
            created_at: Set(now),
            used_at: Set(now),
            expires_at: Set(new.expires_at),
            revoked_at: Set(None),
            user_agent: Set(new.caller.user_agent.clone()),
            address: Set(new.caller.address.map(|address| address.to_string())),
        };
        login::Entity::insert(row).exec_without_returning(transaction).await?;
        insert_token(transaction, &new.refresh_hash, new.id, now).await?;
        let deed = Deed::of(AuditEvent::LoggedIn, new.user_id, Some(new.id), new.caller.clone());
        self.note_in(transaction, &deed).await
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
                    let (id, owner) = (LoginId(login.id), UserId(login.user_id));
                    let mut login = login.into_active_model();
                    login.revoked_at = Set(Some(now));
                    login.update(transaction).await?;
                    let mut deed = Deed::by_nobody(AuditEvent::RefreshTokenReused, Some(owner), rotation.caller.clone());
                    deed.login = Some(id);
                    self.note_in(transaction, &deed).await?;
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

    /// Ends a login of a user's own; ending it twice is no error.
    ///
    /// # Errors
    /// [`Refusal::UnknownLogin`] when it isn't theirs.
    pub async fn revoke_login(&self, owner: UserId, id: LoginId, deed: &Deed) -> Result<(), Failure> {
        self.transact(Repeat::Always, async |transaction| {
            let found = login::Entity::find_by_id(id.0).lock_exclusive().one(transaction).await?;
            let found = found.filter(|row| row.user_id == owner.0).ok_or(Refusal::UnknownLogin)?;
            if found.revoked_at.is_none() {
                let mut row = found.into_active_model();
                row.revoked_at = Set(Some(self.clock.now()));
                row.update(transaction).await?;
                self.note_in(transaction, deed).await?;
            }
            Ok(())
        })
        .await
    }

    /// Ends all logins of a user but one; those that were ended.
    pub(super) async fn revoke_all(
        &self,
        transaction: &DatabaseTransaction,
        owner: UserId,
        but: Option<LoginId>,
    ) -> Result<Vec<LoginId>, Failure> {
        let sql = "UPDATE logins SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL AND id <> $3 RETURNING id";
        let but = but.map_or(Uuid::nil(), |but| but.0);
        self.revoke_by(transaction, sql, [self.clock.now().into(), owner.0.into(), but.into()]).await
    }

    /// Ends those of a user's logins that were used least lately, when there are more than anybody can look through.
    async fn revoke_surplus(&self, transaction: &DatabaseTransaction, owner: UserId) -> Result<Vec<LoginId>, Failure> {
        let sql = "UPDATE logins SET revoked_at = $1 WHERE id IN (SELECT id FROM logins WHERE user_id = $2 AND revoked_at IS NULL \
                   AND expires_at > $1 ORDER BY used_at DESC, id DESC LIMIT 1000 OFFSET $3) RETURNING id";
        self.revoke_by(transaction, sql, [self.clock.now().into(), owner.0.into(), (MAX_LIVE as i64).into()]).await
    }

    pub(super) async fn revoke_by(
        &self,
        transaction: &DatabaseTransaction,
        sql: &str,
        values: impl IntoIterator<Item = sea_orm::Value>,
    ) -> Result<Vec<LoginId>, Failure> {
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        let rows = transaction.query_all_raw(statement).await?;
        rows.into_iter().map(|row| Ok(LoginId(row.try_get_by_index(0)?))).collect()
    }

    /// A user's logins that are good, the one used last first.
    pub async fn logins(&self, owner: UserId, current: LoginId) -> Result<Vec<Login>, Failure> {
        let rows = login::Entity::find()
            .filter(login::Column::UserId.eq(owner.0))
            .filter(login::Column::RevokedAt.is_null())
            .filter(login::Column::ExpiresAt.gt(self.clock.now()))
            .order_by_desc(login::Column::UsedAt)
            .limit(MAX_LIVE)
            .all(&self.reading)
            .await?;
        Ok(rows.into_iter().map(|row| listed(row, current)).collect())
    }

    /// Until when each of these logins is good; one that has ended isn't in the answer.
    pub async fn login_ends(&self, ids: &[LoginId]) -> Result<Vec<(LoginId, Timestamp)>, Failure> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows: Vec<(Uuid, Timestamp)> = login::Entity::find()
            .select_only()
            .columns([login::Column::Id, login::Column::ExpiresAt])
            .filter(login::Column::Id.is_in(ids))
            .filter(login::Column::RevokedAt.is_null())
            .into_tuple()
            .all(&self.reading)
            .await?;
        Ok(rows.into_iter().map(|(id, until)| (LoginId(id), until)).collect())
    }

    /// Deletes what has no more to say: logins that expired some time ago with their tokens, and outlived
    /// `Idempotency-Key`s.
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
            audit_entry::Entity::delete_many().filter(audit_entry::Column::At.lt(now - AUDIT_KEPT)).exec(transaction).await?;
            counters::sweep(transaction, now).await
        })
        .await
    }

    /// Logins ended after `since`: their access tokens may still look good.
    pub async fn revoked_logins(&self, since: Timestamp) -> Result<Vec<LoginId>, Failure> {
        let ids: Vec<Uuid> = login::Entity::find()
            .select_only()
            .column(login::Column::Id)
            .filter(login::Column::RevokedAt.gt(since))
            .into_tuple()
            .all(&self.reading)
            .await?;
        Ok(ids.into_iter().map(LoginId).collect())
    }
}

fn listed(row: login::Model, current: LoginId) -> Login {
    Login {
        id: LoginId(row.id),
        created_at: row.created_at,
        used_at: row.used_at,
        expires_at: row.expires_at,
        user_agent: row.user_agent,
        address: row.address,
        current: row.id == current.0,
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
