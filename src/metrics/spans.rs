//! A histogram of time spans for what happens once per message. The library's own takes a lock for each value;
//! here a value costs two atomic additions.

use std::{
    array,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};

/// The buckets' upper bounds in microseconds; one more bucket takes what is longer.
const BOUNDS: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000];

/// The histogram; clones of it count together.
#[derive(Clone, Debug, Default)]
pub struct Spans(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

impl Spans {
    /// One span more.
    pub fn observe(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let place = BOUNDS.partition_point(|bound| bound * 1_000 < nanos);
        self.0.buckets[place].fetch_add(1, Relaxed);
        self.0.nanos.fetch_add(nanos, Relaxed);
    }
}

impl EncodeMetric for Spans {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bound = |place: usize| BOUNDS.get(place).map_or(f64::INFINITY, |micros| *micros as f64 / 1e6);
        let buckets: [(f64, u64); BOUNDS.len() + 1] = array::from_fn(|i| (bound(i), self.0.buckets[i].load(Relaxed)));
        // Counted from the buckets, so that the two always agree.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.nanos.load(Relaxed) as f64 / 1e9;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Spans {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};

    use super::*;

    #[test]
    fn a_span_counts_in_the_buckets_that_are_not_below_it() {
        let spans = Spans::default();
        for micros in [0, 100, 101, 60_000_000] {
            spans.observe(Duration::from_micros(micros));
        }
        let mut registry = Registry::default();
        registry.register("x", "X", spans);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in
            ["x_sum 60.000201", "x_count 4", "x_bucket{le=\"0.0001\"} 2", "x_bucket{le=\"0.00025\"} 3", "x_bucket{le=\"+Inf\"} 4"]
        {
            assert!(text.contains(&format!("{line}\n")), "{line} isn't in {text}");
        }
    }
}
