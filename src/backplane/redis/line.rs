//! A connection that is kept: one that doesn't answer is given up and made anew.

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use redis::{RedisError, cmd};
use tokio::time::sleep;

use super::{
    connection::Connection,
    place::{PING, Place},
    retry::Retry,
};

/// The connection, while there is one. Clones share it.
#[derive(Clone, Debug)]
pub struct Line {
    place: Place,
    connection: Arc<RwLock<Option<Connection>>>,
}

impl Line {
    /// There is none until it is kept.
    pub(super) fn new(place: Place) -> Self {
        Self { place, connection: Arc::default() }
    }

    /// A name of ours there.
    pub fn name(&self, of: &str) -> String {
        self.place.name(of)
    }

    /// The connection; none while Redis can't be reached: then it isn't waited for.
    pub fn get(&self) -> Option<Connection> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a name is used for the first time within such a time, by any node; none while Redis can't tell.
    pub async fn is_first(&self, name: &str, life: Duration) -> Option<bool> {
        let mut redis = self.get()?;
        let mut set = cmd("SET");
        set.arg(name).arg(1).arg("NX").arg("PX").arg(life.as_millis() as u64);
        let answer = set.query_async::<Option<String>>(&mut redis).await;
        answer.ok().map(|set| set.is_some())
    }

    fn set(&self, connection: Option<Connection>) {
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Keeps it up, for ever. `role` is what it is for, in the log.
    pub(super) async fn keep(self, role: &'static str) {
        let mut retry = Retry::default();
        loop {
            let Err(error) = self.stay().await;
            if self.get().is_some() {
                self.set(None);
                retry = Retry::default();
            }
            if retry.is_first() {
                tracing::warn!(%error, role, "redis.down: is it there, and REDIS_URL right?");
            }
            retry.wait().await;
        }
    }

    async fn stay(&self) -> Result<Infallible, RedisError> {
        let mut connection = Connection::to(&self.place, None).await?;
        cmd("PING").query_async::<()>(&mut connection).await?;
        self.set(Some(connection.clone()));
        loop {
            sleep(PING).await;
            cmd("PING").query_async::<()>(&mut connection).await?;
        }
    }
}
