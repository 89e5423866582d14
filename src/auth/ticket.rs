//! Tickets: what opens one socket, once, so that no token stands in an address (and so in a proxy's log).

use std::{sync::Arc, time::Duration};

use dashmap::DashMap;
use uuid::Uuid;

use super::token::Claims;
use crate::{
    backplane::Line,
    domain::clock::{Clock, Timestamp},
};

/// Most used tickets that are remembered; they are good for 30 seconds, so that is thousands of sockets a second.
const REMEMBERED: usize = 200_000;

/// How far the clocks of nodes may differ.
const CLOCKS: Duration = Duration::from_secs(60);

/// The tickets that were used, kept until they would have expired anyway.
#[derive(Clone, Debug)]
pub struct UsedTickets {
    until: Arc<DashMap<Uuid, Timestamp>>,
    clock: Clock,
    /// Where several nodes remember them together; while that is away, each knows only those that it was shown.
    shared: Option<Line>,
}

impl UsedTickets {
    /// None yet.
    pub fn new(clock: Clock, shared: Option<Line>) -> Self {
        Self { until: Arc::default(), clock, shared }
    }

    /// Uses a ticket; false when it was used before, or when so many were that it can't be remembered.
    pub async fn use_once(&self, ticket: &Claims) -> bool {
        if self.until.len() >= REMEMBERED {
            let now = self.clock.now();
            self.until.retain(|_, until| *until > now);
            if self.until.len() >= REMEMBERED {
                return false;
            }
        }
        let is_first = self.until.insert(ticket.jti, ticket.expires_at()).is_none();
        let Some(line) = self.shared.as_ref().filter(|_| is_first) else { return is_first };
        let life = (ticket.expires_at() - self.clock.now()).to_std().unwrap_or_default() + CLOCKS;
        line.is_first(&line.name(&format!("ticket:{}", ticket.jti)), life).await != Some(false)
    }
}
