//! Tickets: what opens one socket, once, so that no token stands in an address (and so in a proxy's log).

use std::sync::Arc;

use dashmap::DashMap;
use uuid::Uuid;

use super::token::Claims;
use crate::domain::clock::{Clock, Timestamp};

/// Most used tickets that are remembered; they are good for 30 seconds, so that is thousands of sockets a second.
const REMEMBERED: usize = 200_000;

/// The tickets that were used, kept until they would have expired anyway.
#[derive(Clone, Debug)]
pub struct UsedTickets {
    until: Arc<DashMap<Uuid, Timestamp>>,
    clock: Clock,
}

impl UsedTickets {
    /// None yet.
    pub fn new(clock: Clock) -> Self {
        Self { until: Arc::default(), clock }
    }

    /// Uses a ticket; false when it was used before, or when so many were that it can't be remembered.
    pub fn use_once(&self, ticket: &Claims) -> bool {
        if self.until.len() >= REMEMBERED {
            let now = self.clock.now();
            self.until.retain(|_, until| *until > now);
            if self.until.len() >= REMEMBERED {
                return false;
            }
        }
        self.until.insert(ticket.jti, ticket.expires_at()).is_none()
    }
}
