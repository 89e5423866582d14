//! `/metrics`.

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use super::{Services, openapi::PROBES};

/// Figures for Prometheus.
///
/// OpenMetrics for a scraper that asks for it, else Prometheus' text format.
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
pub(super) async fn scrape(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept.contains("application/openmetrics-text") {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        HttpResponse::Ok().content_type(kind).body(services.metrics.open_metrics())
    } else {
        HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(services.metrics.prometheus_text())
    }
}
