//! `/users`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Services, error::Problem, identity::Identity, query::Query};
use crate::domain::{
    ids::UserId,
    refusal::Refusal,
    text::Fields,
    user::{User, UserPage, UserQuery},
};

/// Most users in one answer, and as many as come when no limit is given: existing clients don't page.
const MAX_PAGE: i64 = 10_000;

/// Everyone but the caller.
///
/// By name. While `next_cursor` isn't null there are more: it is the next page's `cursor`.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    operation_id = "list_users",
    security(("bearer" = [])),
    params(
        ("q" = Option<String>, Query, description = "Part of a username or full name.", max_length = 200, pattern = "^[^\\u0000]*$"),
        ("limit" = Option<i64>, Query, description = "Most users in the answer; 10,000 when it isn't given.", minimum = 1, maximum = 10_000),
        ("cursor" = Option<String>, Query, description = "Where the last page ended.", max_length = 1_000, pattern = "^[^\\u0000]*$"),
    ),
    responses((status = 200, description = "A page of users.", body = UserPage))
)]
pub(super) async fn list(caller: Identity, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request)?;
    let mut fields = Fields::default();
    let search = fields.check("q", query.text("q", 200));
    let limit = fields.check("limit", query.number("limit", 1, MAX_PAGE));
    let after = fields.check("cursor", query.text("cursor", 1_000));
    let (Some(search), Some(limit), Some(after)) = (search, limit, after) else {
        return Err(fields.refusal().into());
    };
    let search = search.filter(|text| !text.trim().is_empty());
    let limit = limit.unwrap_or(MAX_PAGE) as u64;
    let page = services.writer.users(UserQuery { viewer: caller.user_id, search, limit, after }).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// One user.
///
/// Guests are told of here as well.
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "users",
    operation_id = "get_user",
    security(("bearer" = [])),
    params(("id" = UserId, Path, description = "Which.")),
    responses((status = 200, description = "They.", body = User), (status = 404, description = "`unknown_user`."))
)]
pub(super) async fn one(_: Identity, path: web::Path<String>, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let id = path.parse().map_err(|_| Refusal::UnknownUser)?;
    let account = services.writer.account(id).await?.ok_or(Refusal::UnknownUser)?;
    Ok(HttpResponse::Ok().json(account.user))
}
