//! Who is here.

use serde::Serialize;
use utoipa::ToSchema;

use super::{clock::Timestamp, ids::UserId};

/// Whether a user is here, and if not, since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Presence {
    /// Who.
    pub user_id: UserId,
    /// Whether a device of theirs is connected, or was a moment ago.
    pub online: bool,
    /// When the last one went; none while they are online, or if none has ever gone.
    #[schema(required = true, value_type = Option<chrono::DateTime<chrono::Utc>>)]
    pub last_seen: Option<Timestamp>,
}

/// When a user's last device went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Who.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
}
