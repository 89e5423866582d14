//! What the HTTP edge answers.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::Metrics;

/// Upper bounds in seconds.
const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];
/// The methods that have a name of their own; there is no end to what a client can invent.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug)]
pub(super) struct Http {
    answers: Family<Answer, Histogram, fn() -> Histogram>,
}

impl Http {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let answers = Family::new_with_constructor((|| Histogram::new(BOUNDS)) as fn() -> Histogram);
        let help = "How long HTTP requests took until the head of their answer, by method, route and status";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, answers.clone());
        Self { answers }
    }
}

impl Metrics {
    /// A request was answered. `route` is the pattern of the URL table that it matched, if any: never the path,
    /// of which there is no end.
    pub fn answered(&self, method: &str, route: Option<String>, status: u16, took: Duration) {
        let method = METHODS.iter().find(|known| **known == method).copied().unwrap_or("other");
        let route = route.unwrap_or_else(|| if status < 400 { "static".into() } else { "unmatched".into() });
        self.http.answers.get_or_create(&Answer { method, route, status }).observe(took.as_secs_f64());
    }
}
