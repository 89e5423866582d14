//! The exact client alone, with a server that the test plays.

mod stage;

use serde_json::{Value, json};

use self::stage::{ANN, BOB, ROOM, Stage, ack, conversation, message, read, removed, resumed};
use crate::support::client::State;

#[test]
fn the_next_is_applied_and_a_known_one_is_not() {
    let mut stage = Stage::with(1);
    for seq in [2, 2, 3, 1, 3] {
        stage.hear(message(BOB, seq));
    }
    assert_eq!((stage.holds(), stage.rev()), (vec![1, 2, 3], Some(4)));
    assert!(stage.is_settled());
}

#[test]
fn behind_a_hole_it_keeps_and_asks() {
    let mut stage = Stage::with(1);
    stage.hear(message(BOB, 4));
    assert_eq!(stage.asks(), json!({ ROOM: 2 }));
    stage.hear(message(BOB, 5));
    assert_eq!(stage.holds(), [1]);
    (2..=4).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(5));
    assert_eq!((stage.holds(), stage.rev()), (vec![1, 2, 3, 4, 5], Some(6)));
    assert!(stage.is_settled());
}

#[test]
fn an_answer_is_no_older_than_its_question() {
    let mut stage = Stage::with(1);
    stage.hear(message(BOB, 4));
    assert!(stage.try_end(Some(4)).unwrap_err().contains("before the question"));
}

#[test]
fn what_came_meanwhile_is_applied_after_the_heads() {
    let mut stage = Stage::with(1);
    stage.hear(message(BOB, 3));
    stage.asks();
    stage.hear(message(BOB, 4));
    stage.hear(message(BOB, 4));
    stage.hear(conversation(6, 4, json!({})));
    (2..=3).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(4));
    assert_eq!((stage.holds(), stage.rev()), (vec![1, 2, 3, 4], Some(6)));
    assert_eq!(stage.0.views()[ROOM].title.as_deref(), Some("as of 6"));
    assert!(stage.is_settled());
}

#[test]
fn a_hole_in_what_came_meanwhile_is_asked_about_again() {
    let mut stage = Stage::with(1);
    stage.0.resume();
    stage.hear(message(BOB, 4));
    stage.end(Some(2));
    assert_eq!(stage.asks(), json!({ ROOM: 2 }));
    (2..=4).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(5));
    assert_eq!(stage.holds(), [1, 2, 3, 4]);
    assert!(stage.is_settled());
}

#[test]
fn a_head_that_covers_what_was_not_told_is_found_out() {
    let mut stage = Stage::with(1);
    stage.0.resume();
    stage.hear(message(BOB, 2));
    assert!(stage.try_end(Some(3)).unwrap_err().contains("never told"));
}

#[test]
fn a_new_conversation_needs_no_cursor_and_any_other_does() {
    let mut stage = Stage::set();
    stage.end(None);
    stage.hear(conversation(1, 0, json!({})));
    stage.hear(message(BOB, 1));
    assert_eq!((stage.holds(), stage.rev()), (vec![1], Some(2)));
    let mut stage = Stage::set();
    stage.end(None);
    stage.hear(conversation(5, 3, json!({})));
    assert_eq!((stage.asks(), stage.rev()), (json!({}), None));
    stage.hear(resumed(conversation(5, 3, json!({}))));
    (1..=3).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(5));
    assert_eq!((stage.holds(), stage.rev()), (vec![1, 2, 3], Some(5)));
}

#[test]
fn an_ack_says_what_the_message_would() {
    let (mut here, mut there) = (Stage::with(1), Stage::with(1));
    here.0.post(ROOM, "m-2", "text 2".into());
    assert_eq!(here.0.frames()[0]["content"], "text 2");
    here.hear(ack(2, false));
    there.hear(message(ANN, 2));
    assert_eq!(here.0.messages(ROOM), there.0.messages(ROOM));
    assert_eq!(here.0.views(), there.0.views());
    assert_eq!(here.0.views()[ROOM].unread, 0, "posting is reading");
    assert!(here.0.apply(&ack(2, true)).is_err(), "nothing waits for it");
}

#[test]
fn an_ack_during_a_resume_waits_with_its_text() {
    let mut stage = Stage::with(1);
    stage.0.post(ROOM, "m-2", "text 2".into());
    stage.0.resume();
    assert_eq!(stage.0.frames().len(), 2);
    stage.hear(ack(2, false));
    assert_eq!(stage.holds(), [1]);
    stage.end(Some(2));
    assert_eq!(stage.0.messages(ROOM).unwrap()[&2].content, "text 2");
    assert!(stage.is_settled());
}

