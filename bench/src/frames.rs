//! WebSocket frames (RFC 6455, section 5.2) as a client writes and finds them. It trusts the server: no fragments, no checks; and
//! masks with zeros, which costs nothing.

use std::ops::Range;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// The end.
    Close,
    /// Wants a pong.
    Ping,
    /// Binary, pong, continuation.
    Other,
}

/// Appends a frame.
fn append(into: &mut Vec<u8>, first: u8, payload: &[u8]) {
    const MASKED: u8 = 0x80;
    into.push(first);
    match payload.len() {
        short @ ..126 => into.push(MASKED | short as u8),
        middling @ 126..=0xffff => {
            into.push(MASKED | 126);
            into.extend_from_slice(&(middling as u16).to_be_bytes());
        }
        long => {
            into.push(MASKED | 127);
            into.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(payload);
}

/// Appends a text frame.
pub fn append_text(into: &mut Vec<u8>, text: &str) {
    append(into, 0x81, text.as_bytes());
}

/// Appends the answer to a ping.
pub fn append_pong(into: &mut Vec<u8>, payload: &[u8]) {
    append(into, 0x8a, payload);
}

/// The frame that begins there, if it is whole, and where its payload is.
pub fn find(buffer: &[u8], start: usize) -> Option<(Kind, Range<usize>)> {
    let rest = &buffer[start..];
    let (head, length) = match *rest.get(1)? {
        126 => (4, u64::from(u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(rest.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let end = (start + head).checked_add(usize::try_from(length).ok()?)?;
    let kind = match rest[0] & 0xf {
        0x1 => Kind::Text,
        0x8 => Kind::Close,
        0x9 => Kind::Ping,
        _ => Kind::Other,
    };
    (end <= buffer.len()).then_some((kind, start + head..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three lengths of a length.
    #[test]
    fn frames_are_found_once_they_are_whole() {
        for (head, length) in
            [(&[0x81, 3][..], 3), (&[0x81, 126, 1, 44][..], 300), (&[0x81, 127, 0, 0, 0, 0, 0, 1, 17, 112][..], 70_000)]
        {
            let mut buffer = [b"xx", head].concat();
            assert_eq!(find(&buffer, 2), None);
            buffer.resize(2 + head.len() + length, b'x');
            assert_eq!(find(&buffer, 2), Some((Kind::Text, 2 + head.len()..buffer.len())));
            assert_eq!(find(&buffer[..buffer.len() - 1], 2), None);
        }
    }

    #[test]
    fn what_is_written_is_masked_with_nothing() {
        let mut frame = Vec::new();
        append_text(&mut frame, "Hello");
        append_pong(&mut frame, b"x");
        assert_eq!(frame, b"\x81\x85\0\0\0\0Hello\x8a\x81\0\0\0\0x");
    }
}
