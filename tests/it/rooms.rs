//! A room alone, with a writer that the test plays: whatever is lost, doubled or swapped on the way to it, its
//! devices hear every change once and in order.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix::{Actor, Addr, Arbiter, Context, Handler};
use pneumatic::{
    actors::{
        device::DeviceKey,
        directory::Directory,
        hub::{Hub, HubHandle},
        online::Online,
        room::{Fetched, Join, Leave, Origin, Publish, Published, Reader, Retire, Room, Suspect},
        vital::Vital,
        writer::Fetch,
    },
    backplane::{Alone, Backplane, NodeId},
    domain::{
        clock::Clock,
        conversation::ConversationState,
        event::{Changes, Event},
        ids::{ConversationId, MessageKey, Rev, Seq, UserId},
        message::Message,
        text::{Content, MessageId},
    },
    metrics::Metrics,
    wire::dialect::Dialect,
};

use crate::support::{bucket::Bucket, eventually};

/// Keeps what it is asked.
#[derive(Clone, Default)]
struct Writer(Rc<RefCell<Vec<Fetch>>>);

impl Actor for Writer {
    type Context = Context<Self>;
}

impl Handler<Fetch> for Writer {
    type Result = ();

    fn handle(&mut self, fetch: Fetch, _: &mut Self::Context) {
        self.0.borrow_mut().push(fetch);
    }
}

struct Stage {
    room: Addr<Room>,
    asked: Writer,
    hub: HubHandle,
    conversation: ConversationId,
}

fn event(conversation: ConversationId, rev: i64) -> Event {
    Event::message(Message {
        id: MessageKey::fresh(),
        message_id: MessageId::parse(rev.to_string()).unwrap(),
        sender_id: UserId::fresh(),
        conversation_id: conversation,
        content: Content::parse(format!("<{rev}>")).unwrap(),
        created_at: chrono::Utc::now(),
        seq: Seq(rev - 1),
        rev: Rev(rev),
    })
}

struct Listener {
    device: DeviceKey,
    user_id: UserId,
    dialect: Dialect,
    bucket: Rc<Bucket>,
}

impl Listener {
    /// All that has come so far.
    fn frames(&self) -> String {
        self.bucket.text()
    }

    /// The revs of the messages that have come so far.
    fn heard(&self) -> Vec<i64> {
        self.frames().split("\"<").skip(1).map(|rest| rest.split('>').next().unwrap().parse().unwrap()).collect()
    }

    async fn is_told(&self, word: &str) {
        eventually("the device is told", async || self.frames().contains(word)).await;
    }

    async fn hears(&self, expected: &[i64]) {
        eventually("the device hears it", async || self.heard() == expected).await;
    }
}

impl Stage {
    /// A room whose first look (every room begins with one) has found nothing new.
    async fn set(head: i64) -> Self {
        let conversation = ConversationId::fresh();
        let asked = Writer::default();
        let writer = asked.clone().start().recipient();
        let directory = Directory::new(Arbiter::current(), Online::default(), Backplane::new(NodeId::fresh(), Alone));
        let (vital, _broken) = Vital::signs();
        let hub = Hub::start_here(0, Metrics::new(Clock::system()), vital("hub"));
        let room = Room::new(conversation, Rev(head), writer, Arc::clone(&directory), Online::default()).start();
        let stage = Self { room, asked, hub, conversation };
        assert_eq!(stage.fetch().await, (Reader::Room, head));
        stage.answer((Reader::Room, head), &[], head, false);
        stage
    }

    /// A message of this device's.
    fn publish_from(&self, listener: &Listener, rev: i64) {
        let Listener { device, dialect, .. } = *listener;
        let origin = Some(Box::new(Origin { device, dialect, hub: self.hub.hub.clone(), reference: None }));
        self.room.do_send(Publish(vec![Published { event: event(self.conversation, rev), share: None, origin }]));
    }

    /// The conversation as it is after a change, with these members.
    fn state(&self, rev: i64, members: &[&Listener]) -> ConversationState {
        let mut members: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
        members.sort_unstable();
        ConversationState {
            id: self.conversation,
            title: None,
            direct: false,
            owners: Vec::new(),
            members,
            reads: Default::default(),
            last_seq: Seq(0),
            rev: Rev(rev),
            created_at: chrono::Utc::now(),
            last_message_at: chrono::Utc::now(),
        }
    }

    fn publish(&self, revs: &[i64]) {
        let events = revs.iter().map(|rev| Published { event: event(self.conversation, *rev), share: None, origin: None });
        self.room.do_send(Publish(events.collect()));
    }

    /// What the room asks next: for whom, after which rev.
    async fn fetch(&self) -> (Reader, i64) {
        eventually("the room asks", async || !self.asked.0.borrow().is_empty()).await;
        let fetch = self.asked.0.borrow_mut().remove(0);
        (fetch.reader, fetch.after.0)
    }

    fn answer(&self, asked: (Reader, i64), revs: &[i64], upto: i64, more: bool) {
        self.answer_with(asked, revs, None, upto, more);
    }

    fn answer_with(&self, (reader, after): (Reader, i64), revs: &[i64], state: Option<ConversationState>, upto: i64, more: bool) {
        let mut events: Vec<Event> = revs.iter().map(|rev| event(self.conversation, *rev)).collect();
        let state = state.map(Arc::new);
        if let Some(state) = state.iter().find(|state| state.rev.0 <= upto) {
            let place = events.partition_point(|event| event.rev < state.rev);
            events.insert(place, Event::conversation(Arc::clone(state)));
        }
        let changes = Some(Changes { events, state, upto: Rev(upto), more });
        self.room.do_send(Fetched { reader, after: Rev(after), changes });
    }

    fn join(&self, since: i64) -> Listener {
        self.join_in(Dialect::V1, since)
    }

    fn join_in(&self, dialect: Dialect, since: i64) -> Listener {
        let (bucket, outbox) = Bucket::with_outbox();
        let user_id = UserId::fresh();
        let device = self.hub.outboxes.borrow_mut().register(outbox, user_id, dialect);
        let listener = Listener { device, user_id, dialect, bucket };
        self.join_as(&listener, since);
        listener
    }

    fn join_as(&self, listener: &Listener, since: i64) {
        let Listener { device, user_id, dialect, .. } = *listener;
        let hub = self.hub.hub.clone();
        self.room.do_send(Join { device, user_id, dialect, hub, since: Rev(since), names: None });
    }

    fn leave(&self, listener: &Listener) {
        self.go(listener, None);
    }

    fn go(&self, listener: &Listener, removed: Option<i64>) {
        self.room.do_send(Leave { device: listener.device, dialect: listener.dialect, removed: removed.map(Rev) });
    }
}

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
    stage.leave(&gone);
    for (place, sender) in [&there, &gone, &ahead, &late].into_iter().enumerate() {
        stage.publish_from(sender, 6 + place as i64);
    }
    stays.hears(&[6, 7, 8, 9]).await;
    for (sender, seq) in [(&there, 5), (&gone, 6), (&ahead, 7), (&late, 8)] {
        sender.is_told("\"ack\"").await;
        let frames = sender.frames();
        assert_eq!(frames.matches("\"ack\"").count(), 1, "{frames}");
        assert!(frames.contains(&format!("\"seq\":{seq}")), "{frames}");
    }
    assert_eq!(there.heard(), [7, 8, 9], "but not its own");
    assert!(gone.heard().is_empty());
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
