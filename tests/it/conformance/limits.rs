//! Section 10.4: the bound that this server sets, 64 KiB a message, in whatever frames.

use super::{
    case::Case,
    frames::{BINARY, CONTINUATION, PING, TEXT, frame, part},
    framing::text_of,
};

const BOUND: usize = 65_536;

/// A text in fragments of this size; the last one may be smaller.
fn pieces(text: &str, size: usize) -> Vec<u8> {
    let last = text.len().div_ceil(size) - 1;
    let pieces = text.as_bytes().chunks(size).enumerate().map(|(i, piece)| {
        let opcode = if i == 0 { TEXT } else { CONTINUATION };
        if i == last { frame(opcode, piece) } else { part(opcode, piece) }
    });
    pieces.collect::<Vec<_>>().concat()
}

pub fn bounds() -> Vec<Case> {
    let mut cases = Vec::new();
    for size in [13, 64, 1_000, 1_300, 32_768, 65_535] {
        let (name, text) = text_of(BOUND);
        cases.push(Case::new(format!("10.4 the most, in fragments of {size}")).send(pieces(&text, size)).named(&name).goes_on());
        let (_, text) = text_of(BOUND + 1);
        cases.push(Case::new(format!("10.4 one byte more, in fragments of {size}")).send(pieces(&text, size)).closes(&[1009]));
    }
    let (name, text) = text_of(BOUND);
    let padded = Case::new("10.4 empty fragments count for nothing").send(part(TEXT, &text)).send(part(CONTINUATION, ""));
    cases.push(padded.send(frame(CONTINUATION, "")).named(&name).goes_on());
    let (start, end) = text.split_at(40_000);
    let amid =
        Case::new("10.4 control frames count for nothing").send(part(TEXT, start)).send(frame(PING, [7; 125])).pong([7; 125]);
    cases.push(amid.send(frame(CONTINUATION, end)).named(&name).goes_on());
    let case =
        Case::new("10.4 the bound is a message's").send(frame(TEXT, &text)).named(&name).send(pieces(&text, 9_999)).named(&name);
    cases.push(case.goes_on());
    cases.push(Case::new("10.4 binary over the bound").text("before").send(frame(BINARY, vec![0; BOUND + 1])).closes(&[1009]));
    let case = Case::new("10.4 the first fragment over the bound").text("before");
    cases.push(case.send(part(BINARY, vec![0; BOUND + 1])).closes(&[1009]));
    for length in [BOUND as u64 + 1, 1 << 40, u64::MAX] {
        // Nothing of it has to come first: what is announced is never kept.
        let head = [&[0x82, 0xff][..], &length.to_be_bytes()].concat();
        let case = Case::new(format!("10.4 {length} bytes are announced")).text("before");
        cases.push(case.send(head).closes(&[1009]));
    }
    cases.push(Case::new("10.4 twice over the bound").send(frame(TEXT, "x".repeat(BOUND * 2))).closes(&[1009]));
    cases
}
