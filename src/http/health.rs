//! Probes.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Services, openapi::PROBES};
use crate::{backplane::Link, domain::refusal::Refusal};

/// How long the database may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// How it is.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(examples("healthy"))]
    status: &'static str,
}

/// Whether it can do its work, and why it can't.
#[derive(Serialize, ToSchema)]
#[schema(as = Readiness)]
struct State {
    #[schema(examples("ready"))]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<&'static str>,
}

/// Whether the process runs.
#[utoipa::path(method(get, head), path = "/health", tag = PROBES, responses((status = 200, description = "It does.", body = Health)))]
pub(super) async fn health() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "healthy" })
}

/// Whether it can do its work.
#[utoipa::path(
    method(get, head),
    path = "/ready",
    tag = PROBES,
    responses((status = 200, description = "It can; `degraded` says what is missing all the same.", body = State), (status = 503, description = "It can't, and says why.", body = State))
)]
pub(super) async fn ready(services: web::Data<Services>) -> HttpResponse {
    let not_ready = |error| HttpResponse::ServiceUnavailable().json(State { status: "not ready", error: Some(error) });
    if !services.readiness.is_ready() {
        return not_ready("shutting down");
    }
    match tokio::time::timeout(PATIENCE, services.writer.ping()).await {
        // It serves its own devices and stores everything; to take it out of service would help nobody.
        Ok(Ok(())) if services.backplane.link() == Link::Down => {
            HttpResponse::Ok().json(State { status: "degraded", error: Some("Redis unavailable: other nodes aren't heard") })
        }
        Ok(Ok(())) => HttpResponse::Ok().json(State { status: "ready", error: None }),
        Ok(Err(Refusal::Busy)) => not_ready("too many reads are waiting"),
        _ => not_ready("database unavailable"),
    }
}

/// Whether the database answers.
#[derive(Serialize, ToSchema)]
struct DatabaseHealth {
    #[schema(examples("healthy"))]
    status: &'static str,
    #[schema(examples("connected"))]
    database: &'static str,
}

/// Whether the database answers.
#[utoipa::path(
    method(get, head),
    path = "/health/db",
    tag = PROBES,
    responses(
        (status = 200, description = "It does.", body = DatabaseHealth),
        (status = 503, description = "It doesn't.", body = DatabaseHealth),
    )
)]
pub(super) async fn database(services: web::Data<Services>) -> HttpResponse {
    match tokio::time::timeout(PATIENCE, services.writer.ping()).await {
        Ok(Ok(())) => HttpResponse::Ok().json(DatabaseHealth { status: "healthy", database: "connected" }),
        _ => HttpResponse::ServiceUnavailable().json(DatabaseHealth { status: "unhealthy", database: "unavailable" }),
    }
}
