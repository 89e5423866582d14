//! `/auth/*`. Programs carry the refresh token themselves; our own pages ask for a cookie that no script can read.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
    http::header,
    web,
};
use serde::{Deserialize, Serialize};

use super::{Services, body::Body, client::caller, error::Problem, identity::Identity, origin};
use crate::{
    auth::token::{TICKET_LIFE, TokenPair},
    domain::{
        refusal::Refusal,
        text::{Fields, FullName, Password, Username},
        user::Login,
    },
};

const COOKIE: &str = "pneumatic_refresh";

#[derive(Deserialize)]
pub(super) struct SignUp {
    username: String,
    password: String,
    full_name: Option<String>,
}

/// `POST /auth/signup`.
pub(super) async fn sign_up(
    Body(body): Body<SignUp>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let username = fields.check("username", Username::parse(&body.username));
    let password = fields.check("password", Password::parse(body.password));
    let full_name = fields.check("full_name", body.full_name.as_deref().map_or(Ok(None), FullName::parse));
    let (Some(username), Some(password), Some(full_name)) = (username, password, full_name) else {
        return Err(fields.finish().err().unwrap_or(Refusal::Internal).into());
    };
    let user = services.logins.sign_up(username, full_name, password, caller(&request)).await?;
    Ok(HttpResponse::Created().json(user))
}

#[derive(Deserialize)]
pub(super) struct LogIn {
    username: String,
    password: String,
    /// Whether the refresh token shall come as a cookie.
    #[serde(default)]
    cookie: bool,
}

#[derive(Serialize)]
struct Pair<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    token_type: &'static str,
    expires_in: i64,
}

/// `POST /auth/login`.
pub(super) async fn log_in(
    Body(body): Body<LogIn>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    if body.cookie {
        require_own_page(&request)?;
    }
    let pair = services.logins.log_in(&body.username, &body.password, caller(&request)).await?;
    Ok(answer(&request, &pair, body.cookie))
}

#[derive(Deserialize)]
pub(super) struct Refresh {
    refresh_token: Option<String>,
}

/// `POST /auth/refresh`: by the token in the body, or else by the cookie.
pub(super) async fn refresh(
    Body(body): Body<Refresh>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    if let Some(token) = body.refresh_token {
        let pair = services.logins.refresh(&token, false, caller(&request)).await?;
        return Ok(answer(&request, &pair, false));
    }
    require_own_page(&request)?;
    let cookie = request.cookie(COOKIE).ok_or(Refusal::BadRefreshToken)?;
    let pair = services.logins.refresh(cookie.value(), true, caller(&request)).await?;
    Ok(answer(&request, &pair, true))
}

/// `POST /auth/logout`.
pub(super) async fn log_out(who: Identity, request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    services.logins.log_out(who.user_id, who.login_id, caller(&request)).await?;
    let mut response = HttpResponse::NoContent();
    if request.cookie(COOKIE).is_some() {
        let mut gone = cookie(&request, "", 0);
        gone.make_removal();
        response.cookie(gone);
    }
    Ok(response.finish())
}

/// `GET /auth/me`.
pub(super) async fn me(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let account = services.writer.account(caller.user_id).await?.ok_or(Refusal::NotAuthenticated)?;
    Ok(HttpResponse::Ok().json(account))
}

#[derive(Serialize)]
struct Sessions {
    sessions: Vec<Login>,
}

/// `GET /auth/sessions`: the caller's logins, the one used last first.
pub(super) async fn sessions(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let sessions = services.writer.logins(caller.user_id, caller.login_id).await?;
    Ok(HttpResponse::Ok().json(Sessions { sessions }))
}

/// `DELETE /auth/sessions/{id}`: ends one of them, as a logout on that device would.
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

#[derive(Deserialize)]
pub(super) struct ChangePassword {
    current_password: String,
    new_password: String,
}

/// `POST /auth/password`: sets another password, and ends the caller's other logins.
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

#[derive(Serialize)]
struct Ticket {
    ticket: String,
    expires_in: i64,
}

/// `POST /auth/ws-ticket`: what opens one socket, once, in the next 30 seconds.
pub(super) async fn ws_ticket(caller: Identity, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let ticket = services.logins.ticket(caller.user_id, caller.login_id)?;
    Ok(HttpResponse::Ok().json(Ticket { ticket, expires_in: TICKET_LIFE.num_seconds() }))
}

/// A cookie is sent along by the browser, whoever's page asks; only our own may use it.
fn require_own_page(request: &HttpRequest) -> Result<(), Refusal> {
    if origin::is_allowed(request, &[]) { Ok(()) } else { Err(Refusal::ForeignOrigin) }
}

fn cookie(request: &HttpRequest, token: &str, seconds: i64) -> Cookie<'static> {
    Cookie::build(COOKIE, token.to_owned())
        .path("/auth")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(origin::is_secure(request))
        .max_age(CookieAge::seconds(seconds))
        .finish()
}

fn answer(request: &HttpRequest, pair: &TokenPair, by_cookie: bool) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    // RFC 6749, section 5.1.
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if by_cookie {
        response.cookie(cookie(request, &pair.refresh, pair.refresh_life.num_seconds()));
    }
    response.json(Pair {
        access_token: &pair.access,
        refresh_token: (!by_cookie).then_some(pair.refresh.as_str()),
        token_type: "bearer",
        expires_in: pair.access_life.num_seconds(),
    })
}
