//! Section 5.4: messages in pieces.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{
    case::{Case, naming},
    frames::{BINARY, CONTINUATION, PING, PONG, TEXT, frame, part},
};
use crate::support::{database::Kind, socket::RawSocket, world::World};

const NAME: &str = "zażółć gęślą jaźń 😀";

/// A message in fragments that end here.
fn cut(text: &str, at: &[usize]) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut ends = vec![0];
    ends.extend(at);
    ends.push(bytes.len());
    let last = ends.len() - 2;
    let pieces = ends.windows(2).enumerate().map(|(i, ends)| {
        let (opcode, payload) = (if i == 0 { TEXT } else { CONTINUATION }, &bytes[ends[0]..ends[1]]);
        if i == last { frame(opcode, payload) } else { part(opcode, payload) }
    });
    pieces.collect::<Vec<_>>().concat()
}

pub fn fragments() -> Vec<Case> {
    let text = naming(NAME);
    let all: Vec<usize> = (1..text.len()).collect();
    let mut cases = Vec::new();
    for (what, at) in [
        ("two", vec![20]),
        ("three, the middle one empty", vec![20, 20]),
        ("four, all but the last empty", vec![0, 0, 0]),
        ("two, the last one empty", vec![text.len()]),
        ("as many as there are bytes", all),
    ] {
        // Twice: nothing of the first may be left.
        let case = Case::new(format!("5.4 text in {what}")).send(cut(&text, &at)).named(NAME);
        cases.push(case.send(cut(&text, &at)).named(NAME).text("whole").goes_on());
    }
    let start = text.find('😀').unwrap();
    for inside in 1..4 {
        let case = Case::new(format!("5.4 text cut {inside} bytes into a character"));
        cases.push(case.send(cut(&text, &[start + inside])).named(NAME).goes_on());
    }
    let case = Case::new("5.4 nothing at all, in three").send(cut("", &[0, 0])).malformed();
    cases.push(case.goes_on());
    let case = Case::new("5.4 binary in three")
        .send(part(BINARY, [0xff]))
        .send(part(CONTINUATION, ""))
        .send(frame(CONTINUATION, [0xfe]));
    cases.push(case.malformed().text("after").goes_on());
    let (head, tail) = text.as_bytes().split_at(20);
    let amid = Case::new("5.4 control frames amid a message").send(part(TEXT, head)).send(frame(PING, "1")).pong("1");
    let amid = amid.send(frame(PONG, "")).send(part(CONTINUATION, "")).send(frame(PING, "2")).pong("2");
    cases.push(amid.send(frame(CONTINUATION, tail)).named(NAME).goes_on());
    cases
}

pub fn fragments_out_of_place() -> Vec<Case> {
    let begun = |what: &str| Case::new(format!("5.4 {what}")).text("before").send(part(TEXT, "{"));
    let idle = |what: &str| Case::new(format!("5.4 {what}")).text("before");
    vec![
        idle("a last fragment of nothing").send(frame(CONTINUATION, "")).closes(&[1002]),
        idle("a fragment of nothing, and more to come").send(part(CONTINUATION, "x")).closes(&[1002]),
        begun("another text amid one").send(frame(TEXT, naming("x"))).closes(&[1002]),
        begun("another text amid one, itself in fragments").send(part(TEXT, "{")).closes(&[1002]),
        begun("binary amid a text").send(frame(BINARY, "x")).closes(&[1002]),
        begun("binary amid a text, itself in fragments").send(part(BINARY, "x")).closes(&[1002]),
        begun("a fragment too many").send(frame(CONTINUATION, "")).malformed().send(frame(CONTINUATION, "}")).closes(&[1002]),
        begun("a ping in fragments amid a text").send(part(PING, "x")).closes(&[1002]),
    ]
}

/// What is stored, and told to others, is what was sent, however it was cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_survives_any_cut() {
    let world = World::start(Kind::Sqlite, &[]).await;
    let [ann, bob] = world.people(["ann", "bob"]).await;
    let conversation = ann.conversation_with(&[&bob]).await;
    let (mut at_bob, mut raw) = (bob.socket().await, RawSocket::open(world.address, &ann.access).await);
    for round in 0..30 {
        let content: String = "zażółć 😀\n\"\\".chars().cycle().skip(round).take(10_000 / (round + 1)).collect();
        let id = round.to_string();
        let text =
            json!({ "type": "message", "message_id": id, "conversation_id": conversation, "content": content }).to_string();
        let mut at: Vec<usize> = (0..round * 7).map(|_| fastrand::usize(..text.len())).collect();
        at.sort_unstable();
        raw.0.write_all(&cut(&text, &at)).await.unwrap();
        let message = at_bob.next_message().await;
        assert_eq!(
            (message["message_id"].as_str(), message["content"].as_str()),
            (Some(id.as_str()), Some(content.as_str())),
            "{at:?}"
        );
    }
    raw.send(0x88, &[]).await;
    assert_eq!(raw.closed().await, 1000);
    at_bob.close().await;
    world.finish().await;
}
