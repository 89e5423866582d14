//! Logins that were ended while access tokens of theirs may still look good.

use std::sync::Arc;

use dashmap::DashMap;

use crate::domain::{
    clock::{Clock, Timestamp},
    ids::LoginId,
};

/// The ended logins. An entry is kept for the life of an access token, after which all of the login's have expired.
#[derive(Clone, Debug)]
pub struct EndedLogins {
    until: Arc<DashMap<LoginId, Timestamp>>,
    access_life: chrono::Duration,
    clock: Clock,
}

impl EndedLogins {
    /// None have ended yet.
    pub fn new(access_life: chrono::Duration, clock: Clock) -> Self {
        Self { until: Arc::default(), access_life, clock }
    }

    /// Since when an end still matters.
    pub fn relevant_since(&self) -> Timestamp {
        self.clock.now() - self.access_life
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes an end; false when it was known. Forgets those that no longer matter.
    pub fn insert(&self, login: LoginId) -> bool {
        let now = self.clock.now();
        if self.until.contains_key(&login) {
            return false;
        }
        self.until.retain(|_, until| *until > now);
        self.until.insert(login, now + self.access_life).is_none()
    }

    /// Whether a login was ended lately.
    pub fn contains(&self, login: LoginId) -> bool {
        self.until.contains_key(&login)
    }
}
