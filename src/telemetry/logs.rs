//! Log lines: for people, or one JSON object each.

use std::{backtrace::Backtrace, backtrace::BacktraceStatus, fmt, panic::PanicHookInfo, str::FromStr};

use json_subscriber::JsonLayer;
use serde_json::{Map, Value};
use tracing::{
    Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{MakeWriter, time::SystemTime},
    layer::Filter,
    registry::LookupSpan,
};

use super::{journey, traces};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// One JSON object per line.
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// What becomes a line: what `RUST_LOG` says. Our own spans pass besides, so that a warning carries its request's id
/// also where only warnings are wanted; those of a journey only when somebody traces it.
pub(super) fn filter<S>(wanted: EnvFilter, traced: bool) -> impl Filter<S> {
    let ours = filter_fn(|of| of.is_span() && *of.level() <= tracing::Level::INFO && of.target().starts_with("pneumatic"));
    let told = filter_fn(move |of| traced || of.target() != journey::TARGET);
    // A filter without a hint would keep the callsites of all levels awake.
    wanted.or(ours.with_max_level_hint(LevelFilter::INFO)).and(told.with_max_level_hint(LevelFilter::TRACE))
}

/// Lines for people.
pub(super) fn pretty<S, W>(writer: W, colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Box::new(tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(colours))
}

/// Lines for programs: `timestamp` (RFC 3339, UTC), `level`, `target`, `module`, `line`, `message`, `fields`, `span`
/// (the fields of all spans around it, `request_id` among them), `trace_id` and `span_id` if it belongs to a trace.
pub(super) fn json<S, W>(writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let mut layer = JsonLayer::new(writer);
    layer
        .with_timer("timestamp", SystemTime)
        .with_level("level")
        .with_target("target")
        .with_line_number("line")
        .with_flattened_span_fields("span");
    layer.add_dynamic_field("module", |event, _| event.metadata().module_path());
    layer.add_multiple_dynamic_fields(|event, _, line| {
        let mut said = Said::default();
        event.record(&mut said);
        // A line that lacks something is better than none.
        _ = line.write_field("message", said.message);
        _ = line.write_field("fields", said.fields);
        if let Some(current) = traces::current() {
            _ = line.write_field("trace_id", current.trace_id().to_string());
            _ = line.write_field("span_id", current.span_id().to_string());
        }
    });
    Box::new(layer)
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: Value,
    fields: Map<String, Value>,
}

impl Said {
    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        match field.name() {
            "message" => self.message = value.into(),
            name => drop(self.fields.insert(name.to_owned(), value.into())),
        }
    }
}

impl Visit for Said {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }
}

/// The panic hook. With `RUST_BACKTRACE` the line has a backtrace as well.
pub(super) fn panicked(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let location = panic.location().map(tracing::field::display);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&backtrace));
    let thread = std::thread::current();
    tracing::error!(reason = text.unwrap_or("no text"), location, thread = thread.name(), backtrace, "process.panicked");
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::{Registry, layer::SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        /// What is logged meanwhile, line by line.
        fn of(filter: &str, work: impl FnOnce()) -> Vec<Value> {
            let lines = Self::default();
            let to = lines.clone();
            let layer = json::<Registry, _>(move || to.clone()).with_filter(super::filter(EnvFilter::new(filter), false));
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
            let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        }
    }

    #[test]
    fn a_line_has_it_all() {
        let lines = Lines::of("warn", || {
            let request = tracing::info_span!("request", request_id = "r\"1");
            let _entered = request.enter();
            tracing::info!("not wanted");
            tracing::warn!(count = 3, ratio = 0.5, good = true, text = "line\none", shown = %7, "things.happened");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"things.happened".into()));
        assert_eq!(
            line["fields"],
            serde_json::json!({ "count": 3, "ratio": 0.5, "good": true, "text": "line\none", "shown": "7" })
        );
        assert_eq!(line["span"]["request_id"], "r\"1", "although only warnings are wanted");
        assert_eq!((&line["target"], &line["module"]), (&module_path!().into(), &module_path!().into()));
        assert!(line["line"].is_u64() && line.get("trace_id").is_none(), "{line}");
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.ends_with('Z') && chrono::DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
    }

    #[test]
    fn a_panic_is_a_line() {
        let lines = Lines::of("error", || {
            let here = std::thread::current().id();
            let before = Arc::new(std::panic::take_hook());
            let others = Arc::clone(&before);
            std::panic::set_hook(Box::new(
                move |panic| {
                    if std::thread::current().id() == here { panicked(panic) } else { others(panic) }
                },
            ));
            assert!(std::panic::catch_unwind(|| panic!("on\n{}", "purpose")).is_err());
            std::panic::set_hook(Box::new(move |panic| before(panic)));
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["message"], &line["fields"]["reason"]), (&"process.panicked".into(), &"on\npurpose".into()));
        assert!(line["fields"]["location"].as_str().unwrap().starts_with("src/telemetry/logs.rs:"), "{line}");
    }
}
