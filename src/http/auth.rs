//! `/auth/*`. Programs carry the refresh token themselves; our own pages ask for a cookie that no script can read.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration as CookieAge},
    http::header,
    web,
};
use serde::{Deserialize, Serialize};

use super::{Services, body::Body, error::Problem, identity::Identity, origin};
use crate::{
    auth::token::TokenPair,
    domain::{
        refusal::Refusal,
        text::{Fields, FullName, Password, Username},
        user::Caller,
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
pub(super) async fn sign_up(Body(body): Body<SignUp>, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let username = fields.check("username", Username::parse(&body.username));
    let password = fields.check("password", Password::parse(body.password));
    let full_name = fields.check("full_name", body.full_name.as_deref().map_or(Ok(None), FullName::parse));
    let (Some(username), Some(password), Some(full_name)) = (username, password, full_name) else {
        return Err(fields.finish().err().unwrap_or(Refusal::Internal).into());
    };
    let user = services.logins.sign_up(username, full_name, password).await?;
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
        let pair = services.logins.refresh(&token, false).await?;
        return Ok(answer(&request, &pair, false));
    }
    require_own_page(&request)?;
    let cookie = request.cookie(COOKIE).ok_or(Refusal::BadRefreshToken)?;
    let pair = services.logins.refresh(cookie.value(), true).await?;
    Ok(answer(&request, &pair, true))
}

/// `POST /auth/logout`.
pub(super) async fn log_out(
    caller: Identity,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    services.logins.log_out(caller.login_id).await?;
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
    let user = services.writer.user(caller.user_id).await?.ok_or(Refusal::NotAuthenticated)?;
    Ok(HttpResponse::Ok().json(user))
}

/// A cookie is sent along by the browser, whoever's page asks; only our own may use it.
fn require_own_page(request: &HttpRequest) -> Result<(), Refusal> {
    if origin::is_allowed(request, &[]) { Ok(()) } else { Err(Refusal::ForeignOrigin) }
}

fn caller(request: &HttpRequest) -> Caller {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Caller {
        user_agent: agent.map(|agent| agent.chars().take(255).collect()),
        address: request.peer_addr().map(|peer| peer.ip()),
    }
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
