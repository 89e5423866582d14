//! A room alone, with a writer that the test plays, and devices that are buckets.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use actix::{Actor, Addr, Arbiter, Context, Handler};
use pneumatic::{
    actors::{
        device::DeviceKey,
        directory::Directory,
        hub::{Hub, HubHandle},
        online::Online,
        room::{Fetched, Join, Leave, Origin, Publish, Published, Reader, Room},
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

use super::{bucket::Bucket, eventually};

/// Keeps what it is asked.
#[derive(Clone, Default)]
pub struct Writer(pub Rc<RefCell<Vec<Fetch>>>);

impl Actor for Writer {
    type Context = Context<Self>;
}

impl Handler<Fetch> for Writer {
    type Result = ();

    fn handle(&mut self, fetch: Fetch, _: &mut Self::Context) {
        self.0.borrow_mut().push(fetch);
    }
}

pub struct Stage {
    pub room: Addr<Room>,
    pub asked: Writer,
    pub hub: HubHandle,
    pub conversation: ConversationId,
}

pub fn event(conversation: ConversationId, rev: i64) -> Event {
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

pub struct Listener {
    pub device: DeviceKey,
    pub user_id: UserId,
    pub dialect: Dialect,
    pub bucket: Rc<Bucket>,
}

impl Listener {
    /// All that has come so far.
    pub fn frames(&self) -> String {
        self.bucket.text()
    }

    /// The revs of the messages that have come so far.
    pub fn heard(&self) -> Vec<i64> {
        self.frames().split("\"<").skip(1).map(|rest| rest.split('>').next().unwrap().parse().unwrap()).collect()
    }

    pub async fn is_told(&self, word: &str) {
        eventually("the device is told", async || self.frames().contains(word)).await;
    }

    pub async fn hears(&self, expected: &[i64]) {
        eventually("the device hears it", async || self.heard() == expected).await;
    }
}

impl Stage {
    /// A room whose first look (every room begins with one) has found nothing new.
    pub async fn set(head: i64) -> Self {
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
    pub fn publish_from(&self, listener: &Listener, rev: i64) {
        let Listener { device, dialect, .. } = *listener;
        let origin = Some(Box::new(Origin { device, dialect, hub: self.hub.hub.clone(), reference: None }));
        self.room.do_send(Publish(vec![Published { event: event(self.conversation, rev), share: None, origin }]));
    }

    /// The conversation as it is after a change, with these members.
    pub fn state(&self, rev: i64, members: &[&Listener]) -> ConversationState {
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

    pub fn publish_state(&self, state: ConversationState) {
        let event = Event::conversation(Arc::new(state));
        self.room.do_send(Publish(vec![Published { event, share: None, origin: None }]));
    }

    pub fn publish(&self, revs: &[i64]) {
        let events = revs.iter().map(|rev| Published { event: event(self.conversation, *rev), share: None, origin: None });
        self.room.do_send(Publish(events.collect()));
    }

    /// What the room asks next: for whom, after which rev.
    pub async fn fetch(&self) -> (Reader, i64) {
        eventually("the room asks", async || !self.asked.0.borrow().is_empty()).await;
        let fetch = self.asked.0.borrow_mut().remove(0);
        (fetch.reader, fetch.after.0)
    }

    pub fn answer(&self, asked: (Reader, i64), revs: &[i64], upto: i64, more: bool) {
        self.answer_with(asked, revs, None, upto, more);
    }

    pub fn answer_with(
        &self,
        (reader, after): (Reader, i64),
        revs: &[i64],
        state: Option<ConversationState>,
        upto: i64,
        more: bool,
    ) {
        let mut events: Vec<Event> = revs.iter().map(|rev| event(self.conversation, *rev)).collect();
        let state = state.map(Arc::new);
        if let Some(state) = state.iter().find(|state| state.rev.0 <= upto) {
            let place = events.partition_point(|event| event.rev < state.rev);
            events.insert(place, Event::conversation(Arc::clone(state)));
        }
        let changes = Some(Changes { events, state, upto: Rev(upto), more });
        self.room.do_send(Fetched { reader, after: Rev(after), changes });
    }

    pub fn join(&self, since: i64) -> Listener {
        self.join_in(Dialect::V1, since)
    }

    pub fn join_in(&self, dialect: Dialect, since: i64) -> Listener {
        let (bucket, outbox) = Bucket::with_outbox();
        let user_id = UserId::fresh();
        let device = self.hub.outboxes.borrow_mut().register(outbox, user_id, dialect);
        let listener = Listener { device, user_id, dialect, bucket };
        self.join_as(&listener, since);
        listener
    }

    pub fn join_as(&self, listener: &Listener, since: i64) {
        let Listener { device, user_id, dialect, .. } = *listener;
        let hub = self.hub.hub.clone();
        self.room.do_send(Join { device, user_id, dialect, hub, since: Rev(since), names: None });
    }

    pub fn leave(&self, listener: &Listener) {
        self.go(listener, None);
    }

    pub fn go(&self, listener: &Listener, removed: Option<i64>) {
        self.room.do_send(Leave { device: listener.device, dialect: listener.dialect, removed: removed.map(Rev) });
    }
}
