//! `/metrics`, for Prometheus.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{Accept, Header, Quality},
    web,
};

use super::{Services, error::Problem, openapi::PROBES};
use crate::domain::refusal::Refusal;

/// Figures for Prometheus.
///
/// OpenMetrics for a scraper that prefers it, else Prometheus' text format. Not here when `METRICS_ADDRESS` names
/// another place.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = PROBES,
    operation_id = "metrics",
    responses((status = 200, description = "The figures.", content(
        (String = "text/plain"),
        (String = "application/openmetrics-text"),
    )))
)]
pub(super) async fn scrape(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let open_metrics = Accept::parse(&request).is_ok_and(|accept| prefers_open_metrics(&accept));
    services.metrics.pending(services.writer.pending());
    services.metrics.rooms(services.directory.len());
    // Reading `/proc` may block, and encoding takes its time: neither on a thread that serves devices.
    let text =
        web::block(move || if open_metrics { services.metrics.open_metrics() } else { services.metrics.prometheus_text() });
    let text = text.await.map_err(|_| Problem(Refusal::Internal))?;
    let kind = if open_metrics {
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    } else {
        "text/plain; version=0.0.4; charset=utf-8"
    };
    Ok(HttpResponse::Ok().content_type(kind).body(text))
}

/// Whether OpenMetrics is named, in our version or in none, and isn't wanted less than text (RFC 9110, section 12.5.1).
fn prefers_open_metrics(accept: &Accept) -> bool {
    // What the most specific range that matches says; of several alike the best.
    let quality = |kind: &str, subtype: &str, version: &str| {
        let ranges = accept.iter().filter_map(|range| {
            let wanted = &range.item;
            let version_fits = wanted.get_param("version").is_none_or(|asked| asked.as_str() == version);
            let specific = match (wanted.type_().as_str(), wanted.subtype().as_str()) {
                (a, b) if a == kind && b == subtype && version_fits => 2,
                (a, "*") if a == kind => 1,
                ("*", "*") => 0,
                _ => return None,
            };
            Some((specific, range.quality))
        });
        ranges.max_by_key(|(specific, quality)| (*specific, *quality)).unwrap_or((0, Quality::ZERO))
    };
    let (specific, open_metrics) = quality("application", "openmetrics-text", "1.0.0");
    let (_, text) = quality("text", "plain", "0.0.4");
    specific == 2 && open_metrics > Quality::ZERO && open_metrics >= text
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header, test::TestRequest};

    use super::*;

    #[test]
    fn the_scraper_decides() {
        let prefers = |accept: &str| {
            let request = TestRequest::default().insert_header((header::ACCEPT, accept)).to_http_request();
            Accept::parse(&request).is_ok_and(|accept| prefers_open_metrics(&accept))
        };
        // What Prometheus 2.42 sends.
        assert!(prefers(
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ));
        assert!(prefers("application/openmetrics-text"));
        assert!(prefers("text/*;q=0.4, application/openmetrics-text; charset=utf-8; version=1.0.0; q=0.5"));
        assert!(!prefers("application/openmetrics-text;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.5"));
        assert!(!prefers("application/openmetrics-text;q=0.4,*/*;q=0.5"), "what is preferred to it is text as well");
        assert!(!prefers("application/openmetrics-text;q=0"));
        assert!(!prefers("application/openmetrics-text;version=2.0.0"));
        assert!(!prefers("*/*") && !prefers("application/*") && !prefers("text/html") && !prefers("") && !prefers(";;;"));
    }
}
