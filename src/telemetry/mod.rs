//! What the process tells of itself beside its metrics: logs on standard error, and traces for a collector.

pub mod journey;
mod logs;
pub mod traces;

use std::{io::IsTerminal, time::Duration};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

pub use self::{
    logs::LogFormat,
    traces::{Exporter, Traces},
};

/// How long the last spans may take to leave when the process ends, also when the collector hangs.
const FLUSH: Duration = Duration::from_secs(3);

/// Logs and traces that were started.
#[derive(Debug)]
pub struct Telemetry(Option<SdkTracerProvider>);

/// Starts logging to standard error, as `filter` says (the syntax of `RUST_LOG`), and tracing if it is wanted. From
/// here on a panic is a line in the log and nothing else.
///
/// # Errors
/// One line when the filter can't be read, the exporter can't be built, or logging was started before.
pub fn init(filter: &str, format: LogFormat, traces: Option<&Traces>) -> Result<Telemetry, String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("RUST_LOG can't be read: {error}"))?;
    let provider = traces.map(Traces::provider).transpose()?;
    let tracer = provider.as_ref().map(|provider| traces::layer(provider.tracer("pneumatic")));
    let lines = match format {
        LogFormat::Json => logs::json(std::io::stderr),
        // Colours are for people; a file or a collector gets plain text.
        LogFormat::Pretty => logs::pretty(std::io::stderr, std::io::stderr().is_terminal()),
    };
    tracing_subscriber::registry()
        .with(tracer)
        .with(lines.with_filter(logs::filter(filter, traces.is_some())))
        .try_init()
        .map_err(|error| format!("logging can't be started: {error}"))?;
    std::panic::set_hook(Box::new(logs::panicked));
    Ok(Telemetry(provider))
}

impl Telemetry {
    /// Sends the spans that still wait, within a few seconds.
    pub async fn finish(self) {
        let Some(provider) = self.0 else { return };
        // It blocks, and the exporter's thread may hang with its collector.
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH)).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "traces.not_flushed");
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;

    use super::*;

    /// Without an exporter nothing of a journey is recorded, whatever `RUST_LOG` says.
    #[test]
    fn a_journey_costs_nothing_without_traces() {
        let silent = |traced| {
            let filter = logs::filter::<Registry>(EnvFilter::new("trace"), traced);
            let lines = logs::json::<Registry, _>(std::io::sink).with_filter(filter);
            tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
                let request = tracing::info_span!("request");
                assert!(!request.is_disabled(), "what the log shows of a request stays");
                let _entered = request.enter();
                let frame = journey::frame(1);
                let read = journey::read(tracing::Span::current());
                assert_eq!(frame.is_disabled(), read.id() == request.id());
                frame.is_disabled()
            })
        };
        assert!(silent(false));
        assert!(!silent(true));
    }

    /// Callsites below the wanted level stay asleep: asking them costs one comparison.
    #[test]
    fn the_filter_knows_its_level() {
        for traced in [false, true] {
            let filter = logs::filter::<Registry>(EnvFilter::new("warn,pneumatic=info"), traced);
            let hint = tracing_subscriber::layer::Filter::<Registry>::max_level_hint(&filter);
            assert_eq!(hint, Some(tracing::level_filters::LevelFilter::INFO));
        }
    }
}
