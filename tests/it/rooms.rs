//! A room alone, with a writer that the test plays: whatever is lost, doubled or swapped on the way to it, its
//! devices hear every change once and in order.

use pneumatic::{
    actors::room::{Fetched, Reader, Retire, Suspect},
    domain::ids::Rev,
    wire::dialect::Dialect,
};

use crate::support::room::Stage;

#[actix_web::test]
async fn lost_doubled_and_swapped_changes_are_put_right() {
    let stage = Stage::set(1).await;
    let device = stage.join(1);
    stage.publish(&[2, 3]);
    stage.publish(&[3, 2]);
    device.hears(&[2, 3]).await;
    // 4 is late: it is waited for, then asked for; 5 and 7 are held back.
    stage.publish(&[5]);
    stage.publish(&[7]);
    assert_eq!(stage.fetch().await, (Reader::Room, 3));
    assert_eq!(device.heard(), [2, 3]);
    stage.answer((Reader::Room, 3), &[4, 5], 5, false);
    device.hears(&[2, 3, 4, 5]).await;
    assert_eq!(stage.fetch().await, (Reader::Room, 5), "there is still a hole");
    stage.publish(&[6]);
    device.hears(&[2, 3, 4, 5, 6, 7]).await;
    stage.answer((Reader::Room, 5), &[6, 7], 7, false);
    stage.publish(&[8]);
    device.hears(&[2, 3, 4, 5, 6, 7, 8]).await;
}

#[actix_web::test]
async fn a_suspicion_while_looking_is_not_forgotten() {
    let stage = Stage::set(1).await;
    let device = stage.join(1);
    stage.room.do_send(Suspect);
    assert_eq!(stage.fetch().await, (Reader::Room, 1));
    stage.room.do_send(Suspect);
    stage.answer((Reader::Room, 1), &[], 1, false);
    assert_eq!(stage.fetch().await, (Reader::Room, 1), "what was read may have been too early");
    stage.answer((Reader::Room, 1), &[2], 2, false);
    device.hears(&[2]).await;
}

#[actix_web::test]
async fn a_look_that_fails_is_repeated() {
    let stage = Stage::set(1).await;
    let device = stage.join(1);
    stage.publish(&[3]);
    assert_eq!(stage.fetch().await, (Reader::Room, 1));
    stage.room.do_send(Fetched { reader: Reader::Room, after: Rev(1), changes: None });
    assert_eq!(stage.fetch().await, (Reader::Room, 1));
    stage.answer((Reader::Room, 1), &[2, 3], 3, false);
    device.hears(&[2, 3]).await;
}

#[actix_web::test]
async fn a_late_device_is_told_what_it_missed_before_what_is_new() {
    let stage = Stage::set(5).await;
    let early = stage.join(5);
    let late = stage.join(2);
    let reader = Reader::Device(late.device);
    assert_eq!(stage.fetch().await, (reader, 2));
    stage.publish(&[6]);
    early.hears(&[6]).await;
    assert!(late.heard().is_empty(), "not before what it missed");
    stage.answer((reader, 2), &[3], 3, true);
    assert_eq!(stage.fetch().await, (reader, 3));
    // The database is ahead of the room by now; 6 comes once all the same.
    stage.answer((reader, 3), &[4, 5, 6], 6, false);
    late.hears(&[3, 4, 5, 6]).await;
    stage.publish(&[7]);
    late.hears(&[3, 4, 5, 6, 7]).await;
    early.hears(&[6, 7]).await;
}

#[actix_web::test]
async fn one_who_left_hears_no_more() {
    let stage = Stage::set(1).await;
    let (stays, goes, never) = (stage.join(1), stage.join(1), stage.join(0));
    stage.publish(&[2]);
    stays.hears(&[2]).await;
    goes.hears(&[2]).await;
    stage.leave(&goes);
    stage.leave(&never);
    let asked = stage.fetch().await;
    stage.answer(asked, &[1], asked.1 + 1, false);
    stage.publish(&[3]);
    stays.hears(&[2, 3]).await;
    assert_eq!((goes.heard(), never.heard()), (vec![2], vec![]));
}

/// What was asked for it before it left may be what it must not hear any more.
#[actix_web::test]
async fn one_who_came_back_hears_what_is_asked_anew() {
    let stage = Stage::set(9).await;
    let device = stage.join(2);
    let before = stage.fetch().await;
    stage.leave(&device);
    stage.join_as(&device, 7);
    let asked = stage.fetch().await;
    assert_eq!((before.1, asked.1), (2, 7));
    stage.answer(before, &[3, 4, 5], 5, true);
    stage.answer(asked, &[8, 9], 9, false);
    device.hears(&[8, 9]).await;
    stage.publish(&[10]);
    device.hears(&[8, 9, 10]).await;
}

