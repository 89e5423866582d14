//! Something that changes only with the program, in the forms that there are of it: plain, and compressed.

use actix_web::{HttpRequest, HttpResponse, http::header};
use bytes::Bytes;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Services,
    forms::{self, Forms, Lean},
};

/// A file or a document.
#[derive(Clone, Debug)]
pub(super) struct Page {
    kind: String,
    body: Bytes,
    hash: Uuid,
    /// How what is for people alone is left out.
    lean: Lean,
}

impl Page {
    /// With its content type.
    pub(super) fn new(kind: impl Into<String>, body: Bytes) -> Self {
        let hash = Sha256::digest(&body).into();
        Self::hashed(kind, body, &hash, Lean::No)
    }

    /// The same, of which the hash is known.
    pub(super) fn hashed(kind: impl Into<String>, body: Bytes, sha256: &[u8; 32], lean: Lean) -> Self {
        let half = std::array::from_fn(|i| sha256[i]);
        Self { kind: kind.into(), body, hash: Uuid::new_v8(half), lean }
    }

    /// As JSON, without a byte too many.
    pub(super) fn json(value: &impl Serialize) -> Self {
        // Maps with string keys always serialise.
        Self::new("application/json", serde_json::to_vec(value).unwrap_or_default().into())
    }

    /// All of it, or 304 to whoever has it: what they have, they have in the representation that they would be sent.
    pub(super) async fn answer(&self, request: &HttpRequest, services: &Services, policy: &'static str) -> HttpResponse {
        let (plain, packed) = (format!("\"{}\"", self.hash.simple()), format!("\"{}-br\"", self.hash.simple()));
        let is_offered = forms::is_offered(&self.kind, self.body.len());
        let is_wanted = is_offered && forms::is_wanted(request);
        let (tag, body) = if is_wanted && knows(request, &packed) {
            (packed, None)
        } else {
            let forms =
                if is_offered { services.forms.of(self.hash, &self.body, self.lean).await } else { Forms::only(&self.body) };
            match forms.packed.filter(|_| is_wanted) {
                Some(body) => (packed, Some((body, true))),
                None if knows(request, &plain) => (plain, None),
                None => (plain, Some((forms.plain, false))),
            }
        };
        let mut response = if body.is_none() { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((header::ETAG, tag))
            // Always asked for, seldom sent again: a new version is there at once.
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::CONTENT_SECURITY_POLICY, policy));
        if is_offered {
            response.insert_header((header::VARY, "Accept-Encoding"));
        }
        let Some((body, is_packed)) = body else { return response.finish() };
        if is_packed {
            response.insert_header((header::CONTENT_ENCODING, "br"));
        }
        response.content_type(self.kind.as_str()).body(body)
    }
}

/// Whether the caller has the representation with this tag (RFC 9110, section 13.1.2: weak comparison).
fn knows(request: &HttpRequest, tag: &str) -> bool {
    let lists = request.headers().get_all(header::IF_NONE_MATCH).filter_map(|list| list.to_str().ok());
    let mut known = lists.flat_map(|list| list.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
