//! Finished WebSocket frames. A server's frames aren't masked (RFC 6455, section 5.1), so the bytes of one
//! frame serve every device that shall have it.

use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};

use super::close::CloseCode;

fn write(into: &mut BytesMut, opcode: OpCode, payload: &[u8]) {
    Parser::write_message(into, payload, opcode, true, false);
}

/// Appends a text frame.
pub fn append_text(into: &mut BytesMut, text: &[u8]) {
    write(into, OpCode::Text, text);
}

/// A text frame.
pub fn text(text: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(text.len() + 10);
    append_text(&mut frame, text);
    frame.freeze()
}

/// A ping without payload.
pub fn ping() -> Bytes {
    let mut frame = BytesMut::with_capacity(2);
    write(&mut frame, OpCode::Ping, b"");
    frame.freeze()
}

/// The answer to a ping: its payload.
pub fn pong(payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 2);
    write(&mut frame, OpCode::Pong, payload);
    frame.freeze()
}

/// A close frame.
pub fn close(code: CloseCode) -> Bytes {
    let mut payload = code.number().to_be_bytes().to_vec();
    payload.extend_from_slice(code.reason().as_bytes());
    let mut frame = BytesMut::with_capacity(payload.len() + 2);
    write(&mut frame, OpCode::Close, &payload);
    frame.freeze()
}

/// How many frames of ours there are in these bytes (RFC 6455, section 5.2: unmasked, each with its length first).
pub fn count(frames: &Bytes) -> u64 {
    let (mut rest, mut count) = (&frames[..], 0);
    while let [_, length, more @ ..] = rest {
        let (length, more) = match (*length, more) {
            (126, [a, b, more @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), more),
            (127, [a, b, c, d, e, f, g, h, more @ ..]) => (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as usize, more),
            (short, more) => (usize::from(short), more),
        };
        count += 1;
        rest = more.get(length..).unwrap_or_default();
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455, section 5.7 and 5.2: the three lengths of a length.
    #[test]
    fn frames_are_those_of_the_rfc() {
        assert_eq!(&text(b"Hello")[..], [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
        assert_eq!(&text(&[b'x'; 300])[..4], [0x81, 126, 1, 44]);
        assert_eq!(&text(&[b'x'; 70_000])[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 17, 112]);
        assert_eq!(&ping()[..], [0x89, 0]);
        assert_eq!(&pong(b"a")[..], [0x8a, 1, b'a']);
        assert_eq!(&close(CloseCode::Bye)[..], [0x88, 5, 0x03, 0xe8, b'b', b'y', b'e']);
    }

    #[test]
    fn frames_are_counted_by_their_lengths() {
        let mut frames = BytesMut::new();
        for length in [0, 125, 126, 300, 65_535, 65_536, 70_000] {
            append_text(&mut frames, &vec![0x81; length]);
        }
        assert_eq!(count(&frames.freeze()), 7);
        assert_eq!(count(&Bytes::new()), 0);
        assert_eq!(count(&text(&[b'x'; 300]).slice(..100)), 1, "whatever comes, it ends");
    }

    /// RFC 6455, section 5.5: a control frame carries at most 125 bytes.
    #[test]
    fn close_reasons_fit() {
        for code in CloseCode::ALL {
            assert!(code.reason().len() <= 123);
        }
    }
}