/// Its device may have left by the time, or be about to come; or know already what the room hasn't delivered yet.
#[actix_web::test]
async fn a_sender_is_answered_wherever_its_device_stands() {
    let stage = Stage::set(5).await;
    let stays = stage.join(5);
    let [there, gone, ahead, late] = [5, 5, 9, 2].map(|since| stage.join_in(Dialect::V2, since));
    let asked = stage.fetch().await;
    assert_eq!(asked, (Reader::Device(late.device), 2));
    stage.leave(&gone);
    for (place, sender) in [&there, &gone, &ahead, &late].into_iter().enumerate() {
        stage.publish_from(sender, 6 + place as i64);
    }
    stays.hears(&[6, 7, 8, 9]).await;
    assert_eq!(late.frames(), "", "an ack of what comes after what it misses would look like a hole");
    stage.answer(asked, &[3, 4, 5], 5, false);
    for (sender, seq) in [(&there, 5), (&gone, 6), (&ahead, 7), (&late, 8)] {
        sender.is_told("\"ack\"").await;
        let frames = sender.frames();
        assert_eq!(frames.matches("\"ack\"").count(), 1, "{frames}");
        assert!(frames.contains(&format!("\"seq\":{seq}")), "{frames}");
    }
    assert_eq!(there.heard(), [7, 8, 9], "but not its own");
    assert_eq!(late.heard(), [3, 4, 5, 6, 7, 8, 9]);
    let frames = late.frames();
    assert!(frames.find("\"ack\"") > frames.find("\"<9>\""), "{frames}");
    assert!(gone.heard().is_empty());
}

/// Whoever is removed, or goes, or stays until the room ends, before it has been told what it misses.
#[actix_web::test]
async fn a_late_sender_is_answered_whatever_becomes_of_it() {
    let stage = Stage::set(5).await;
    let [removed, goes, stays] = [2, 2, 2].map(|since| stage.join_in(Dialect::V2, since));
    for (place, sender) in [&removed, &goes, &stays].into_iter().enumerate() {
        stage.publish_from(sender, 6 + place as i64);
    }
    let state = stage.state(9, &[&goes, &stays]);
    stage.publish_state(state);
    removed.is_told("\"ack\"").await;
    stage.leave(&goes);
    goes.is_told("\"ack\"").await;
    assert_eq!(stays.frames(), "");
    stage.room.do_send(Retire);
    stays.is_told("\"ack\"").await;
}

/// What waits behind a hole is answered also when the last device leaves before the hole is filled.
#[actix_web::test]
async fn a_sender_is_answered_when_the_room_ends() {
    let stage = Stage::set(5).await;
    let sender = stage.join_in(Dialect::V2, 5);
    stage.publish_from(&sender, 7);
    stage.leave(&sender);
    stage.room.do_send(Retire);
    sender.is_told("\"ack\"").await;
}

/// The database tells the present state: that somebody was removed may stand after much that was said since.
#[actix_web::test]
async fn one_who_was_removed_hears_nothing_that_a_look_brings() {
    let stage = Stage::set(5).await;
    let [stays, goes, ahead, late] = [5, 5, 6, 2].map(|since| stage.join_in(Dialect::V2, since));
    let late_asked = stage.fetch().await;
    stage.room.do_send(Suspect);
    let asked = stage.fetch().await;
    stage.answer_with(asked, &[6, 7, 8], Some(stage.state(12, &[&stays])), 8, true);
    stage.answer_with(late_asked, &[3, 4], Some(stage.state(12, &[&stays])), 4, true);
    let asked = stage.fetch().await;
    assert_eq!(asked.1, 8);
    stage.answer_with(asked, &[9, 10], Some(stage.state(12, &[&stays])), 12, false);
    stays.hears(&[6, 7, 8, 9, 10]).await;
    stays.is_told("\"conversation\"").await;
    for gone in [&goes, &ahead, &late] {
        gone.is_told("\"conversation_removed\"").await;
        stage.go(gone, Some(11));
        assert!(gone.heard().is_empty(), "{}", gone.frames());
    }
    stage.publish(&[13]);
    stays.hears(&[6, 7, 8, 9, 10, 13]).await;
    for gone in [&goes, &ahead, &late] {
        assert_eq!(gone.frames().matches("\"conversation_removed\"").count(), 1, "{}", gone.frames());
    }
}

#[actix_web::test]
async fn one_who_goes_before_it_was_told_why_is_told() {
    let stage = Stage::set(5).await;
    let [told, there, ahead, late] = [5, 5, 9, 2].map(|since| stage.join_in(Dialect::V2, since));
    let all = [&told, &there, &ahead, &late];
    stage.go(&told, Some(5));
    all[1..].iter().for_each(|goes| stage.go(goes, Some(7)));
    for goes in &all[1..] {
        goes.is_told("\"conversation_removed\"").await;
    }
    assert_eq!(told.frames(), "", "the room had told it by then");
}
