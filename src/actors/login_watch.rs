//! The watch for logins that somebody else has ended: another process on the same database.

use std::{sync::Arc, time::Duration};

use actix::Message;

use crate::{
    domain::{clock::Timestamp, ids::LoginId},
    store::{Failure, Store},
};

/// How often they are looked for.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// How long the answer to a question about logins may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How far back a look goes beyond the one before it: further than clocks differ and commits take.
const LOOK_BACK: chrono::Duration = chrono::Duration::seconds(60);

/// What a look came to: when it began, and what it found; none when the database couldn't tell.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Looked(Option<(Timestamp, Vec<LoginId>)>);

/// Looks, one at a time.
#[derive(Debug)]
pub(super) struct LoginWatch {
    looking: bool,
    /// When the last look began that succeeded.
    looked_at: Timestamp,
}

impl LoginWatch {
    /// Everything before `now` is known.
    pub(super) fn new(now: Timestamp) -> Self {
        Self { looking: false, looked_at: now }
    }

    /// Begins a look; none while one is under way. It is on its way when it is polled.
    pub(super) fn look(&mut self, store: Arc<Store>, now: Timestamp) -> Option<impl Future<Output = Looked> + use<>> {
        if std::mem::replace(&mut self.looking, true) {
            return None;
        }
        let since = self.looked_at - LOOK_BACK;
        Some(async move {
            let found = in_time(store.revoked_logins(since)).await;
            let found = found.inspect_err(|error| tracing::debug!(%error, "writer.look_failed"));
            Looked(found.ok().map(|logins| (now, logins)))
        })
    }

    /// Ends a look. What couldn't be looked through is looked through next time, however long ago it began.
    pub(super) fn found(&mut self, Looked(found): Looked) -> Vec<LoginId> {
        self.looking = false;
        let Some((start, logins)) = found else { return Vec::new() };
        self.looked_at = start;
        logins
    }
}

/// What a connection that died silently would otherwise never answer.
pub(super) async fn in_time<T>(question: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let late = |_| Err(Failure::Unavailable("an answer took too long".into()));
    tokio::time::timeout(ANSWER, question).await.unwrap_or_else(late)
}
