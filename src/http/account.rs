//! One's own account: `/auth/me`, the logins, the password, and tickets for sockets.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Services, body::Body, client::caller, error::Problem, identity::Identity};
use crate::{
    auth::token::TICKET_LIFE,
    domain::{
        ids::LoginId,
        refusal::Refusal,
        text::{FullName, Password},
        user::{Account, Login},
    },
};

/// Who one is.
#[utoipa::path(
    get,
    path = "/auth/me",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, description = "The caller.", body = Account))
)]
pub(super) async fn me(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let account = services.writer.account(caller.user_id).await?.ok_or(Refusal::NotAuthenticated)?;
    Ok(HttpResponse::Ok().json(account))
}

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "full_name": "Ann Example" })))]
pub(super) struct NewName {
    /// None takes it away.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(value_type = Option<FullName>, required = true)]
    full_name: Option<String>,
}

/// Change one's real name.
///
/// A guest's is what they are called.
#[utoipa::path(
    patch,
    path = "/auth/me",
    tag = "accounts",
    operation_id = "rename_me",
    security(("bearer" = [])),
    request_body = NewName,
    responses((status = 200, description = "The caller, as they are now.", body = Account))
)]
pub(super) async fn rename(
    caller: Identity,
    Body(body): Body<NewName>,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let full_name = body.full_name.as_deref().map_or(Ok(None), FullName::parse);
    let full_name = full_name.map_err(|message| Refusal::field("full_name", message))?;
    let account = services.writer.set_full_name(caller.user_id, full_name).await?;
    Ok(HttpResponse::Ok().json(account))
}

#[derive(Serialize, ToSchema)]
struct Sessions {
    sessions: Vec<Login>,
}

/// One's logins.
///
/// Those that are good, the one used last first.
#[utoipa::path(
    get,
    path = "/auth/sessions",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, description = "The caller's logins.", body = Sessions))
)]
pub(super) async fn sessions(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let sessions = services.writer.logins(caller.user_id, caller.login_id).await?;
    Ok(HttpResponse::Ok().json(Sessions { sessions }))
}

/// End one of one's logins.
///
/// As a logout on that device would: with it end its tokens and its sockets.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{id}",
    tag = "accounts",
    security(("bearer" = [])),
    params(("id" = LoginId, Path, description = "Which login.")),
    responses(
        (status = 204, description = "It has ended."),
        (status = 404, description = "`unknown_login`: no such login of the caller's."),
    )
)]
pub(super) async fn end_session(
    who: Identity,
    path: web::Path<String>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let login = path.parse().map_err(|_| Refusal::UnknownLogin)?;
    services.logins.revoke(who.user_id, login, caller(&request)).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "current_password": "correct horse battery", "new_password": "another horse battery" })))]
pub(super) struct ChangePassword {
    current_password: String,
    #[schema(value_type = Password)]
    new_password: String,
}

/// Set another password.
///
/// The caller's other logins end. After wrong present passwords an answer takes longer.
#[utoipa::path(
    post,
    path = "/auth/password",
    tag = "accounts",
    security(("bearer" = [])),
    request_body = ChangePassword,
    responses(
        (status = 204, description = "It is set."),
        (status = 403, description = "`wrong_password`: the present one isn't right. `no_password`: a guest has none."),
    )
)]
pub(super) async fn change_password(
    who: Identity,
    Body(body): Body<ChangePassword>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let new = Password::parse(body.new_password).map_err(|message| Refusal::field("new_password", message))?;
    let caller = caller(&request);
    services.logins.change_password(who.user_id, who.login_id, &body.current_password, new, caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Serialize, ToSchema)]
struct Ticket {
    /// Goes into `?ticket=` of the socket's address.
    ticket: String,
    /// Seconds.
    expires_in: i64,
}

/// A ticket for a socket.
///
/// It opens one socket, once, in the next 30 seconds: unlike a token it may stand in a log.
#[utoipa::path(
    post,
    path = "/auth/ws-ticket",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 200, description = "The ticket.", body = Ticket))
)]
pub(super) async fn ws_ticket(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let ticket = services.logins.ticket(caller.user_id, caller.login_id)?;
    Ok(HttpResponse::Ok().json(Ticket { ticket, expires_in: TICKET_LIFE.num_seconds() }))
}
