//! What tests need of a world of their own.

pub mod bucket;
pub mod client;
pub mod cluster;
pub mod collector;
pub mod database;
pub mod door;
pub mod faulty;
pub mod figures;
pub mod guest;
pub mod live;
pub mod logs;
pub mod past;
pub mod person;
pub mod port;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod redis_cluster;
pub mod room;
pub mod socket;
pub mod truth;
pub mod world;

use std::time::{Duration, Instant};

pub use port::port;

/// How long anything may take that should happen. Generous, because the machine is shared.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A client that gives up in time, and forgets an idle connection well before the server closes it: a request that
/// meets the close fails.
pub fn http_client() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE * 2).pool_idle_timeout(Duration::from_secs(10)).build().unwrap()
}

/// Waits until something holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A test that runs on both databases.
macro_rules! both {
    ($(#[$doc:meta])* async fn $name:ident($world:ident) $body:block) => {
        both! { $(#[$doc])* async fn $name($world, []) $body }
    };
    ($(#[$doc:meta])* async fn $name:ident($world:ident, [$($setting:literal = $value:expr),*]) $body:block) => {
        $(#[$doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn body($world: &$crate::support::world::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let settings = [$(($setting, $value.to_string())),*];
                let world = $crate::support::world::World::start($crate::support::database::Kind::Sqlite, &settings).await;
                body(&world).await;
                world.finish().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let settings = [$(($setting, $value.to_string())),*];
                let world = $crate::support::world::World::start($crate::support::database::Kind::Postgres, &settings).await;
                body(&world).await;
                world.finish().await;
            }
        }
    };
}
