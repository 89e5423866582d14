//! The pauses after which a connection is tried again.

use std::time::Duration;

use tokio::time::sleep;

/// The first; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST: Duration = Duration::from_secs(2);

/// How often it was tried since the connection was there last.
#[derive(Debug, Default)]
pub(super) struct Retry(u32);

impl Retry {
    /// Whether it wasn't tried before: what is wrong is to be said once.
    pub(super) fn is_first(&self) -> bool {
        self.0 == 0
    }

    /// Waits about as long as is due: nodes that lost Redis together don't come back together.
    pub(super) async fn wait(&mut self) {
        let jitter = 0.5 + f64::from(uuid::Uuid::new_v4().as_bytes()[0]) / 512.0;
        sleep((FIRST * (1 << self.0.min(6))).min(LONGEST).mul_f64(jitter)).await;
        self.0 += 1;
    }
}
