//! Who comes and goes, and what is refused them.

use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

use super::Metrics;
use crate::domain::{ids::UserId, refusal::Refusal};

type Label = [(&'static str, &'static str); 1];

/// What becomes of an attempt to log in, to stay logged in, or to log out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginOutcome {
    /// Name and password were right.
    Success,
    /// They weren't.
    Failed,
    /// They were, and the account is switched off.
    Refused,
    /// A refresh token was exchanged.
    Refreshed,
    /// A refresh token was no good.
    Rejected,
    /// A used refresh token came again; its login was ended.
    Reused,
    /// The login was ended by its owner.
    Ended,
}

impl LoginOutcome {
    const ALL: [Self; 7] =
        [Self::Success, Self::Failed, Self::Refused, Self::Refreshed, Self::Rejected, Self::Reused, Self::Ended];

    fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Refreshed => "refreshed",
            Self::Rejected => "rejected",
            Self::Reused => "reused",
            Self::Ended => "ended",
        }
    }
}

/// By which door a refusal left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// As a problem document.
    Http,
    /// As an `error` frame.
    WebSocket,
}

impl Door {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::WebSocket => "websocket",
        }
    }
}

#[derive(Debug)]
pub(super) struct People {
    logins: Family<Label, Counter>,
    sign_ups: Counter,
    refusals: Family<[(&'static str, &'static str); 2], Counter>,
    limited: Family<Label, Counter>,
}

impl People {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let people = Self {
            logins: Family::default(),
            sign_ups: Counter::default(),
            refusals: Family::default(),
            limited: Family::default(),
        };
        for outcome in LoginOutcome::ALL {
            drop(people.logins.get_or_create(&[("outcome", outcome.name())]));
        }
        registry.register("logins", "Logins, and what became of them, by outcome", people.logins.clone());
        registry.register("sign_ups", "Accounts that people made for themselves", people.sign_ups.clone());
        let help = "What clients were told no with, by the door they came to and the code";
        registry.register("refusals", help, people.refusals.clone());
        registry.register("limited", "Requests and frames that were over a limit, by limit", people.limited.clone());
        people
    }
}

impl Metrics {
    /// Somebody tried to log in, to stay so, or to log out.
    pub fn login(&self, outcome: LoginOutcome) {
        self.people.logins.get_or_create(&[("outcome", outcome.name())]).inc();
        if outcome == LoginOutcome::Success {
            self.tally.logged_in();
        }
    }

    /// Somebody made an account.
    pub fn signed_up(&self) {
        self.people.sign_ups.inc();
        self.tally.signed_up();
    }

    /// A client was told no; `user` when it is known who it was.
    pub fn refused(&self, door: Door, refusal: &Refusal, user: Option<UserId>) {
        self.people.refusals.get_or_create(&[("door", door.name()), ("code", refusal.code())]).inc();
        self.tally.refused(refusal.code(), user);
    }

    /// Somebody was over a limit of this name, which must be one of a closed list: each is a series of its own.
    pub fn limited(&self, limit: &'static str) {
        self.people.limited.get_or_create(&[("limit", limit)]).inc();
    }
}
