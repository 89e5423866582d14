//! `/metrics/…`: the counters as JSON, which outlive a restart. `/metrics` alone is for Prometheus.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{
    Services,
    client::caller,
    error::Problem,
    identity::{Admin, Identity},
    query::Query,
};
use crate::domain::{
    audit::{AuditEvent, Deed},
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
pub(super) async fn overview(admin: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    note(AuditEvent::CountersRead, admin.0, None, &request, &services).await?;
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
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let id = path.parse::<UserId>().ok();
    let own = id == Some(caller.user_id);
    if !own && !services.writer.is_admin(caller.user_id).await? {
        return Err(Refusal::NotAnAdmin.into());
    }
    let id = id.ok_or(Refusal::NotFound)?;
    if !own {
        note(AuditEvent::CountersRead, caller, Some(id), &request, &services).await?;
    }
    let figures = services.writer.counted_of(id).await?.ok_or(Refusal::NotFound)?;
    Ok(HttpResponse::Ok().json(figures))
}

/// `GET /metrics/hourly?hours=`.
pub(super) async fn hourly(admin: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let hours = span(&request, "hours", 168, 24)?;
    note(AuditEvent::CountersRead, admin.0, None, &request, &services).await?;
    let hours = services.writer.counted_by_hour(hours).await?;
    Ok(HttpResponse::Ok().json(json!({ "hours": hours })))
}

/// `GET /metrics/daily?days=`: days in UTC, the present one included.
pub(super) async fn daily(admin: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let days = span(&request, "days", 30, 7)?;
    note(AuditEvent::CountersRead, admin.0, None, &request, &services).await?;
    let days = services.writer.counted_by_day(days).await?;
    Ok(HttpResponse::Ok().json(json!({ "days": days })))
}

/// `POST /metrics/reset`.
pub(super) async fn reset(admin: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    note(AuditEvent::CountersReset, admin.0, None, &request, &services).await?;
    services.writer.reset_counters().await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Puts into the audit log what an admin is about to see or do, and of whom; without that it isn't done.
async fn note(
    event: AuditEvent,
    admin: Identity,
    user: Option<UserId>,
    request: &HttpRequest,
    services: &Services,
) -> Result<(), Refusal> {
    let deed = Deed { event, actor: Some(admin.user_id), user, login: Some(admin.login_id), caller: caller(request) };
    services.writer.note(deed).await
}

fn span(request: &HttpRequest, name: &str, most: i64, default: u32) -> Result<u32, Refusal> {
    let number = Query::of(request)?.number(name, 1, most).map_err(|message| Refusal::field(name, message))?;
    Ok(number.map_or(default, |number| number as u32))
}
