//! Probes.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::Services;
use crate::domain::refusal::Refusal;

/// How long the database may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /health`: the process runs.
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "healthy" }))
}

/// `GET /ready`: it can do its work.
pub(super) async fn ready(services: web::Data<Services>) -> HttpResponse {
    let not_ready = |error: &str| HttpResponse::ServiceUnavailable().json(json!({ "status": "not ready", "error": error }));
    if !services.readiness.is_ready() {
        return not_ready("shutting down");
    }
    match tokio::time::timeout(PATIENCE, services.writer.ping()).await {
        Ok(Ok(())) => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Ok(Err(Refusal::Busy)) => not_ready("too many reads are waiting"),
        _ => not_ready("database unavailable"),
    }
}
