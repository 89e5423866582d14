//! Logins that were ended while access tokens of theirs may still look good.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use dashmap::DashMap;

use crate::domain::{
    clock::{Clock, Timestamp},
    ids::LoginId,
};

/// How many there have to be before any are forgotten.
const SWEEP_FROM: usize = 512;

/// The ended logins. An entry is kept for the life of an access token, after which all of the login's have expired.
#[derive(Clone, Debug)]
pub struct EndedLogins {
    until: Arc<DashMap<LoginId, Timestamp>>,
    /// How many were left when those that no longer matter were last forgotten.
    swept: Arc<AtomicUsize>,
    access_life: chrono::Duration,
    clock: Clock,
}

impl EndedLogins {
    /// None have ended yet.
    pub fn new(access_life: chrono::Duration, clock: Clock) -> Self {
        Self { until: Arc::default(), swept: Arc::default(), access_life, clock }
    }

    /// Since when an end still matters.
    pub fn relevant_since(&self) -> Timestamp {
        self.clock.now() - self.access_life
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes an end; false when it was known. Forgets those that no longer matter, now and then.
    pub fn insert(&self, login: LoginId) -> bool {
        let now = self.clock.now();
        if self.until.contains_key(&login) {
            return false;
        }
        // Not with each: many can end at once.
        if self.until.len() >= 2 * self.swept.load(Ordering::Relaxed).max(SWEEP_FROM) {
            self.until.retain(|_, until| *until > now);
            self.swept.store(self.until.len(), Ordering::Relaxed);
        }
        self.until.insert(login, now + self.access_life).is_none()
    }

    /// Whether a login was ended lately.
    pub fn contains(&self, login: LoginId) -> bool {
        self.until.contains_key(&login)
    }
}
