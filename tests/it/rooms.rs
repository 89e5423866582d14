//! A room alone, with a writer that the test plays: whatever is lost, doubled or swapped on the way to it, its
//! devices hear every change once and in order.

use std::{cell::RefCell, rc::Rc, sync::Arc, task::Waker, time::Instant};

use actix::{Actor, Addr, Arbiter, Context, Handler};
use pneumatic::{
    actors::{
        device::DeviceKey,
        directory::Directory,
        hub::{Hub, HubHandle},
        online::Online,
        outbox::Outbox,
        room::{Fetched, FetchedChanges, Join, Leave, Publish, Published, Reader, Room, Suspect},
        vital::Vital,
        writer::Fetch,
    },
    domain::{
        clock::Clock,
        event::Event,
        ids::{ConversationId, MessageKey, Rev, Seq, UserId},
        message::Message,
        text::{Content, MessageId},
    },
    metrics::Metrics,
    wire::dialect::Dialect,
};

use crate::support::eventually;

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
    outbox: Rc<Outbox>,
    heard: RefCell<Vec<i64>>,
}

impl Listener {
    /// The revs of what has come so far.
    fn heard(&self) -> Vec<i64> {
        while let std::task::Poll::Ready(Some(frames)) = self.outbox.poll_next(Waker::noop()) {
            let text = String::from_utf8_lossy(&frames).into_owned();
            let revs = text.split("\"<").skip(1).map(|rest| rest.split('>').next().unwrap().parse::<i64>().unwrap());
            self.heard.borrow_mut().extend(revs);
        }
        self.heard.borrow().clone()
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
        let directory = Directory::new(Arbiter::current(), Online::default());
        let (vital, _broken) = Vital::signs();
        let hub = Hub::start_here(0, Metrics::new(Clock::system()), vital("hub"));
        let room = Room::new(conversation, Rev(head), writer, Arc::clone(&directory), Online::default()).start();
        let stage = Self { room, asked, hub, conversation };
        assert_eq!(stage.fetch().await, (Reader::Room, head));
        stage.answer((Reader::Room, head), &[], head, false);
        stage
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

    fn answer(&self, (reader, after): (Reader, i64), revs: &[i64], upto: i64, more: bool) {
        let events = revs.iter().map(|rev| event(self.conversation, *rev)).collect();
        let changes = Some(FetchedChanges { events, upto: Rev(upto), more });
        self.room.do_send(Fetched { reader, after: Rev(after), changes });
    }

    fn join(&self, since: i64) -> Listener {
        let outbox = Rc::new(Outbox::new(Instant::now()));
        let user_id = UserId::fresh();
        let device = self.hub.outboxes.borrow_mut().register(Rc::clone(&outbox), user_id, Dialect::V1);
        let listener = Listener { device, user_id, outbox, heard: RefCell::default() };
        self.join_as(&listener, since);
        listener
    }

    fn join_as(&self, listener: &Listener, since: i64) {
        let Listener { device, user_id, .. } = *listener;
        let hub = self.hub.hub.clone();
        self.room.do_send(Join { device, user_id, dialect: Dialect::V1, hub, since: Rev(since), names: None });
    }

    fn leave(&self, listener: &Listener) {
        self.room.do_send(Leave { device: listener.device, dialect: Dialect::V1 });
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
