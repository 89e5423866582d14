//! Our own pages: embedded in a release build, read from `static/` in a debug build.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
};
use bytes::Bytes;
use rust_embed::RustEmbed;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::error::Problem;
use crate::domain::refusal::Refusal;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// What a page may load and do: our own files, and nothing else. Text reaches the page as text alone.
pub(super) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// Whether there is a page, or a part of one, of this path.
pub(super) fn has(path: &str) -> bool {
    Files::get(name_of(path)).is_some()
}

fn name_of(path: &str) -> &str {
    let name = path.trim_start_matches('/');
    if name.is_empty() { "index.html" } else { name }
}

/// Whatever isn't in the URL table.
pub(super) async fn serve(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let file = Files::get(name_of(request.path())).ok_or(Refusal::NotFound)?;
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::MethodNotAllowed.into());
    }
    let tag = tag(&file.metadata.sha256_hash());
    let page = Page { kind: file.metadata.mimetype().to_owned(), body: file.data.into_owned().into(), tag };
    Ok(page.answer(&request, CONTENT_SECURITY_POLICY))
}

/// Something that changes only with the program.
#[derive(Clone, Debug)]
pub(super) struct Page {
    kind: String,
    body: Bytes,
    tag: String,
}

impl Page {
    /// With its content type.
    pub(super) fn new(kind: impl Into<String>, body: Bytes) -> Self {
        let tag = tag(&Sha256::digest(&body).into());
        Self { kind: kind.into(), body, tag }
    }

    /// As JSON, without a byte too many.
    pub(super) fn json(value: &impl Serialize) -> Self {
        // Maps with string keys always serialise.
        Self::new("application/json", serde_json::to_vec(value).unwrap_or_default().into())
    }

    /// All of it, or 304 to whoever has it.
    pub(super) fn answer(&self, request: &HttpRequest, policy: &'static str) -> HttpResponse {
        let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == self.tag.as_bytes());
        let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((header::ETAG, self.tag.clone()))
            // Always asked for, seldom sent again: a new version is there at once.
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::CONTENT_SECURITY_POLICY, policy));
        if known {
            return response.finish();
        }
        response.content_type(self.kind.as_str()).body(self.body.clone())
    }
}

fn tag(hash: &[u8; 32]) -> String {
    format!("\"{}\"", uuid::Uuid::new_v8(first_half(hash)).simple())
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|i| hash[i])
}
