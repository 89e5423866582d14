//! Whose page makes a request, as the browser tells it.

use actix_web::{HttpRequest, http::header};

use super::client::Client;

/// Whether the request comes from a page of ours, of an allowed origin, or from no page at all.
pub fn is_allowed(request: &HttpRequest, allowed: &[String]) -> bool {
    match origin(request) {
        None => !request.headers().contains_key(header::ORIGIN),
        Some(origin) => is_own(request, origin) || allowed.iter().any(|known| known == origin),
    }
}

/// Whether it was by https that the browser reached us: as we see it, or as it says itself.
pub fn is_secure(request: &HttpRequest) -> bool {
    Client::of(request).secure || origin(request).is_some_and(|origin| origin.starts_with("https://"))
}

fn origin(request: &HttpRequest) -> Option<&str> {
    request.headers().get(header::ORIGIN)?.to_str().ok()
}

/// The origin's authority is the host that was asked.
fn is_own(request: &HttpRequest, origin: &str) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match (origin.split_once("://"), host) {
        (Some(("http" | "https", authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}
