//! What an operator can watch. A plain value, handed down. What every figure means is written in `docs/metrics.md`.
//!
//! Counting must not be felt: an atomic addition or a few per message; nothing per device that a message goes to
//! (hubs count by themselves and tell every other second); a lock only once per batch of posts, per connection,
//! per request and per refusal.

mod backplane;
mod http;
mod people;
mod process;
mod rate;
mod sockets;
mod spans;
mod tally;
mod text;
mod writer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub use people::{Door, LoginOutcome};
use prometheus_client::{
    encoding::text::encode,
    metrics::{family::Family, gauge::Gauge},
    registry::Registry,
};
pub use sockets::{ActiveConnection, FrameKind};
pub use spans::Spans;
pub use tally::Taken;

use self::{
    backplane::Backplane, http::Http, people::People, process::ProcessFigures, sockets::Sockets, tally::Tally, writer::Posts,
};
use crate::{COMMIT, domain::clock::Clock};

/// All figures, and their registry.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    started: Instant,
    http: Http,
    sockets: Sockets,
    posts: Posts,
    people: People,
    backplane: Backplane,
    tally: Tally,
}

impl Metrics {
    /// All at nought. The clock says to which hour things belong.
    pub fn new(clock: Clock) -> Arc<Self> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessFigures));
        let ours = registry.sub_registry_with_prefix("pneumatic");
        let build = Family::<[(&'static str, &'static str); 2], Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION")), ("commit", COMMIT)]).set(1);
        ours.register("build_info", "Always 1; the labels say what is running", build);
        let (http, sockets, posts, people) = (Http::new(ours), Sockets::new(ours), Posts::new(ours), People::new(ours));
        let backplane = Backplane::new(ours);
        Arc::new(Self { registry, started: Instant::now(), http, sockets, posts, people, backplane, tally: Tally::new(clock) })
    }

    /// How long the process has been counting.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// All figures in OpenMetrics text (1.0.0). Reads `/proc`, which may block for a moment.
    pub fn open_metrics(&self) -> String {
        self.posts.refresh();
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics.encode_failed");
        }
        text
    }

    /// All figures in Prometheus' older text format (0.0.4).
    pub fn prometheus_text(&self) -> String {
        text::to_prometheus(&self.open_metrics())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;

    #[test]
    fn connections_are_active_for_as_long_as_they_live() {
        let metrics = Metrics::new(Clock::system());
        let connection = metrics.connected("v1", UserId::fresh());
        let text = metrics.prometheus_text();
        assert!(text.contains("\npneumatic_websocket_connections_active 1\n"), "{text}");
        drop(connection);
        assert_eq!(metrics.active(), 0);
        assert!(metrics.prometheus_text().contains("\npneumatic_websocket_connections_total 1\n"));
    }
}
