//! Traces: OpenTelemetry's SDK, and W3C Trace Context at the door.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use opentelemetry::{
    Context, Key, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, Status, TraceContextExt},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter},
};
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

const TRACEPARENT: &str = "traceparent";
/// Tells the caller which trace its request became part of (W3C Trace Context, level 2, section 4).
pub const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Where spans go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// To a collector, by OTLP over HTTP. The SDK reads the environment for where and how.
    Otlp,
    /// To standard output.
    Console,
}

/// Traces are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traces {
    /// Where they go.
    pub exporter: Exporter,
    /// What the service is called there, if it is said.
    pub service_name: Option<String>,
}

impl Traces {
    /// The SDK's provider. Spans wait in a queue that is bounded (`OTEL_BSP_MAX_QUEUE_SIZE`) and leave from a thread of
    /// its own; when it is full, spans are dropped and nobody waits.
    pub(super) fn provider(&self) -> Result<SdkTracerProvider, String> {
        let builder = SdkTracerProvider::builder().with_resource(self.resource());
        Ok(match self.exporter {
            Exporter::Otlp => {
                let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build();
                let exporter = exporter.map_err(|error| format!("traces can't be exported: {error}"))?;
                builder.with_batch_exporter(Watched::new(exporter)).build()
            }
            Exporter::Console => builder.with_batch_exporter(Watched::new(opentelemetry_stdout::SpanExporter::default())).build(),
        })
    }

    fn resource(&self) -> Resource {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let found = Resource::builder().with_attribute(version).build();
        // OTEL_RESOURCE_ATTRIBUTES may name it as well.
        let given = found.get(&Key::new("service.name")).map(|name| name.to_string());
        match (&self.service_name, given) {
            (None, Some(given)) if !given.starts_with("unknown_service") => found,
            (name, _) => {
                let name = name.clone().unwrap_or_else(|| "pneumatic".into());
                let attributes = found.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
                Resource::builder_empty().with_attributes(attributes).with_service_name(name).build()
            }
        }
    }
}

/// Hands our spans, and what is told inside them, to the SDK.
pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(tracer: SdkTracer) -> impl Layer<S> {
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        // Parents are found by tracing's own spans; nothing here looks at OpenTelemetry's current context.
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_filter(Targets::new().with_target("pneumatic", Level::INFO))
}

/// Tells the log once when spans can't be delivered, and once when they can again.
#[derive(Debug)]
struct Watched<E> {
    exporter: E,
    failing: AtomicBool,
}

impl<E> Watched<E> {
    fn new(exporter: E) -> Self {
        Self { exporter, failing: AtomicBool::new(false) }
    }
}

impl<E: SpanExporter> SpanExporter for Watched<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let outcome = self.exporter.export(batch).await;
        match (&outcome, self.failing.swap(outcome.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => tracing::warn!(%error, "traces.export_failed"),
            (Ok(()), true) => tracing::info!("traces.export_resumed"),
            _ => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The ids of the current span, if it belongs to a trace.
pub(super) fn current() -> Option<SpanContext> {
    tracing::dispatcher::get_default(|dispatch| {
        let id = dispatch.current_span().id()?.clone();
        let context = tracing_opentelemetry::get_otel_context(&id, dispatch)?;
        Some(context.span().span_context().clone()).filter(SpanContext::is_valid)
    })
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

/// Makes the span of a request one of a server (the field `otel.kind`, which it must have), and the child of the
/// caller's span when a valid `traceparent` names one. To be called before the span is entered.
pub fn take_up(span: &Span, headers: &HeaderMap) {
    if span.set_parent(Context::new()).is_err() {
        // Nobody traces.
        return;
    }
    span.record("otel.kind", "server");
    let caller = Headers(headers);
    if caller.get(TRACEPARENT).is_some_and(is_whole) {
        // Only a span that was entered can't be set below another one.
        drop(span.set_parent(TraceContextPropagator::new().extract(&caller)));
    }
}

/// Whether a `traceparent` has the lengths that the standard demands; the propagator looks at the rest.
fn is_whole(traceparent: &str) -> bool {
    let parts = traceparent.trim().split('-').zip([2, 32, 16, 2]);
    parts.filter(|(part, length)| part.len() == *length && part.bytes().all(|b| b.is_ascii_hexdigit())).count() == 4
}

/// Completes the current span of a request by what its answer shows, after OpenTelemetry's semantic conventions for
/// HTTP servers. Returns what [`TRACERESPONSE`] is to say, if the request belongs to a trace.
pub fn answer(request: &HttpRequest, status: StatusCode) -> Option<HeaderValue> {
    let context = Span::current().context();
    let span = context.span();
    if !span.span_context().is_valid() {
        return None;
    }
    let method = request.method().as_str();
    if let Some(route) = request.match_pattern() {
        span.update_name(format!("{method} {route}"));
        span.set_attribute(KeyValue::new("http.route", route));
    } else {
        span.update_name(method.to_owned());
    }
    span.set_attribute(KeyValue::new("http.request.method", method.to_owned()));
    span.set_attribute(KeyValue::new("url.path", request.path().to_owned()));
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_status(Status::error(""));
    }
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut headers);
    HeaderValue::try_from(headers.remove(TRACEPARENT)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_has_to_be_whole() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        assert!(is_whole(&format!("00-{trace}-b7ad6b7169203331-01")));
        assert!(is_whole(&format!("cc-{trace}-b7ad6b7169203331-01-what-comes-later")));
        for wrong in ["", "00", "00-1-1-01", "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"] {
            assert!(!is_whole(wrong), "{wrong}");
        }
    }
}
