//! What is counted beside the conversations, by the hour and by the user, and how it is told.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use chrono::{DateTime, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

use super::{clock::Timestamp, ids::UserId};

/// What is counted. Those with a name of their own come from closed lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Messages stored.
    Messages,
    /// Bytes of their content.
    MessageBytes,
    /// Sockets opened.
    Connections,
    /// Sockets that have ended.
    Disconnections,
    /// Accounts made.
    SignUps,
    /// Logins begun.
    Logins,
    /// What clients were told no with.
    Errors,
    /// The same by code.
    Error(&'static str),
    /// What clients sent, by kind.
    Frame(&'static str),
}

/// What stands before the name of a [`Counter::Error`].
const ERROR: &str = "error:";
/// What stands before the name of a [`Counter::Frame`].
const FRAME: &str = "frame:";

impl Counter {
    /// Those that an hour is told by.
    pub const HOURLY: [Self; 7] =
        [Self::Messages, Self::MessageBytes, Self::Connections, Self::Disconnections, Self::SignUps, Self::Logins, Self::Errors];
}

/// Its name in the database.
impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Messages => f.write_str("messages"),
            Self::MessageBytes => f.write_str("message_bytes"),
            Self::Connections => f.write_str("connections"),
            Self::Disconnections => f.write_str("disconnections"),
            Self::SignUps => f.write_str("sign_ups"),
            Self::Logins => f.write_str("logins"),
            Self::Errors => f.write_str("errors"),
            Self::Error(code) => write!(f, "{ERROR}{code}"),
            Self::Frame(kind) => write!(f, "{FRAME}{kind}"),
        }
    }
}

/// The most there ever were at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Peak {
    /// How many.
    pub value: i64,
    /// When they were first so many.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub at: Timestamp,
}

/// What one user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserDelta {
    /// Messages stored.
    pub messages: i64,
    /// Bytes of their content.
    pub bytes: i64,
    /// Sockets opened.
    pub connections: i64,
    /// What they were told no with.
    pub errors: i64,
    /// The first of it.
    pub first_at: Timestamp,
    /// The last of it.
    pub last_at: Timestamp,
}

impl UserDelta {
    /// They were here, and nothing else.
    pub fn at(now: Timestamp) -> Self {
        Self { messages: 0, bytes: 0, connections: 0, errors: 0, first_at: now, last_at: now }
    }

    /// Both together.
    pub fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.connections += other.connections;
        self.errors += other.errors;
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
    }
}

/// What was counted and isn't stored yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deltas {
    /// By the hour's begin and the counter.
    pub hours: BTreeMap<(Timestamp, Counter), i64>,
    /// By user.
    pub users: HashMap<UserId, UserDelta>,
    /// The most sockets open at once.
    pub most_connections: Option<Peak>,
}

impl Deltas {
    /// Whether there is nothing to store.
    pub fn is_empty(&self) -> bool {
        self.hours.is_empty() && self.users.is_empty() && self.most_connections.is_none()
    }
}

/// The begin of the hour in which a moment lies.
pub fn hour_of(at: Timestamp) -> Timestamp {
    let seconds = at.timestamp();
    // A whole hour near a valid time is valid.
    DateTime::from_timestamp(seconds - seconds.rem_euclid(3_600), 0).unwrap_or(at)
}

/// The counters that have neither code nor kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Figures {
    /// Messages stored.
    pub messages: i64,
    /// Bytes of their content.
    pub message_bytes: i64,
    /// Sockets opened.
    pub connections: i64,
    /// Sockets that have ended.
    pub disconnections: i64,
    /// Accounts made.
    pub sign_ups: i64,
    /// Logins begun.
    pub logins: i64,
    /// What clients were told no with.
    pub errors: i64,
}

impl Figures {
    /// Adds to the one of this name; false when there is none.
    pub fn add(&mut self, name: &str, value: i64) -> bool {
        let figure = match name {
            "messages" => &mut self.messages,
            "message_bytes" => &mut self.message_bytes,
            "connections" => &mut self.connections,
            "disconnections" => &mut self.disconnections,
            "sign_ups" => &mut self.sign_ups,
            "logins" => &mut self.logins,
            "errors" => &mut self.errors,
            _ => return false,
        };
        *figure += value;
        true
    }

    /// Both together.
    pub fn merge(&mut self, other: &Self) {
        self.messages += other.messages;
        self.message_bytes += other.message_bytes;
        self.connections += other.connections;
        self.disconnections += other.disconnections;
        self.sign_ups += other.sign_ups;
        self.logins += other.logins;
        self.errors += other.errors;
    }
}

/// Everything since the first start, or since the counters were last set to nought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The plain ones.
    pub figures: Figures,
    /// What clients sent, by kind.
    pub frames: BTreeMap<String, i64>,
    /// What they were told no with, by code.
    pub errors: BTreeMap<String, i64>,
    /// The most sockets open at once, on one node.
    pub most_connections: Option<Peak>,
}

impl Totals {
    /// Takes a counter by its name in the database. One that this version doesn't know is left out.
    pub fn add(&mut self, name: &str, value: i64) {
        if let Some(code) = name.strip_prefix(ERROR) {
            *self.errors.entry(code.to_owned()).or_default() += value;
        } else if let Some(kind) = name.strip_prefix(FRAME) {
            *self.frames.entry(kind.to_owned()).or_default() += value;
        } else {
            self.figures.add(name, value);
        }
    }
}

/// One hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct HourFigures {
    /// Its begin.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub hour: Timestamp,
    /// What was counted in it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// One day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DayFigures {
    /// Which.
    pub day: NaiveDate,
    /// What was counted in it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What one user did since the first start, or since the counters were last set to nought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UserFigures {
    /// Who.
    pub user_id: UserId,
    /// Messages stored.
    pub messages_sent: i64,
    /// Bytes of their content.
    pub bytes_sent: i64,
    /// Sockets opened.
    pub connections: i64,
    /// What they were told no with.
    pub errors: i64,
    /// The first of it; none when there is nothing.
    #[schema(required = true, value_type = Option<chrono::DateTime<chrono::Utc>>)]
    pub first_activity: Option<Timestamp>,
    /// The last of it.
    #[schema(required = true, value_type = Option<chrono::DateTime<chrono::Utc>>)]
    pub last_activity: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_found_again_by_its_name() {
        let mut totals = Totals::default();
        for counter in Counter::HOURLY {
            assert!(totals.figures.add(&counter.to_string(), 1), "{counter}");
        }
        totals.add(&Counter::Error("busy").to_string(), 2);
        totals.add(&Counter::Frame("join").to_string(), 3);
        totals.add("of a later version", 4);
        assert_eq!((totals.errors["busy"], totals.frames["join"]), (2, 3));
        assert_eq!(totals.figures.messages, 1);
    }

    #[test]
    fn hours_begin_when_they_do() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(hour_of(at("2026-11-21T10:59:59.999999Z")), at("2026-11-21T10:00:00Z"));
        assert_eq!(hour_of(at("2026-11-21T11:00:00Z")), at("2026-11-21T11:00:00Z"));
        assert_eq!(hour_of(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    }
}
