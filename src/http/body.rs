//! JSON bodies: bounded in size and time, and what is wrong with them told by the field's name.

use std::{future::Future, pin::Pin, time::Duration};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web::BytesMut};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::error::Problem;
use crate::domain::refusal::Refusal;

/// Most bytes of a body.
const MAX_BODY: usize = 256 << 10;
/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(15);

/// A JSON body, read and parsed.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let head = check_head(request);
        let payload = payload.take();
        Box::pin(async move {
            head?;
            let bytes = tokio::time::timeout(PATIENCE, read(payload)).await.map_err(|_| Refusal::RequestTimeout)??;
            Ok(Self(parse(&bytes)?))
        })
    }
}

fn check_head(request: &HttpRequest) -> Result<(), Refusal> {
    let number = |name| request.headers().get(name)?.to_str().ok()?.parse::<usize>().ok();
    if number(header::CONTENT_LENGTH).is_some_and(|length| length > MAX_BODY) {
        return Err(Refusal::TooLarge);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") { Ok(()) } else { Err(Refusal::UnsupportedMediaType) }
}

async fn read(mut payload: Payload) -> Result<BytesMut, Refusal> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::Malformed("The body broke off".into()))?;
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Refusal::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    // serde would take an array for a struct, field by field.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Refusal::Malformed("The body must be a JSON object".into()));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        refuse(&path, error.inner())
    })?;
    json.end().map_err(|_| Refusal::Malformed("The body has something after its JSON".into()))?;
    Ok(value)
}

fn refuse(path: &str, error: &serde_json::Error) -> Refusal {
    if !error.is_data() {
        return Refusal::Malformed("The body is not valid JSON".into());
    }
    let text = error.to_string();
    // serde names a missing field in its sentence, not in the path.
    if let Some(name) = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return Refusal::field(name, "is required");
    }
    if let Some(name) = text.strip_prefix("duplicate field `").and_then(|rest| rest.split('`').next()) {
        return Refusal::field(name, "is there twice");
    }
    Refusal::field(path, expectation(&text))
}

/// serde's sentences are for programmers; a client is told what the field must be.
fn expectation(text: &str) -> &'static str {
    let expected = text.rsplit_once("expected ").map_or("", |(_, expected)| expected);
    match expected.split(' ').take(2).collect::<Vec<_>>().as_slice() {
        _ if text.starts_with("UUID parsing failed") => "must be a UUID",
        ["a", "string"] => "must be a string",
        ["a", "sequence"] => "must be a list",
        ["a", "boolean"] => "must be true or false",
        ["i64", ..] => "must be a whole number",
        ["a", "formatted"] | ["UUID", ..] => "must be a UUID",
        _ => "is not of the expected kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Sample {
        #[allow(dead_code)]
        name: String,
        #[allow(dead_code)]
        ids: Vec<uuid::Uuid>,
        #[allow(dead_code)]
        #[serde(default)]
        seq: i64,
    }

    #[test]
    fn the_field_is_named() {
        let field = |body: &str| parse::<Sample>(body.as_bytes()).unwrap_err().fields()[0].field.clone();
        assert_eq!(field(r#"{"ids":[]}"#), "name");
        assert_eq!(field(r#"{"name":7,"ids":[]}"#), "name");
        assert_eq!(field(r#"{"name":"a","ids":["x"]}"#), "ids[0]");
        let message = |body: &str| parse::<Sample>(body.as_bytes()).unwrap_err().fields()[0].message.clone();
        assert_eq!(message(r#"{"name":7,"ids":[]}"#), "must be a string");
        assert_eq!(message(r#"{"name":"a","ids":7}"#), "must be a list");
        assert_eq!(message(r#"{"name":"a","ids":["<an id>"]}"#), "must be a UUID");
        assert_eq!(message(r#"{"name":"a","ids":[7]}"#), "must be a UUID");
        assert_eq!(message(r#"{"name":"a","ids":[],"seq":1.5}"#), "must be a whole number");
        assert_eq!(message(r#"{"name":"a","name":"b"}"#), "is there twice");
        let code = |body: &str| parse::<Sample>(body.as_bytes()).unwrap_err().code();
        assert_eq!(code("{"), "malformed");
        assert_eq!(code(r#"["a",[]]"#), "malformed");
        assert_eq!(code(r#"{"name":"a","ids":[]} x"#), "malformed");
        assert_eq!(code("\"x\""), "malformed");
    }
}