#[test]
fn posts_without_an_ack_go_again_after_the_resume() {
    let mut stage = Stage::with(1);
    stage.0.post(ROOM, "m-2", "text 2".into());
    stage.0.frames();
    stage.0.closed();
    stage.0.post(ROOM, "m-3", "text 3".into());
    assert!(stage.0.frames().is_empty());
    stage.greet();
    assert_eq!(stage.asks(), json!({ ROOM: 2 }));
    stage.hear(resumed(message(ANN, 2)));
    stage.end(Some(3));
    let again: Vec<Value> = stage.0.frames().iter().map(|frame| frame["message_id"].clone()).collect();
    assert_eq!(again, ["m-2", "m-3"]);
    stage.hear(ack(2, true));
    stage.hear(ack(3, false));
    assert_eq!(stage.holds(), [1, 2, 3]);
    assert!(stage.is_settled());
}

#[test]
fn a_repeat_of_something_old_opens_no_gap() {
    let mut stage = Stage::set();
    stage.0.post(ROOM, "m-2", "text 2".into());
    stage.hear(resumed(conversation(1, 60, json!({}))));
    (11..=60).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(61));
    stage.0.frames();
    stage.hear(ack(2, true));
    assert_eq!(stage.holds()[0], 11);
}

#[test]
fn what_is_refused_for_now_is_said_again() {
    let mut stage = Stage::with(1);
    let refusal = |name: &str, code: &str| json!({ "type": "error", "ref": name, "code": code, "reason": "" });
    stage.0.post(ROOM, "m-2", "text 2".into());
    stage.0.frames();
    stage.hear(refusal("post m-2", "busy"));
    assert!(stage.0.frames().is_empty(), "not at once");
    stage.0.insist();
    assert_eq!(stage.0.frames()[0]["message_id"], "m-2");
    stage.hear(refusal("post m-2", "not_a_member"));
    stage.0.insist();
    assert!(stage.is_settled());
    stage.0.resume();
    let name = stage.0.frames()[0]["ref"].clone();
    stage.hear(refusal(name.as_str().unwrap(), "unavailable"));
    stage.hear(message(BOB, 2));
    assert_eq!(stage.holds(), [1]);
    stage.0.insist();
    stage.asks();
    stage.hear(resumed(message(BOB, 2)));
    stage.end(Some(3));
    assert_eq!(stage.holds(), [1, 2]);
    stage.0.read(ROOM, 2);
    let name = stage.0.frames()[0]["ref"].clone();
    assert!(stage.0.apply(&refusal(name.as_str().unwrap(), "invalid")).is_err());
}

#[test]
fn a_reset_forgets_all_but_what_was_not_said() {
    let mut stage = Stage::with(3);
    stage.0.post(ROOM, "m-2", "text 2".into());
    stage.0.closed();
    stage.greet();
    let name = stage.0.frames()[0]["ref"].clone();
    stage.hear(json!({ "type": "reset", "ref": name, "epoch": "e", "resumed": true }));
    assert!(stage.0.views().is_empty());
    stage.hear(resumed(conversation(1, 1, json!({}))));
    stage.hear(resumed(message(BOB, 1)));
    stage.end(Some(2));
    assert_eq!(stage.holds(), [1]);
    assert_eq!(stage.0.frames()[0]["message_id"], "m-2");
}

#[test]
fn a_removal_is_the_end_and_a_return_a_new_beginning() {
    let mut stage = Stage::with(3);
    stage.hear(removed());
    assert!(stage.0.views().is_empty());
    stage.hear(conversation(6, 60, json!({ ANN: 60 })));
    assert_eq!(stage.asks(), json!({}));
    stage.hear(resumed(conversation(6, 60, json!({ ANN: 60 }))));
    (11..=60).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(62));
    assert_eq!((stage.holds()[0], stage.rev(), stage.0.views()[ROOM].unread), (11, Some(62), 0));
}

#[test]
fn a_removal_during_a_resume_waits_for_its_turn() {
    let mut stage = Stage::with(1);
    stage.0.resume();
    stage.hear(message(BOB, 2));
    stage.hear(removed());
    stage.end(Some(2));
    assert!(stage.0.views().is_empty());
    assert!(stage.is_settled());
    // And one that is over again.
    let mut stage = Stage::with(1);
    stage.0.resume();
    stage.hear(removed());
    stage.hear(conversation(4, 1, json!({})));
    stage.end(Some(2));
    assert_eq!((stage.asks(), stage.rev()), (json!({}), None));
}

