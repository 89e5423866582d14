//! People (and later guests and bots) that can own logins and send messages.

use sea_orm::entity::prelude::*;

/// One row of `users`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// As shown: the NFKC form of what was typed.
    pub username: String,
    /// The unique form: NFKC and case folded.
    #[sea_orm(unique)]
    pub username_key: String,
    pub full_name: Option<String>,
    /// The form in which it is searched: NFKC and case folded.
    pub full_name_key: Option<String>,
    /// PHC string of argon2id; none for guests.
    pub password_hash: Option<String>,
    /// `member` or `guest`; later `bot`.
    pub kind: String,
    pub is_admin: bool,
    pub created_at: DateTimeUtc,
    /// Since when nobody can log in with it; none: one can.
    pub disabled_at: Option<DateTimeUtc>,
    /// When their last device went, or a guest was last heard of.
    pub last_seen_at: Option<DateTimeUtc>,
}

/// Joins are written where they are used, in the store.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
