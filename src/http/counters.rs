//! `/metrics/…`: the counters as JSON, which outlive a restart. `/metrics` alone is for Prometheus.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Services,
    client::caller,
    error::Problem,
    identity::{Admin, Identity},
    query::Query,
};
use crate::domain::{
    audit::{AuditEvent, Deed},
    counters::{DayFigures, Figures, HourFigures, Peak, UserFigures},
    ids::UserId,
    refusal::Refusal,
};

/// The counters at a glance.
#[derive(Serialize, ToSchema)]
struct Overview {
    /// Since this process started.
    uptime_seconds: u64,
    /// Sockets open on this node.
    connections_now: i64,
    /// Everything counted.
    totals: Figures,
    /// The most there ever were.
    peaks: Peaks,
    /// What clients sent over sockets, by kind.
    messages_by_type: BTreeMap<String, i64>,
    /// What clients were told no with.
    errors_by_code: BTreeMap<String, i64>,
    /// Of the last minute, on this node.
    rates: Rates,
}

#[derive(Serialize, ToSchema)]
struct Peaks {
    /// The most sockets open at once, on one node; null while there was none.
    #[schema(required = true)]
    connections: Option<Peak>,
}

#[derive(Serialize, ToSchema)]
struct Rates {
    messages_per_second: f64,
    messages_per_minute: u64,
}

#[derive(Serialize, ToSchema)]
struct Hours {
    /// Oldest first, the present one last.
    hours: Vec<HourFigures>,
}

#[derive(Serialize, ToSchema)]
struct Days {
    /// Oldest first, the present one last.
    days: Vec<DayFigures>,
}

/// The counters.
///
/// They outlive a restart, and are some seconds behind. That an admin looked is noted in the audit log.
#[utoipa::path(
    get,
    path = "/metrics/",
    tag = "administration",
    operation_id = "counters",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The counters.", body = Overview),
        (status = 403, description = "`not_an_admin`."),
    )
)]
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

/// The counters of one user.
///
/// One's own, or anybody's for an admin.
#[utoipa::path(
    get,
    path = "/metrics/user/{id}",
    tag = "administration",
    operation_id = "counters_of_user",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Whose.")),
    responses(
        (status = 200, description = "The counters.", body = UserFigures),
        (status = 403, description = "`not_an_admin`."),
        (status = 404, description = "`not_found`."),
    )
)]
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

/// The counters hour by hour.
#[utoipa::path(
    get,
    path = "/metrics/hourly",
    tag = "administration",
    operation_id = "counters_by_hour",
    security(("bearer" = [])),
    params(("hours" = Option<i64>, Query, minimum = 1, maximum = 168, description = "How many; 24 when it isn't given.")),
    responses(
        (status = 200, description = "The hours.", body = Hours),
        (status = 403, description = "`not_an_admin`."),
    )
)]
pub(super) async fn hourly(admin: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let hours = span(&request, "hours", 168, 24)?;
    note(AuditEvent::CountersRead, admin.0, None, &request, &services).await?;
    let hours = services.writer.counted_by_hour(hours).await?;
    Ok(HttpResponse::Ok().json(Hours { hours }))
}

/// The counters day by day, in UTC.
#[utoipa::path(
    get,
    path = "/metrics/daily",
    tag = "administration",
    operation_id = "counters_by_day",
    security(("bearer" = [])),
    params(("days" = Option<i64>, Query, minimum = 1, maximum = 30, description = "How many; 7 when it isn't given.")),
    responses(
        (status = 200, description = "The days.", body = Days),
        (status = 403, description = "`not_an_admin`."),
    )
)]
pub(super) async fn daily(admin: Admin, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let days = span(&request, "days", 30, 7)?;
    note(AuditEvent::CountersRead, admin.0, None, &request, &services).await?;
    let days = services.writer.counted_by_day(days).await?;
    Ok(HttpResponse::Ok().json(Days { days }))
}

/// Set the counters to nought.
///
/// Not those of Prometheus. It is noted in the audit log.
#[utoipa::path(
    post,
    path = "/metrics/reset",
    tag = "administration",
    operation_id = "reset_counters",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They begin anew."),
        (status = 403, description = "`not_an_admin`."),
    )
)]
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
