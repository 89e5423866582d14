//! `/auth/*`. Programs carry the refresh token themselves; our own pages ask for a cookie that no script can read.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
    http::header,
    web,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Services, body::Body, client::caller, error::Problem, identity::Identity, origin};
use crate::{
    auth::token::{TICKET_LIFE, TokenPair},
    domain::{
        ids::LoginId,
        refusal::Refusal,
        text::{Fields, FullName, Password, Username},
        user::{Account, Login, User},
    },
};

const COOKIE: &str = "pneumatic_refresh";

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "username": "ann", "password": "correct horse battery", "full_name": "Ann Example" })))]
pub(super) struct SignUp {
    #[schema(value_type = Username)]
    username: String,
    #[schema(value_type = Password)]
    password: String,
    #[schema(value_type = Option<FullName>)]
    full_name: Option<String>,
}

/// Make an account.
///
/// Names are compared without regard to case and form.
#[utoipa::path(
    post,
    path = "/auth/signup",
    tag = "accounts",
    request_body = SignUp,
    responses(
        (status = 201, description = "The account.", body = User),
        (status = 400, description = "`username_taken`."),
    )
)]
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
        return Err(fields.refusal().into());
    };
    let user = services.logins.sign_up(username, full_name, password, caller(&request)).await?;
    Ok(HttpResponse::Created().json(user))
}

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "username": "ann", "password": "correct horse battery" })))]
pub(super) struct LogIn {
    username: String,
    password: String,
    /// Whether the refresh token shall come as a cookie.
    #[serde(default)]
    cookie: bool,
}

/// The tokens of a login (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
struct Pair<'a> {
    access_token: &'a str,
    /// Works once. Absent when it comes as a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<&'a str>,
    #[schema(examples("bearer"))]
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: i64,
}

/// Log in.
///
/// With `cookie` the refresh token comes as an `HttpOnly` cookie instead: for pages of our own origin.
#[utoipa::path(
    post,
    path = "/auth/login",
    tag = "accounts",
    request_body = LogIn,
    responses(
        (status = 200, description = "A login has begun.", body = Pair),
        (status = 401, description = "`bad_credentials`, for a wrong name and a wrong password alike."),
        (status = 403, description = "`foreign_origin`: a page of another origin asked for a cookie."),
    )
)]
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

#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "refresh_token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl" })))]
pub(super) struct Refresh {
    /// Without it the cookie counts.
    refresh_token: Option<String>,
}

/// Get new tokens.
///
/// By the token in the body, or else by the cookie. Each refresh token works once; using it again ends the login.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    tag = "accounts",
    request_body = Refresh,
    responses(
        (status = 200, description = "A new pair.", body = Pair),
        (status = 401, description = "`bad_refresh_token`, `refresh_token_reused`."),
        (status = 403, description = "`foreign_origin`: a page of another origin used the cookie."),
    )
)]
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

/// End this login.
///
/// With it end its tokens and its sockets.
#[utoipa::path(
    post,
    path = "/auth/logout",
    tag = "accounts",
    security(("bearer" = [])),
    responses((status = 204, description = "It has ended."))
)]
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
        (status = 403, description = "`wrong_password`: the present one isn't right."),
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
