//! What every refusal of a dialect has to be like.

use actix_http::ws::{Codec, Frame};
use bytes::{Bytes, BytesMut};
use pneumatic::domain::refusal::Refusal;
use serde_json::Value;

/// What decoding refuses with: one of three codes, with a sentence, and with fields where it speaks of fields.
pub(super) fn check(refusal: &Refusal) {
    assert!(matches!(refusal.code(), "malformed" | "unknown_type" | "invalid"), "{refusal:?}");
    assert_eq!(refusal.code() == "invalid", !refusal.fields().is_empty(), "{refusal:?}");
    assert!(!refusal.to_string().is_empty(), "{refusal:?}");
}

/// The object in a finished frame: whole, and nothing behind it.
pub(super) fn object(frame: &Bytes) -> Value {
    use actix_codec::Decoder as _;
    let mut buffer = BytesMut::from(&frame[..]);
    let decoded = Codec::new().client_mode().max_size(usize::MAX).decode(&mut buffer);
    // A panic is the finding itself.
    let Ok(Some(Frame::Text(text))) = decoded else { panic!("no text frame: {decoded:?}") };
    assert!(buffer.is_empty(), "something is behind the frame");
    let value: Value = serde_json::from_slice(&text).expect("a frame is JSON");
    assert!(value.is_object(), "{value}");
    value
}
