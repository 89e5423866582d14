//! A connection that is kept: one that doesn't answer is given up and made anew.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use redis::{AsyncConnectionConfig, RedisError, aio::MultiplexedConnection, cmd};
use tokio::time::{sleep, timeout};

use super::place::{FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, PING, Place, jittered};

/// The connection, while there is one. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Line(Arc<RwLock<Option<MultiplexedConnection>>>);

impl Line {
    /// The connection; none while Redis can't be reached: then it isn't waited for.
    pub fn get(&self) -> Option<MultiplexedConnection> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a name is used for the first time within such a time, by any node; none while Redis can't tell.
    pub async fn is_first(&self, name: &str, life: Duration) -> Option<bool> {
        let mut redis = self.get()?;
        let mut set = cmd("SET");
        set.arg(name).arg(1).arg("NX").arg("PX").arg(life.as_millis() as u64);
        let answer = timeout(PATIENCE, set.query_async::<Option<String>>(&mut redis)).await;
        answer.ok()?.ok().map(|set| set.is_some())
    }

    fn set(&self, connection: Option<MultiplexedConnection>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = connection;
    }

    /// Keeps it up, for ever. `role` is what it is for, in the log.
    pub async fn keep(self, place: Place, role: &'static str) {
        let mut pause = FIRST_PAUSE;
        let mut is_told = false;
        loop {
            let Err(error) = self.stay(&place).await;
            if self.get().is_some() {
                self.set(None);
                (pause, is_told) = (FIRST_PAUSE, false);
            }
            if !std::mem::replace(&mut is_told, true) {
                tracing::warn!(%error, role, "redis.down: is it there, and REDIS_URL right?");
            }
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn stay(&self, place: &Place) -> Result<std::convert::Infallible, RedisError> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE));
        let mut connection = place.client()?.get_multiplexed_async_connection_with_config(&config).await?;
        cmd("PING").query_async::<()>(&mut connection).await?;
        self.set(Some(connection.clone()));
        loop {
            sleep(PING).await;
            cmd("PING").query_async::<()>(&mut connection).await?;
        }
    }
}