#[test]
fn a_straggler_after_a_removal_is_asked_about_once() {
    let mut stage = Stage::with(1);
    stage.hear(removed());
    stage.hear(message(BOB, 2));
    stage.asks();
    stage.end(None);
    assert!(stage.0.views().is_empty());
    assert!(stage.is_settled());
}

#[test]
fn who_is_not_in_heads_is_forgotten() {
    let mut stage = Stage::with(1);
    stage.0.resume();
    stage.end(None);
    assert!(stage.0.views().is_empty());
    assert!(stage.is_settled());
}

#[test]
fn half_an_answer_leaves_no_gap() {
    let mut stage = Stage::set();
    stage.hear(resumed(conversation(1, 50, json!({}))));
    (1..=20).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.0.closed();
    stage.greet();
    assert_eq!(stage.asks(), json!({}));
    stage.hear(resumed(conversation(1, 90, json!({}))));
    (41..=90).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
    stage.end(Some(91));
    assert_eq!(stage.holds(), (41..=90).collect::<Vec<i64>>());
}

#[test]
fn marks_never_move_backwards() {
    let mut stage = Stage::set();
    let marks = |stage: &Stage| stage.0.views()[ROOM].reads.clone();
    stage.end(None);
    // A mark has no rev: it may overtake the conversation, and what it was taken from may be older.
    stage.hear(read(BOB, 2));
    stage.hear(conversation(1, 0, json!({})));
    assert_eq!(marks(&stage), [(BOB.to_owned(), 2)].into());
    stage.hear(message(BOB, 1));
    stage.hear(message(BOB, 2));
    stage.hear(read("a stranger", 2));
    stage.hear(read(BOB, 1));
    stage.hear(conversation(4, 2, json!({ BOB: 1, ANN: 1 })));
    assert_eq!(marks(&stage), [(ANN.to_owned(), 1), (BOB.to_owned(), 2)].into());
    assert_eq!(stage.0.views()[ROOM].unread, 1);
}

#[test]
fn an_older_state_does_not_replace_a_newer_one() {
    let mut stage = Stage::with(1);
    stage.0.resume();
    // The page was read after the head was.
    stage.hear(resumed(conversation(4, 1, json!({}))));
    stage.hear(conversation(3, 1, json!({})));
    stage.end(Some(2));
    let view = stage.0.views()[ROOM].clone();
    assert_eq!((view.rev, view.title.as_deref()), (3, Some("as of 4")));
}

#[test]
fn what_the_contract_rules_out_is_told() {
    let greeting = json!({ "type": "ready", "epoch": "e" });
    assert!(State::new(ANN).apply(&message(BOB, 1)).is_err(), "before the greeting");
    assert!(Stage::set().0.apply(&greeting).is_err(), "twice");
    assert!(Stage::with(1).0.apply(&resumed(message(BOB, 2))).is_err(), "nobody asked");
    assert!(Stage::with(1).0.apply(&ack(2, false)).is_err(), "nobody posted");
    let mut stage = Stage::with(3);
    stage.0.resume();
    assert!(stage.try_end(Some(3)).is_err(), "a head below the cursor");
    let mut other = message(BOB, 1);
    other["message"]["id"] = json!("another");
    assert!(Stage::with(1).0.apply(&other).is_err(), "two of one seq");
    let mut late = message(BOB, 3);
    late["message"]["rev"] = json!(3);
    assert!(Stage::with(1).0.apply(&late).is_err(), "a seq is missing");
    let mut stage = Stage::with(1);
    stage.0.resume();
    stage.hear(resumed(message(BOB, 3)));
    assert!(stage.0.apply(&resumed(message(BOB, 2))).is_err(), "out of order");
}

/// Whatever is lost, doubled or swapped on the way, and however often the connection ends: in the end all is known.
#[test]
fn any_way_leads_to_the_same_end() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut stage = Stage::with(0);
        let (mut head, mut under_way) = (0, Vec::new());
        for _ in 0..60 {
            match rng.u32(..10) {
                0..4 => {
                    head += 1;
                    under_way.extend(std::iter::repeat_n(head, rng.usize(..3)));
                }
                4..7 if !under_way.is_empty() => {
                    let next = rng.usize(..under_way.len().min(3));
                    stage.hear(message(BOB, under_way.remove(next)));
                }
                7 => stage.0.resume(),
                8 => {
                    stage.0.closed();
                    stage.greet();
                    under_way.clear();
                }
                _ => stage.answer(head),
            }
        }
        stage.hear(message(BOB, head + 1));
        while !stage.is_settled() {
            stage.answer(head + 1);
        }
        assert_eq!((stage.holds(), stage.rev()), ((1..=head + 1).collect(), Some(head + 2)), "seed {seed}");
    }
}
