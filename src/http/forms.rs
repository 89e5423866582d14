//! The forms of what changes only with the program: without what is only for who reads the source, and compressed by Brotli
//! (RFC 7932). Each is made once, when somebody first asks for it.

use std::sync::Arc;

use actix_web::{
    HttpRequest,
    http::header::{AcceptEncoding, Encoding, Header},
    web,
};
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use dashmap::DashMap;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// Fewest bytes that are worth it: less goes into one packet as it is.
const WORTHWHILE: usize = 512;
/// From so many bytes on the best that can be had takes seconds.
const BIG: usize = 128 << 10;
/// Most that is kept. There are fewer files than that; but a debug build reads them anew, and keeps each state of them.
const KEPT: usize = 1_024;

/// What comments and indentation are left out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lean {
    /// Nothing is left out.
    No,
    /// The rules of JavaScript.
    Script,
    /// The rules of CSS.
    Style,
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forms {
    pub(super) plain: Bytes,
    /// None: it doesn't become smaller.
    pub(super) packed: Option<Bytes>,
}

impl Forms {
    /// As it is.
    pub(super) fn only(body: &Bytes) -> Self {
        Self { plain: body.clone(), packed: None }
    }
}

type Outcome = Arc<OnceCell<Forms>>;

/// What has been made, by the hash of what it was made from: it is the same whoever asks.
#[derive(Clone, Debug, Default)]
pub struct Made(Arc<DashMap<Uuid, Outcome>>);

/// Whether something of this type and length is offered compressed. Pictures are compressed as they are.
pub(super) fn is_offered(kind: &str, bytes: usize) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_text = essence.starts_with("text/") || essence.ends_with("json") || essence.ends_with("javascript");
    bytes >= WORTHWHILE && (is_text || essence.ends_with("xml"))
}

/// Whether the caller would rather have it so (RFC 9110, section 12.5.3).
pub(super) fn is_wanted(request: &HttpRequest) -> bool {
    let supported = [Encoding::brotli(), Encoding::identity()];
    AcceptEncoding::parse(request).is_ok_and(|accepted| accepted.negotiate(supported.iter()) == Some(Encoding::brotli()))
}

impl Made {
    /// The forms of what has this hash. Made beside the workers, who have others to serve.
    pub(super) async fn of(&self, hash: Uuid, body: &Bytes, lean: Lean) -> Forms {
        if self.0.len() >= KEPT {
            self.0.clear();
        }
        let outcome = Arc::clone(&self.0.entry(hash).or_default());
        let made = async || {
            let source = body.clone();
            // An error means that it panicked, which is logged; the file as it is does as well.
            web::block(move || make(&source, lean)).await.unwrap_or_else(|_| Forms::only(body))
        };
        outcome.get_or_init(made).await.clone()
    }
}

fn make(source: &Bytes, lean: Lean) -> Forms {
    let leaner = match (lean, std::str::from_utf8(source)) {
        (Lean::Script, Ok(text)) => Some(minifier::js::minify(text).to_string()),
        (Lean::Style, Ok(text)) => minifier::css::minify(text).ok().map(|made| made.to_string()),
        (Lean::No, _) | (_, Err(_)) => None,
    };
    let plain = leaner.map_or_else(|| source.clone(), Bytes::from);
    Forms { packed: compress(&plain), plain }
}

fn compress(body: &[u8]) -> Option<Bytes> {
    let quality = if body.len() >= BIG { 9 } else { 11 };
    let params = BrotliEncoderParams { quality, size_hint: body.len(), ..BrotliEncoderParams::default() };
    let mut made = Vec::with_capacity(body.len() / 2);
    brotli::BrotliCompress(&mut &*body, &mut made, &params).ok()?;
    (made.len() < body.len()).then(|| made.into())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_is_offered() {
        for kind in
            ["text/html; charset=utf-8", "text/javascript", "application/json", "application/manifest+json", "image/svg+xml"]
        {
            assert!(is_offered(kind, 10_000), "{kind}");
            assert!(!is_offered(kind, 100), "{kind}");
        }
        for kind in ["image/png", "font/woff2", "application/octet-stream"] {
            assert!(!is_offered(kind, 10_000), "{kind}");
        }
    }

    #[test]
    fn who_wants_it() {
        let wants =
            |accepted: &str| is_wanted(&TestRequest::default().insert_header(("accept-encoding", accepted)).to_http_request());
        for accepted in ["br", "gzip, deflate, br", "gzip, deflate, br, zstd", "br;q=0.5", "gzip;q=1.0, br;q=0.1", "BR"] {
            assert!(wants(accepted), "{accepted}");
        }
        for accepted in ["", "gzip", "br;q=0", "br; q=0.000, gzip", "identity, br;q=0.5", "*;q=0", "identity", "brotli"] {
            assert!(!wants(accepted), "{accepted}");
        }
        assert!(!is_wanted(&TestRequest::default().to_http_request()));
    }

    #[actix_web::test]
    async fn what_does_not_shrink_stays() {
        let noise: Vec<u8> = std::iter::repeat_with(Uuid::new_v4).take(100).flat_map(Uuid::into_bytes).collect();
        let noise = Bytes::from(noise);
        assert_eq!(Made::default().of(Uuid::new_v4(), &noise, Lean::No).await, Forms::only(&noise));
        let text: Bytes = "to and fro ".repeat(100).into();
        let hash = Uuid::new_v4();
        let kept = Made::default();
        let made = kept.of(hash, &text, Lean::No).await;
        assert!(made.packed.as_ref().unwrap().len() < text.len());
        assert_eq!(kept.of(hash, &Bytes::new(), Lean::No).await, made, "it is made once");
    }

    #[actix_web::test]
    async fn what_only_readers_need_is_left_out() {
        let script: Bytes =
            "/** Why. */\nexport function greet(name) {\n  // How.\n  return `Hello, ${name} // all`;\n}\n".into();
        let made = Made::default().of(Uuid::new_v4(), &script, Lean::Script).await.plain;
        assert!(made.len() < script.len() && !made.windows(4).any(|part| part == b"Why." || part == b"How."), "{made:?}");
        assert!(std::str::from_utf8(&made).unwrap().contains("`Hello, ${name} // all`"));
        let style: Bytes = "/* Why. */\n.entry {\n  color: red;\n}\n".into();
        assert_eq!(Made::default().of(Uuid::new_v4(), &style, Lean::Style).await.plain.trim_ascii(), b".entry{color:red;}");
        let wrong = Bytes::from_static(&[0xff, 0xfe]);
        assert_eq!(Made::default().of(Uuid::new_v4(), &wrong, Lean::Script).await.plain, wrong);
    }
}
