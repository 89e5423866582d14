//! Accounts and logins.

use std::net::IpAddr;

use serde::Serialize;

use super::{
    clock::Timestamp,
    ids::{LoginId, UserId},
    text::{FullName, Username},
};

/// What everybody may know of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub username: Username,
    /// Their real name, if they gave one.
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
    /// Their name.
    pub username: Username,
    /// Their real name, if they gave one.
    pub full_name: Option<FullName>,
    /// PHC string.
    pub password_hash: String,
}

/// What checking a password needs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Whose it is.
    pub user_id: UserId,
    /// PHC string.
    pub password_hash: String,
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
    /// What the device calls itself.
    pub user_agent: Option<String>,
    /// Where it called from.
    pub address: Option<String>,
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
#[derive(Clone, Debug, Serialize)]
pub struct UserPage {
    /// The users.
    pub users: Vec<User>,
    /// What to ask the next page with; none on the last.
    pub next_cursor: Option<String>,
}
