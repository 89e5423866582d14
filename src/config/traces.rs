//! The settings of traces, which are OpenTelemetry's own.

use actix_web::http::Uri;
use opentelemetry_otlp::{OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL};

use super::{DISABLE_TRACING, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME, OTEL_TRACES_EXPORTER, reader::Reader};
use crate::telemetry::{Exporter, Traces};

/// Where traces go. The SDK reads the same variables, but what it can't do it ignores without a word; here that is
/// an error.
pub(super) fn read(read: &mut Reader<'_>) -> Option<Traces> {
    match read.text(DISABLE_TRACING).as_deref() {
        None | Some("0" | "false") => {}
        Some("1" | "true") => return None,
        Some(_) => read.errors.push(format!("{DISABLE_TRACING} must be 1 or 0")),
    }
    // What is said of traces alone comes first, as everywhere in OpenTelemetry.
    let first = |names: [&'static str; 2]| names.into_iter().find_map(|name| Some((name, read.text(name)?)));
    let endpoint = first([OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT]);
    let protocol = first([OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL]);
    let exporter = match read.text(OTEL_TRACES_EXPORTER).as_deref() {
        None if endpoint.is_none() => return None,
        None | Some("otlp") => Exporter::Otlp,
        Some("console") => Exporter::Console,
        Some("none") => return None,
        Some(_) => {
            read.errors.push(format!("{OTEL_TRACES_EXPORTER} must be otlp, console or none"));
            return None;
        }
    };
    if exporter == Exporter::Otlp {
        let is_plain = |url: &str| url.parse::<Uri>().is_ok_and(|url| url.scheme_str() == Some("http") && url.host().is_some());
        if let Some((name, _)) = endpoint.filter(|(_, url)| !is_plain(url)) {
            let hint = "traces leave without TLS, so let a collector nearby take them and pass them on";
            read.errors.push(format!("{name} must be a URL such as http://127.0.0.1:4318: {hint}"));
        }
        if let Some((name, _)) = protocol.filter(|(_, protocol)| protocol != "http/protobuf") {
            read.errors.push(format!("{name} must be http/protobuf, the only protocol that traces are sent by; or leave it out"));
        }
    }
    Some(Traces { exporter, service_name: read.text(OTEL_SERVICE_NAME) })
}
