//! `/admin/*`: for admins alone. That they looked is itself put into the audit log.

use actix_web::{HttpRequest, HttpResponse, web};
use uuid::{Uuid, fmt::Hyphenated};

use super::{Services, client::caller, error::Problem, identity::Admin, query::Query};
use crate::domain::{
    audit::{AuditEvent, AuditPage, AuditQuery, Deed},
    ids::UserId,
    text::Fields,
};

/// Entries on a page when the caller doesn't say.
const PAGE: i64 = 50;
/// Most entries on a page.
const MAX_PAGE: i64 = 200;

/// The audit log.
///
/// Newest first. That an admin looked is itself noted.
#[utoipa::path(
    get,
    path = "/admin/audit",
    tag = "administration",
    security(("bearer" = [])),
    params(
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Most entries; 50 when it isn't given."),
        ("cursor" = Option<Uuid>, Query, description = "`next_cursor` of the page before."),
        ("user_id" = Option<UserId>, Query, description = "Only of this account."),
        ("event" = Option<AuditEvent>, Query, description = "Only of this kind."),
    ),
    responses(
        (status = 200, description = "A page.", body = AuditPage),
        (status = 403, description = "`not_an_admin`."),
    )
)]
pub(super) async fn audit(
    Admin(admin): Admin,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request)?;
    let mut fields = Fields::default();
    let limit = fields.check("limit", query.number("limit", 1, MAX_PAGE));
    let before = query.parsed::<Hyphenated>("cursor", "must be a cursor of an earlier page").map(|id| id.map(Uuid::from));
    let before = fields.check("cursor", before);
    let user = fields.check("user_id", query.parsed("user_id", "must be a UUID"));
    let event = fields.check("event", query.parsed("event", "must be the name of an event"));
    let (Some(limit), Some(before), Some(user), Some(event)) = (limit, before, user, event) else {
        return Err(fields.refusal().into());
    };
    services.writer.note(Deed::of(AuditEvent::AuditRead, admin.user_id, Some(admin.login_id), caller(&request))).await?;
    let query = AuditQuery { user, event, before, limit: limit.unwrap_or(PAGE) as u64 };
    Ok(HttpResponse::Ok().json(services.writer.audit_log(query).await?))
}
