//! The audit log: what happens to accounts, for those who have to answer for them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    clock::Timestamp,
    ids::{LoginId, UserId},
    user::Caller,
};

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What can be in the log: a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum AuditEvent {
            $($(#[$doc])* $name),*
        }

        impl AuditEvent {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, in the log and on the wire.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

events! {
    /// Somebody made an account for themselves.
    SignedUp = "signed_up",
    /// A login began.
    LoggedIn = "logged_in",
    /// A wrong password for an account that exists, or a name that doesn't.
    LoginFailed = "login_failed",
    /// The right password for an account that is switched off.
    LoginRefused = "login_refused",
    /// A used refresh token came again, and its login was ended: somebody has stolen one.
    RefreshTokenReused = "refresh_token_reused",
    /// A device ended its own login.
    LoggedOut = "logged_out",
    /// A login was ended from another device.
    LoginRevoked = "login_revoked",
    /// Somebody changed their password; their other logins were ended.
    PasswordChanged = "password_changed",
    /// An attempt to change a password, with a wrong present one.
    PasswordChangeFailed = "password_change_failed",
    /// An operator made an account.
    AccountAdded = "account_added",
    /// An operator set a password; all logins were ended.
    PasswordSet = "password_set",
    /// An operator made somebody an admin.
    AdminGranted = "admin_granted",
    /// An operator took that right away.
    AdminTaken = "admin_taken",
    /// An operator switched an account off; all its logins were ended.
    AccountDisabled = "account_disabled",
    /// An operator switched it on again.
    AccountEnabled = "account_enabled",
    /// An admin read this log.
    AuditRead = "audit_read",
    /// An admin read the counters.
    CountersRead = "counters_read",
    /// An admin set the counters to nought.
    CountersReset = "counters_reset",
}

impl std::str::FromStr for AuditEvent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|event| event.name() == text).ok_or_else(|| "is not the name of an event".into())
    }
}

/// Something to be put into the log.
#[derive(Clone, Debug)]
pub struct Deed {
    /// What.
    pub event: AuditEvent,
    /// Who did it, if it is known.
    pub actor: Option<UserId>,
    /// To whose account, if there is one.
    pub user: Option<UserId>,
    /// By or to which login, if it was one.
    pub login: Option<LoginId>,
    /// From where.
    pub caller: Caller,
}

impl Deed {
    /// What somebody did to their own account.
    pub fn of(event: AuditEvent, user: UserId, login: Option<LoginId>, caller: Caller) -> Self {
        Self { event, actor: Some(user), user: Some(user), login, caller }
    }

    /// What an unknown person, or an operator on the machine itself, did.
    pub fn by_nobody(event: AuditEvent, user: Option<UserId>, caller: Caller) -> Self {
        Self { event, actor: None, user, login: None, caller }
    }
}

/// An entry, as admins see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: Uuid,
    /// When.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub at: Timestamp,
    /// What.
    pub event: AuditEvent,
    /// Who did it; none for somebody unknown, or an operator on the command line.
    #[schema(required = true)]
    pub actor_id: Option<UserId>,
    /// To whose account.
    #[schema(required = true)]
    pub user_id: Option<UserId>,
    /// By or to which login.
    #[schema(required = true)]
    pub login_id: Option<LoginId>,
    /// From which address.
    #[schema(required = true)]
    pub address: Option<String>,
    /// What the device called itself.
    #[schema(required = true)]
    pub user_agent: Option<String>,
}

/// Which entries, newest first.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Only of this account.
    pub user: Option<UserId>,
    /// Only of this kind.
    pub event: Option<AuditEvent>,
    /// Only before this entry.
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: u64,
}

/// A page of the log.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// What to ask the next page with; none on the last.
    #[schema(required = true)]
    pub next_cursor: Option<Uuid>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_name() {
        for event in AuditEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.name());
            assert_eq!(event.name().parse(), Ok(*event));
        }
    }
}
