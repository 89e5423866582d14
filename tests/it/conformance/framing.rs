//! Sections 5.1 to 5.3: heads, lengths, masks, reserved bits, opcodes.

use super::{
    case::{Case, naming},
    frames::{BINARY, CLOSE, CONTINUATION, FIN, MASKED, PING, PONG, TEXT, frame, raw},
};

/// A text of so many bytes; its name, and itself.
pub fn text_of(bytes: usize) -> (String, String) {
    let (name, empty) = ("n".repeat(bytes.min(99)), naming(""));
    let text = naming(&name);
    match bytes.checked_sub(text.len()) {
        // JSON may have blanks at its end.
        Some(more) => (name, text + &" ".repeat(more)),
        None => {
            let name = "n".repeat(bytes - empty.len());
            (name.clone(), naming(&name))
        }
    }
}

pub fn lengths_and_masks() -> Vec<Case> {
    let mut cases = Vec::new();
    for bytes in [60, 124, 125, 126, 127, 128, 255, 256, 65_535, 65_536] {
        let (name, text) = text_of(bytes);
        cases.push(Case::new(format!("5.2 text of {bytes}")).send(frame(TEXT, text)).named(&name).goes_on());
    }
    for bytes in [0, 1, 125, 126, 127, 65_535, 65_536] {
        let case = Case::new(format!("5.2 binary of {bytes}"));
        cases.push(case.send(frame(BINARY, vec![0xfe; bytes])).malformed().goes_on());
    }
    for payload in ["", "x", "\0", "  "] {
        cases.push(Case::new(format!("5.2 text {payload:?}")).send(frame(TEXT, payload)).malformed().goes_on());
    }
    for key in [[0; 4], [0xff; 4], [1, 0, 0, 0], [0, 0, 0, 0x80], *b"{\"ty"] {
        let text = |name: &str| raw(FIN | TEXT, MASKED, key, naming(name).as_bytes());
        let case = Case::new(format!("5.3 mask {key:02x?}"));
        cases.push(case.send(text("zażółć")).named("zażółć").send(text("gęślą")).named("gęślą").goes_on());
    }
    // A payload may begin and end anywhere in the key, and anywhere in memory.
    let all = (0..40).fold(Case::new("5.3 payloads of every length, one after another"), |case, n| case.text(&"é".repeat(n)));
    cases.push(all.goes_on());
    for (what, first, payload) in [
        ("text", TEXT, naming("x")),
        ("empty text", TEXT, String::new()),
        ("ping", PING, "x".into()),
        ("close", CLOSE, "".into()),
    ] {
        let case = Case::new(format!("5.1 {what} without a mask")).text("before");
        cases.push(case.send(raw(FIN | first, 0, [0; 4], payload.as_bytes())).closes(&[1002]));
    }
    cases
}

pub fn reserved_bits() -> Vec<Case> {
    let mut cases = Vec::new();
    for bits in 1..8 {
        for (opcode, payload) in
            [(TEXT, naming("x")), (BINARY, "x".into()), (PING, "x".into()), (PONG, "".into()), (CLOSE, "".into())]
        {
            let case = Case::new(format!("5.2 reserved bits {bits:03b} with opcode {opcode:x}")).text("before");
            cases.push(case.send(raw(FIN | bits << 4 | opcode, MASKED, [1, 2, 3, 4], payload.as_bytes())).closes(&[1002]));
        }
    }
    let case = Case::new("5.2 reserved bit in a continuation").send(super::frames::part(TEXT, "{"));
    cases.push(case.send(raw(FIN | 0x40 | CONTINUATION, MASKED, [1, 2, 3, 4], b"}")).closes(&[1002]));
    cases
}

pub fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        for payload in ["", "x"] {
            let case = Case::new(format!("5.2 opcode {opcode:x} with {payload:?}")).text("before");
            cases.push(case.send(frame(opcode, payload)).closes(&[1002]));
        }
    }
    cases
}
