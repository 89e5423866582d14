//! Our own pages: embedded in a release build, read from `static/` in a debug build.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use bytes::Bytes;
use rust_embed::RustEmbed;

use super::{Services, error::Problem, forms::Lean, page::Page};
use crate::domain::refusal::Refusal;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// What a page may load and do: our own files, and nothing else. Text reaches the page as text alone; the one thing that the
/// policy of Trusted Types named here is for is the address of our service worker.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types service-worker";

/// Whether there is a page, or a part of one, of this path.
pub(super) fn has(path: &str) -> bool {
    Files::get(name_of(path)).is_some()
}

fn name_of(path: &str) -> &str {
    let name = path.trim_start_matches('/');
    if name.is_empty() { "index.html" } else { name }
}

/// Whatever isn't in the URL table.
pub(super) async fn serve(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let name = name_of(request.path());
    let file = Files::get(name).ok_or(Refusal::NotFound)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed.into());
    }
    let hash = file.metadata.sha256_hash();
    let body = match file.data {
        Cow::Borrowed(body) => Bytes::from_static(body),
        Cow::Owned(body) => body.into(),
    };
    let kind = kind(name, file.metadata.mimetype());
    let lean = match kind {
        "text/javascript" => Lean::Script,
        "text/css" => Lean::Style,
        _ => Lean::No,
    };
    let page = Page::hashed(kind, body, &hash, lean);
    Ok(page.answer(&request, &services, CONTENT_SECURITY_POLICY).await)
}

/// The content type. Those on which it depends whether a browser takes a file for what it is aren't left to a table of others'.
fn kind<'a>(name: &str, guessed: &'a str) -> &'a str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript",
        Some("webmanifest") => "application/manifest+json",
        _ => guessed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_an_app_of_a_page_has_its_type() {
        assert_eq!(kind("manifest.webmanifest", "application/octet-stream"), "application/manifest+json");
        assert_eq!(kind("sw.js", "application/x-javascript"), "text/javascript");
        assert_eq!(kind("css/base.css", "text/css"), "text/css");
    }
}
