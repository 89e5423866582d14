//! Accounts and logins.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    clock::Timestamp,
    ids::{LoginId, UserId},
    text::{FullName, Username},
};

/// What everybody may know of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub username: Username,
    /// Their real name, if they gave one.
    #[schema(required = true)]
    pub full_name: Option<FullName>,
}

/// What is known of the device that calls, for its owner to recognise it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// What it calls itself.
    pub user_agent: Option<String>,
    /// Where it calls from.
    pub address: Option<IpAddr>,
}

/// A new account, the password already hashed.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// Its id.
    pub id: UserId,
    /// Their name.
    pub username: Username,
    /// Their real name, if they gave one.
    pub full_name: Option<FullName>,
    /// PHC string.
    pub password_hash: String,
    /// Whether they may do what only admins may.
    pub is_admin: bool,
}

/// A user's account, as they themselves and operators see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Account {
    /// What everybody may know.
    #[serde(flatten)]
    pub user: User,
    /// Whether they may do what only admins may.
    pub is_admin: bool,
    /// Whether they are a guest, who has no password.
    pub is_guest: bool,
    /// When it was made.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// Since when it is switched off.
    #[serde(skip)]
    #[schema(ignore)]
    pub disabled_at: Option<Timestamp>,
}

/// What checking a password needs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose it is.
    pub user_id: UserId,
    /// PHC string.
    pub password_hash: String,
    /// Whether the account is switched off.
    pub disabled: bool,
}

/// A login to be stored with its first refresh token.
#[derive(Clone, Debug)]
pub struct NewLogin {
    /// Its id, the `sid` of its tokens.
    pub id: LoginId,
    /// Whose it is.
    pub user_id: UserId,
    /// SHA-256 of the first refresh token, in hexadecimal.
    pub refresh_hash: String,
    /// Until when the refresh token is good.
    pub expires_at: Timestamp,
    /// The device.
    pub caller: Caller,
}

/// A login as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Login {
    /// Its id.
    pub id: LoginId,
    /// When it began.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// When it was last renewed; a device in use renews it every few minutes.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub used_at: Timestamp,
    /// When it ends if it isn't used.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub expires_at: Timestamp,
    /// What the device calls itself.
    #[schema(required = true)]
    pub user_agent: Option<String>,
    /// From which address it began.
    #[schema(required = true)]
    pub address: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A password to be set by its owner.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Whose.
    pub user_id: UserId,
    /// The login that goes on; all others end.
    pub login_id: LoginId,
    /// The hash that the present password was checked against.
    pub checked: String,
    /// PHC string of the new one.
    pub password_hash: String,
    /// The device.
    pub caller: Caller,
}

/// A refresh token to be exchanged for its successor.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The login it claims.
    pub login_id: LoginId,
    /// SHA-256 of the token that came.
    pub presented: String,
    /// SHA-256 of the one to be given out.
    pub successor: String,
    /// Until when the successor is good.
    pub expires_at: Timestamp,
    /// How long any refresh token is good.
    pub life: chrono::Duration,
    /// Whether a used token still passes shortly after, while its successor is unused: tabs of one
    /// browser share a cookie and race.
    pub grace: bool,
    /// The device.
    pub caller: Caller,
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The successor is stored.
    Fresh,
    /// The token had been used before: the login is now ended.
    Reused(LoginId),
    /// Unknown, expired, or of an ended login.
    Rejected,
}

/// Which users to list, by ascending name.
#[derive(Clone, Debug)]
pub struct UserQuery {
    /// Who asks; never listed.
    pub viewer: UserId,
    /// Part of a username or full name, if given.
    pub search: Option<String>,
    /// At most so many.
    pub limit: u64,
    /// Those whose unique name comes after this.
    pub after: Option<String>,
}

/// A page of users.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// What to ask the next page with; none on the last.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}
