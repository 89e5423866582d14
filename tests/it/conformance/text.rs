//! Section 8.1: text is UTF-8 (RFC 3629), and what isn't ends the connection.

use super::{
    case::{Case, naming},
    frames::{BINARY, CONTINUATION, PING, TEXT, frame, part},
};

/// The first and last characters of each length, and odd ones.
const CHARACTERS: [char; 16] = [
    '\u{7f}',
    '\u{80}',
    '\u{7ff}',
    '\u{800}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{fdd0}',
    '\u{feff}',
    '\u{fffd}',
    '\u{fffe}',
    '\u{ffff}',
    '\u{10000}',
    '\u{1f600}',
    '\u{1fffe}',
    '\u{10fffe}',
    '\u{10ffff}',
];

const NOT_UTF8: [&[u8]; 26] = [
    // What only continues, and what only begins.
    b"\x80",
    b"\xbf",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xc3(",
    b"\xe2\x82(",
    b"\xf0\x9f\x98(",
    b"\xe2(\x82",
    // Longer than need be.
    b"\xc0\x80",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xe0\x9f\xbf",
    b"\xf0\x80\x80\xaf",
    b"\xf0\x8f\xbf\xbf",
    // Halves of UTF-16's pairs.
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    // Beyond U+10FFFF.
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfc\x84\x80\x80\x80\x80",
    // What never occurs.
    b"\xfe",
    b"\xff",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
];

pub fn texts() -> Vec<Case> {
    let mut cases = Vec::new();
    for character in CHARACTERS {
        let (name, code) = (format!("a{character}b{character}"), u32::from(character));
        let text = naming(&name);
        let case = Case::new(format!("8.1 U+{code:04X}")).send(frame(TEXT, &text));
        // Inside the last character, which two bytes follow.
        let case = (3..2 + character.len_utf8()).fold(case, Case::cut_back).named(&name);
        let inside = text.len() - 3;
        let case = case.send(part(TEXT, &text.as_bytes()[..inside])).send(frame(CONTINUATION, &text.as_bytes()[inside..]));
        cases.push(case.named(&name).goes_on());
    }
    // Only text has to be text.
    for bytes in [NOT_UTF8[0], NOT_UTF8[2], NOT_UTF8[25]] {
        let case = Case::new(format!("8.1 binary {bytes:02x?}")).send(frame(BINARY, bytes)).malformed();
        cases.push(case.send(frame(PING, bytes)).pong(bytes).goes_on());
    }
    cases
}

pub fn texts_that_are_none() -> Vec<Case> {
    let mut cases = Vec::new();
    for bytes in NOT_UTF8 {
        let around = [b"{\"\xc3\xa9", bytes, b"\"}"].concat();
        for (what, payload) in [("alone", bytes), ("amid text", &around)] {
            let case = Case::new(format!("8.1 {bytes:02x?} {what}")).text("before");
            cases.push(case.send(frame(TEXT, payload)).cut_back(1).closes(&[1007]));
        }
        let (start, end) = around.split_at(4 + bytes.len() / 2);
        let case = Case::new(format!("8.1 {bytes:02x?} in two fragments")).text("before");
        cases.push(case.send(part(TEXT, start)).send(frame(CONTINUATION, end)).closes(&[1007]));
    }
    cases
}
