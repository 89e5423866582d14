//! What frames do to a device.

use super::*;

const ROOM: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);
const ANN: Uuid = Uuid::from_u128(3);

fn device() -> Knowledge {
    let rooms = [(ROOM, RoomNo(0)), (OTHER, RoomNo(1))].into();
    Knowledge::new(Arc::new(Names { rooms, people: [(ANN, PersonNo(0))].into() }), PersonNo(0))
}

fn message(seq: i64, rev: i64, resumed: bool) -> Value {
    let name = format!("c0-{seq}");
    let message = json!({
        "id": Uuid::from_u128(seq as u128), "message_id": name, "sender_id": ANN, "conversation_id": ROOM,
        "content": words::text(&name, 1), "seq": seq, "rev": rev,
    });
    json!({ "type": "message", "message": message, "resumed": resumed })
}

fn heads(name: &str, heads: Value) -> Value {
    json!({ "type": "resumed", "ref": name, "heads": heads })
}

fn heard(news: &[News]) -> Vec<i64> {
    news.iter().filter_map(|news| if let News::Heard(_, heard) = news { Some(heard.seq) } else { None }).collect()
}

/// Up to rev 2 of the first room.
fn caught_up() -> Knowledge {
    let mut device = device();
    device.take(&json!({ "type": "ready", "epoch": Uuid::nil() })).unwrap();
    device.take(&json!({ "type": "conversation", "conversation": { "id": ROOM, "rev": 1 }, "resumed": true })).unwrap();
    assert_eq!(heard(&device.take(&message(1, 2, true)).unwrap()), [1]);
    let news = device.take(&heads("resume 1", json!({ ROOM.to_string(): 2 }))).unwrap();
    assert_eq!(news, [News::Shown { room: RoomNo(0), asked: true }, News::CaughtUp]);
    device
}

#[test]
fn live_frames_are_applied_in_order_and_known_ones_passed_over() {
    let mut device = caught_up();
    assert_eq!(heard(&device.take(&message(2, 3, false)).unwrap()), [2]);
    assert_eq!(device.take(&message(2, 3, false)).unwrap(), []);
    assert_eq!(heard(&device.take(&message(3, 4, false)).unwrap()), [3]);
}

#[test]
fn a_hole_is_told_and_asked_about() {
    let mut device = caught_up();
    let news = device.take(&message(3, 4, false)).unwrap();
    assert_eq!(news[0], News::Hole { room: RoomNo(0), cursor: 2, rev: 4 });
    let News::Ask(ask) = &news[1] else { panic!("{news:?}") };
    assert_eq!(ask["cursors"][ROOM.to_string()], 2);
    assert_eq!(device.take(&message(4, 5, false)).unwrap(), [], "it waits for the answer");
    assert_eq!(heard(&device.take(&message(2, 3, true)).unwrap()), [2]);
    assert_eq!(heard(&device.take(&message(3, 4, true)).unwrap()), [3]);
    let news = device.take(&heads("resume 2", json!({ ROOM.to_string(): 4 }))).unwrap();
    assert_eq!(heard(&news), [4]);
    assert_eq!(news.last(), Some(&News::CaughtUp));
}

#[test]
fn a_broken_answer_moves_the_cursors_of_what_it_told_in_order() {
    let mut device = caught_up();
    device.cut();
    device.take(&json!({ "type": "ready", "epoch": Uuid::nil() })).unwrap();
    device.take(&message(2, 3, true)).unwrap();
    device.take(&json!({ "type": "conversation", "conversation": { "id": OTHER, "rev": 7 }, "resumed": true })).unwrap();
    assert_eq!(device.cut(), [News::Forgot(RoomNo(1))]);
    let news = device.take(&json!({ "type": "ready", "epoch": Uuid::nil() })).unwrap();
    let News::Ask(ask) = &news[0] else { panic!("{news:?}") };
    assert_eq!(ask["cursors"], json!({ ROOM.to_string(): 3 }));
}

#[test]
fn what_is_removed_is_forgotten_and_begins_anew() {
    let mut device = caught_up();
    let removed = json!({ "type": "conversation_removed", "conversation_id": ROOM, "rev": 3 });
    assert_eq!(device.take(&removed).unwrap(), [News::Forgot(RoomNo(0))]);
    let taken_in = json!({ "type": "conversation", "conversation": { "id": ROOM, "rev": 9 } });
    assert!(matches!(device.take(&taken_in).unwrap()[..], [News::Ask(_)]), "no hole: nothing was known");
}

#[test]
fn an_ack_takes_the_place_of_the_message() {
    let mut device = caught_up();
    let ack = |rev: i64, duplicate| {
        json!({
            "type": "ack", "ref": "post c0-9", "message_id": "c0-9", "id": ANN, "conversation_id": ROOM, "seq": 2, "rev": rev,
            "duplicate": duplicate,
        })
    };
    assert_eq!(heard(&device.take(&ack(3, false)).unwrap()), [2]);
    assert!(matches!(device.take(&ack(3, true)).unwrap()[..], [News::Acked { duplicate: true, .. }]));
    for other in [json!("post c0-8"), json!("c0-9"), Value::Null] {
        let mut wrong = ack(4, false);
        wrong["ref"] = other;
        assert!(device.take(&wrong).is_err(), "it answers {}", wrong["ref"]);
    }
}

#[test]
fn what_the_contract_rules_out_is_an_error() {
    let mut device = caught_up();
    assert!(device.take(&message(2, 3, true)).is_err(), "nothing was asked");
    assert!(device.take(&json!({ "type": "reset" })).is_err());
    assert!(device.take(&json!({ "type": "ready", "epoch": Uuid::max() })).is_err());
    assert!(device.take(&json!({ "type": "news" })).is_err());
}
