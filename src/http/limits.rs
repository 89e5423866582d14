//! The rate limits of requests: who has to wait, and the headers that tell how much is left.

use actix_web::{
    Error, HttpMessage,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use super::{PREFIX, Services, client::Client, error::Problem, identity, pages};
use crate::{
    domain::refusal::{Refusal, whole_seconds},
    limits::{Limit, Network, Standing, Subject},
};

/// What only tells how the server is, or how to use it.
const EXEMPT: &[&str] = &["/health", "/health/db", "/ready", "/metrics", "/docs", "/openapi.json", "/asyncapi.json"];
/// What is done before somebody is anybody: it counts for the address whoever's token comes along, or each account
/// that one makes would be good for as many guesses again.
const STRANGERS: &[&str] = &["/auth/signup", "/auth/login", "/auth/guest", "/auth/refresh"];
/// Guessing and account making are slowed down further.
const WITH_AUTH: &[Limit] = &[Limit::Auth, Limit::Minute, Limit::Hour];
/// What everything is bounded by.
pub const REQUESTS: &[Limit] = &[Limit::Minute, Limit::Hour];

/// How the buckets of a request stand that its handler counted.
#[derive(Debug)]
pub struct Counted(pub Vec<Standing>);

/// Wraps every request: takes one from its caller's buckets, or refuses.
///
/// # Errors
/// Those of middleware below this one.
pub async fn rate_limit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(services) = request.app_data::<web::Data<Services>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let mut standings = match limits_of(&request) {
        Some(limits) => services.limits.take(limits, subject(&request, &services)).await,
        None => Vec::new(),
    };
    let mut response = match standings.last().and_then(|last| last.wait.map(|wait| (last.limit, wait))) {
        Some((limit, wait)) => {
            tracing::debug!(limit = limit.name(), "request.limited");
            services.metrics.limited(limit.name());
            ServiceResponse::from_err(Problem(Refusal::RateLimited(wait)), request.into_parts().0)
        }
        None => next.call(request).await?.map_into_boxed_body(),
    };
    // A socket is counted when it is known whose it is.
    if let Some(Counted(own)) = response.request().extensions_mut().remove() {
        standings = own;
    }
    tell(&standings, services.clock.now().timestamp(), response.headers_mut());
    Ok(response)
}

fn limits_of(request: &ServiceRequest) -> Option<&'static [Limit]> {
    let path = path_of(request);
    let is_page = || matches!(*request.method(), Method::GET | Method::HEAD) && pages::has(request.path());
    if EXEMPT.contains(&path) || path.starts_with("/docs/") || path == "/ws" || is_page() {
        None
    } else if path.starts_with("/auth/") {
        Some(WITH_AUTH)
    } else {
        Some(REQUESTS)
    }
}

/// The path as the routes see it: decoded, without the version.
fn path_of(request: &ServiceRequest) -> &str {
    let path = request.match_info().as_str();
    path.strip_prefix(PREFIX).unwrap_or(path)
}

/// Whoever has logged in, or else the address. The token is read here once, and handed on.
fn subject(request: &ServiceRequest, services: &Services) -> Subject {
    if STRANGERS.contains(&path_of(request)) {
        return by_address(Client::of(request.request()));
    }
    let claims = identity::bearer(request.request()).and_then(|token| services.logins.authenticate(token).ok());
    match claims {
        Some(claims) => {
            let user = claims.sub;
            request.extensions_mut().insert(claims);
            Subject::User(user)
        }
        None => by_address(Client::of(request.request())),
    }
}

/// The bucket of a client of whom no more than the address is known.
pub fn by_address(client: Client) -> Subject {
    Subject::Address(Network::from(client.address.unwrap_or_else(|| std::net::Ipv4Addr::UNSPECIFIED.into())))
}

/// The headers that existing clients know, about the bucket with least in it, and those of
/// draft-ietf-httpapi-ratelimit-headers (10) about all of them.
fn tell(standings: &[Standing], now: i64, headers: &mut HeaderMap) {
    let minutes = standings.iter().filter(|standing| standing.limit != Limit::Hour);
    let Some(tightest) = minutes.min_by_key(|standing| standing.remaining).or(standings.first()) else { return };
    let seconds = |standing: &Standing| standing.full_after.as_millis().div_ceil(1_000) as i64;
    let list = |item: &dyn Fn(&Standing) -> String| standings.iter().map(item).collect::<Vec<_>>().join(", ");
    for (name, value) in [
        ("x-ratelimit-limit", tightest.quota.amount.to_string()),
        ("x-ratelimit-remaining", tightest.remaining.to_string()),
        ("x-ratelimit-reset", (now + seconds(tightest)).to_string()),
        ("ratelimit-policy", list(&|s| format!("\"{}\";q={};w={}", s.limit.name(), s.quota.amount, s.quota.window.as_secs()))),
        ("ratelimit", list(&|s| format!("\"{}\";r={};t={}", s.limit.name(), s.remaining, reset_of(s)))),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Seconds until asking again is of use: until the next one passes, or else until all is as if nothing had been asked.
fn reset_of(standing: &Standing) -> u64 {
    standing.wait.map_or(standing.full_after.as_millis().div_ceil(1_000) as u64, whole_seconds)
}
