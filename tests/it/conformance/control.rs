//! Sections 5.5 and 7: pings, pongs, and how a connection ends.

use super::{
    case::{Case, naming},
    frames::{CLOSE, CONTINUATION, PING, PONG, TEXT, frame, part, reason},
};

pub fn pings() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, payload) in [
        ("nothing", vec![]),
        ("text", b"are you there".to_vec()),
        ("no UTF-8", vec![0xfe, 0xff, 0x00]),
        ("125 bytes", vec![7; 125]),
    ] {
        let case = Case::new(format!("5.5.2 ping with {what}"));
        cases.push(case.send(frame(PING, &payload)).pong(&payload).goes_on());
    }
    let ten = (0..10_u8).fold(Case::new("5.5.3 ten pings"), |case, i| case.send(frame(PING, [i])).pong([i]));
    cases.push(ten.goes_on());
    let unasked = Case::new("5.5.3 a pong that nobody asked for").send(frame(PONG, "")).send(frame(PONG, "what?"));
    cases.push(unasked.text("after").goes_on());
    for (opcode, bytes) in [(PONG, 126), (CLOSE, 126), (PING, 65_536)] {
        let case = Case::new(format!("5.5 opcode {opcode:x} with {bytes} bytes")).text("before");
        let payload = if opcode == CLOSE { reason(1000, vec![b'x'; bytes - 2]) } else { vec![b'x'; bytes] };
        cases.push(case.send(frame(opcode, payload)).closes(&[1002]));
    }
    for opcode in [PONG, CLOSE] {
        cases
            .push(Case::new(format!("5.5 opcode {opcode:x} in fragments")).text("before").send(part(opcode, "")).closes(&[1002]));
    }
    cases
}

pub fn goodbyes() -> Vec<Case> {
    let mut cases = vec![Case::new("5.5.1 close without a code").send(frame(CLOSE, "")).closes(&[1000])];
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4401, 4999] {
        let case = Case::new(format!("7.4 close with {code}"));
        cases.push(case.send(frame(CLOSE, reason(code, "because"))).closes(&[1000]));
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let case = Case::new(format!("7.4 close with {code}, which may not be sent"));
        cases.push(case.send(frame(CLOSE, reason(code, ""))).closes(&[1002]));
    }
    cases.push(Case::new("5.5.1 close with half a code").send(frame(CLOSE, [3])).closes(&[1002]));
    let case = Case::new("5.5.1 close with the longest reason");
    cases.push(case.send(frame(CLOSE, reason(1000, "x".repeat(123)))).closes(&[1000]));
    for text in [&b"\xc3"[..], b"\xed\xa0\x80", b"ok\xff"] {
        // Either says it: bad UTF-8, in a frame that is thereby none.
        let case = Case::new(format!("7.1.6 close whose reason is {text:x?}"));
        cases.push(case.send(frame(CLOSE, reason(1000, text))).closes(&[1002, 1007]));
    }
    let twice =
        Case::new("5.5.1 close, and close again").send(frame(CLOSE, reason(1000, ""))).send(frame(CLOSE, reason(1001, "")));
    cases.push(twice.closes(&[1000]));
    let broken = Case::new("5.5.1 close, and then no frame at all").send(frame(CLOSE, "")).send([0xff; 40]);
    cases.push(broken.closes(&[1000]));
    let amid = Case::new("5.4 close amid fragments").send(part(TEXT, "{")).send(frame(CLOSE, ""));
    cases.push(amid.send(frame(CONTINUATION, "}")).closes(&[1000]));
    let behind = Case::new("7.1.2 close behind what hasn't been answered");
    let behind = (0..20).fold(behind, |case, i| case.text(&i.to_string()));
    cases.push(behind.send(frame(CLOSE, "")).closes(&[1000]));
    let order = Case::new("7.1.7 what came before the fault is answered").text("one").send(frame(PING, "two")).pong("two");
    cases.push(order.send(frame(TEXT, naming("three"))).named("three").send(frame(3, "")).closes(&[1002]));
    cases
}
