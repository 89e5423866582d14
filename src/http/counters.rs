//! `/metrics/…`: the counters as JSON, which outlive a restart. `/metrics` alone is for Prometheus.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{
    Services,
    error::Problem,
    identity::{Admin, Identity},
    query::Query,
};
use crate::domain::{
    counters::{Figures, Peak},
    ids::UserId,
    refusal::Refusal,
};

#[derive(Serialize)]
struct Overview {
    uptime_seconds: u64,
    connections_now: i64,
    totals: Figures,
    peaks: Peaks,
    messages_by_type: BTreeMap<String, i64>,
    errors_by_code: BTreeMap<String, i64>,
    rates: Rates,
}

#[derive(Serialize)]
struct Peaks {
    connections: Option<Peak>,
}

#[derive(Serialize)]
struct Rates {
    messages_per_second: f64,
    messages_per_minute: u64,
}

/// `GET /metrics/`.
pub(super) async fn overview(_: Admin, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let totals = services.writer.counted().await?;
    let metrics = &services.metrics;
    let last_minute = metrics.messages_per_minute();
    Ok(HttpResponse::Ok().json(Overview {
        uptime_seconds: metrics.uptime().as_secs(),
        connections_now: metrics.active(),
        totals: totals.figures,
        peaks: Peaks { connections: totals.most_connections },
        messages_by_type: totals.frames,
        errors_by_code: totals.errors,
        rates: Rates { messages_per_second: last_minute as f64 / 60.0, messages_per_minute: last_minute },
    }))
}

/// `GET /metrics/user/{id}`: one's own, or anybody's for an admin.
pub(super) async fn user(
    caller: Identity,
    path: web::Path<String>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let id = path.parse::<UserId>().ok();
    if id != Some(caller.user_id) && !services.writer.is_admin(caller.user_id).await? {
        return Err(Refusal::NotAnAdmin.into());
    }
    let id = id.ok_or(Refusal::NotFound)?;
    let figures = services.writer.counted_of(id).await?.ok_or(Refusal::NotFound)?;
    Ok(HttpResponse::Ok().json(figures))
}

/// `GET /metrics/hourly?hours=`.
pub(super) async fn hourly(_: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let hours = span(&request, "hours", 168, 24)?;
    let hours = services.writer.counted_by_hour(hours).await?;
    Ok(HttpResponse::Ok().json(json!({ "hours": hours })))
}

/// `GET /metrics/daily?days=`: days in UTC, the present one included.
pub(super) async fn daily(_: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let days = span(&request, "days", 30, 7)?;
    let days = services.writer.counted_by_day(days).await?;
    Ok(HttpResponse::Ok().json(json!({ "days": days })))
}

/// `POST /metrics/reset`.
pub(super) async fn reset(Admin(caller): Admin, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    services.writer.reset_counters().await?;
    tracing::info!(user = %caller.user_id, "counters.reset");
    Ok(HttpResponse::NoContent().finish())
}

fn span(request: &HttpRequest, name: &str, most: i64, default: u32) -> Result<u32, Refusal> {
    let number = Query::of(request)?.number(name, 1, most).map_err(|message| Refusal::field(name, message))?;
    Ok(number.map_or(default, |number| number as u32))
}
