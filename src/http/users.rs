//! `/users`.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{Services, error::Problem, identity::Identity, query::Query};
use crate::domain::{refusal::Refusal, text::Fields, user::UserQuery};

/// Most users in one answer, and as many as come when no limit is given: existing clients don't page.
const MAX_PAGE: i64 = 10_000;

/// `GET /users?q=&limit=&cursor=`.
pub(super) async fn list(caller: Identity, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request)?;
    let mut fields = Fields::default();
    let search = fields.check("q", query.text("q", 200));
    let limit = fields.check("limit", query.number("limit", 1, MAX_PAGE));
    let after = fields.check("cursor", query.text("cursor", 1_000));
    let (Some(search), Some(limit), Some(after)) = (search, limit, after) else {
        return Err(fields.finish().err().unwrap_or(Refusal::Internal).into());
    };
    let search = search.filter(|text| !text.trim().is_empty());
    let limit = limit.unwrap_or(MAX_PAGE) as u64;
    let page = services.writer.users(UserQuery { viewer: caller.user_id, search, limit, after }).await?;
    Ok(HttpResponse::Ok().json(page))
}
