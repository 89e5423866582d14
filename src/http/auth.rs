//! Coming in, staying in, going: `/auth/*`. Programs carry the refresh token themselves; our own pages ask for a cookie that no
//! script can read.

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
    auth::token::TokenPair,
    domain::{
        refusal::Refusal,
        text::{DisplayName, Fields, FullName, Password, Username},
        user::User,
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
#[schema(examples(json!({ "display_name": "Ann" })))]
pub(super) struct EnterAsGuest {
    #[schema(value_type = DisplayName)]
    display_name: String,
    /// Whether the refresh token shall come as a cookie.
    #[serde(default)]
    cookie: bool,
}

/// Come in as a guest.
///
/// Where the server lets guests in: an account without a password, whose only login this is. It is forgotten when its guest
/// hasn't been here for `GUEST_TTL` hours: without a socket, a heartbeat or a renewed login.
#[utoipa::path(
    post,
    path = "/auth/guest",
    tag = "accounts",
    request_body = EnterAsGuest,
    responses(
        (status = 200, description = "A login has begun.", body = Pair),
        (status = 403, description = "`guests_not_allowed`; `foreign_origin`: a page of another origin asked for a cookie."),
    )
)]
pub(super) async fn enter_as_guest(
    Body(body): Body<EnterAsGuest>,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    if services.guests.is_none() {
        return Err(Refusal::GuestsNotAllowed.into());
    }
    if body.cookie {
        require_own_page(&request)?;
    }
    let name = DisplayName::parse(&body.display_name).map_err(|message| Refusal::field("display_name", message))?;
    let pair = services.logins.enter_as_guest(name, caller(&request)).await?;
    Ok(answer(&request, &pair, body.cookie))
}

#[derive(Serialize, ToSchema)]
struct Options {
    /// Whether one can come in as a guest.
    guests: bool,
}

/// How one can come in.
#[utoipa::path(
    get,
    path = "/auth/options",
    tag = "accounts",
    responses((status = 200, description = "The ways beside name and password.", body = Options))
)]
pub(super) async fn options(services: web::Data<Services>) -> HttpResponse {
    HttpResponse::Ok().json(Options { guests: services.guests.is_some() })
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
