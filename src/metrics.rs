//! What an operator can watch. A plain value, handed down.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64},
};
use std::time::{Duration, Instant};

use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// Over how long the message rate is taken.
const WINDOW: Duration = Duration::from_secs(60);

/// The counters and their registry.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    connections: Counter,
    active: Gauge,
    messages: Counter,
    rate: Gauge<f64, AtomicU64>,
    recent: Mutex<Recent>,
}

/// Messages per second of the last minute, one slot each.
#[derive(Debug)]
struct Recent {
    start: Instant,
    slots: [(u64, u64); WINDOW.as_secs() as usize],
}

impl Recent {
    fn add(&mut self, now: Instant, count: u64) {
        let second = (now - self.start).as_secs();
        let slot = &mut self.slots[(second % WINDOW.as_secs()) as usize];
        if slot.0 != second {
            *slot = (second, 0);
        }
        slot.1 += count;
    }

    fn per_second(&self, now: Instant) -> f64 {
        let second = (now - self.start).as_secs();
        let since = (second + 1).saturating_sub(WINDOW.as_secs());
        let sum: u64 = self.slots.iter().filter(|(at, _)| *at >= since).map(|(_, count)| count).sum();
        sum as f64 / WINDOW.as_secs_f64()
    }
}

/// Counts a connection as active for as long as it lives.
#[derive(Debug)]
pub struct ActiveConnection(Arc<Metrics>);

impl Drop for ActiveConnection {
    fn drop(&mut self) {
        self.0.active.dec();
    }
}

impl Metrics {
    /// All at nought.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("pneumatic");
        let (connections, messages) = (Counter::default(), Counter::default());
        let active = Gauge::<i64, AtomicI64>::default();
        let rate = Gauge::<f64, AtomicU64>::default();
        registry.register("websocket_connections", "WebSocket connections accepted since the start", connections.clone());
        registry.register("websocket_connections_active", "WebSocket connections open now", active.clone());
        registry.register("messages_sent", "Messages stored since the start", messages.clone());
        registry.register("messages_per_second", "Messages stored per second, over the last minute", rate.clone());
        let recent = Mutex::new(Recent { start: Instant::now(), slots: [(0, 0); WINDOW.as_secs() as usize] });
        Arc::new(Self { registry, connections, active, messages, rate, recent })
    }

    /// A connection was accepted.
    pub fn connected(self: &Arc<Self>) -> ActiveConnection {
        self.connections.inc();
        self.active.inc();
        ActiveConnection(Arc::clone(self))
    }

    /// How many connections are open.
    pub fn active(&self) -> i64 {
        self.active.get()
    }

    /// So many messages were stored.
    pub fn messages_sent(&self, count: u64) {
        if count > 0 {
            self.messages.inc_by(count);
            self.recent.lock().unwrap_or_else(PoisonError::into_inner).add(Instant::now(), count);
        }
    }

    /// All figures in OpenMetrics text.
    pub fn open_metrics(&self) -> String {
        self.rate.set(self.recent.lock().unwrap_or_else(PoisonError::into_inner).per_second(Instant::now()));
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "metrics.encode_failed");
        }
        text
    }

    /// All figures in Prometheus' older text format (0.0.4), in which a counter's family has the name of its
    /// sample, and a text has no end mark.
    pub fn prometheus_text(&self) -> String {
        let text = self.open_metrics();
        let counters: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
        let mut old = String::with_capacity(text.len());
        for line in text.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
            let mut words = line.splitn(4, ' ');
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(&name) => {
                    old.push_str(&format!("# {kind} {name}_total {rest}\n"));
                }
                _ => old.push_str(&format!("{line}\n")),
            }
        }
        old
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_forgets_after_a_minute() {
        let start = Instant::now();
        let mut recent = Recent { start, slots: [(0, 0); 60] };
        recent.add(start, 30);
        recent.add(start + Duration::from_secs(59), 30);
        assert_eq!(recent.per_second(start + Duration::from_secs(59)), 1.0);
        assert_eq!(recent.per_second(start + Duration::from_secs(60)), 0.5);
        assert_eq!(recent.per_second(start + Duration::from_secs(300)), 0.0);
    }

    #[test]
    fn counters_have_one_name_in_the_old_format() {
        let metrics = Metrics::new();
        let connection = metrics.connected();
        metrics.messages_sent(3);
        let text = metrics.prometheus_text();
        assert!(text.contains("# TYPE pneumatic_messages_sent_total counter\npneumatic_messages_sent_total 3\n"), "{text}");
        assert!(text.contains("\npneumatic_websocket_connections_active 1\n"), "{text}");
        assert!(!text.contains("EOF"));
        drop(connection);
        assert!(metrics.open_metrics().ends_with("# EOF\n"));
        assert_eq!(metrics.active(), 0);
    }
}
