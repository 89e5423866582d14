//! The database-writer actor: owns the store, decides the order, commits in groups, then publishes.
//!
//! Commands wait in lanes. A conversation always takes the same lane, so its order holds; what has gathered
//! in a lane while its last transaction ran goes into the next one.

mod handlers;
mod messages;

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use futures_util::FutureExt;
use tokio::sync::Semaphore;

pub use self::messages::{CheckLogins, Compare, Fetch, Locate, Post, Read, WereSeen, Write};
use super::{
    budget::Batch,
    comparing::{COMPARE, COMPARE_AGAIN, Compared, Comparing},
    confirming::{Confirm, Confirmed, Confirming},
    counting::{COUNTING_LANE, Counting},
    ended_logins::EndedLogins,
    job::{self, Chore, Finish, GuestSweep, Job},
    lane::{Lane, Next, Pending, Work},
    login_watch::{LOOK, LoginWatch, Looked, in_time},
    marking::{Mark, Marking},
    presence::{Located, LoginEnds},
    room::{Fetched, Published},
    teller::Teller,
    vital::Vital,
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{ConversationId, UserId},
        message::Posted,
        presence::Seen,
    },
    metrics::Metrics,
    store::{Committed, Lanes, Store},
};

/// Most messages read for a room at a time.
const FETCH_PAGE: u64 = 200;
/// Most reads for rooms at a time: when many devices come at once, their rooms mustn't take every connection.
const FETCHES: usize = 4;
/// How often it is tried to find out where people can be seen, while the database can't tell.
const LOCATE_TRIES: u32 = 60;
/// The pause in between.
const LOCATE_AGAIN: Duration = Duration::from_secs(1);
/// How often what has no more to say is deleted.
const SWEEP: Duration = Duration::from_secs(3_600);
/// How often a portion of the guests who haven't been here for long is forgotten, while there are more.
const GUEST_SWEEP: Duration = Duration::from_secs(1);
/// How often they are looked for when there were no more.
const GUEST_SWEEP_PAUSE: Duration = Duration::from_secs(60);
/// For how long the next posts of a lane are let gather while the last ones are on their way to the devices. What they bring
/// about comes back meanwhile, and goes into one transaction instead of two.
const GATHER: Duration = Duration::from_millis(2);
/// How often what was counted is stored, and the pools are looked at.
const COUNTING: Duration = Duration::from_secs(2);

#[derive(Message)]
#[rtype(result = "()")]
struct Start(usize);

/// What has been marked as read in a lane is to be stored.
#[derive(Message)]
#[rtype(result = "()")]
struct StoreMarks(usize);

#[derive(Message)]
#[rtype(result = "()")]
struct Finished {
    lane: usize,
    done: Done,
}

enum Done {
    Posts(Vec<Pending>, Committed),
    Job(Finish),
    /// Of these conversations it isn't known what was stored.
    Panicked(Vec<ConversationId>),
}

/// The actor.
pub struct DbWriter {
    store: Arc<Store>,
    lanes: Vec<Lane>,
    /// By lane.
    marking: Vec<Marking>,
    teller: Teller,
    /// Whether there may be other nodes.
    has_others: bool,
    ended: EndedLogins,
    metrics: Arc<Metrics>,
    fetches: Arc<Semaphore>,
    counting: Counting,
    watch: LoginWatch,
    comparing: Comparing,
    confirming: Confirming,
    guests: GuestSweep,
    sweeping: Chore,
    more_guests: Arc<AtomicBool>,
    swept_at: Option<Instant>,
    /// When people were last here, and isn't stored yet.
    seen: HashMap<UserId, Timestamp>,
    noting: Chore,
    _vital: Vital,
}

impl DbWriter {
    /// An idle writer. Must be started on the thread on which the store was opened.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        store: Arc<Store>,
        Lanes(lanes): Lanes,
        teller: Teller,
        has_others: bool,
        ended: EndedLogins,
        guests: GuestSweep,
        metrics: Arc<Metrics>,
        vital: Vital,
    ) -> Self {
        let (watch, comparing) = (LoginWatch::new(ended.now()), Comparing::new(ended.now()));
        Self {
            store,
            lanes: (0..lanes).map(|_| Lane::default()).collect(),
            marking: (0..lanes).map(|_| Marking::default()).collect(),
            teller,
            has_others,
            ended,
            metrics,
            fetches: Arc::new(Semaphore::new(FETCHES)),
            counting: Counting::default(),
            watch,
            comparing,
            confirming: Confirming::default(),
            guests,
            sweeping: Chore::default(),
            more_guests: Arc::default(),
            swept_at: None,
            seen: HashMap::new(),
            noting: Chore::default(),
            _vital: vital,
        }
    }

    /// The number of a lane.
    fn lane(&self, key: u64) -> usize {
        (key % self.lanes.len() as u64) as usize
    }

    fn enqueue(&mut self, key: u64, work: Work, ctx: &mut Context<Self>) {
        let number = self.lane(key);
        if self.lanes[number].push(work) {
            // Behind what the mailbox holds already, so that it all goes into one transaction.
            ctx.notify(Start(number));
        }
    }

    fn start_next(&mut self, number: usize, ctx: &Context<Self>) {
        let now = Instant::now();
        let (drafts, mut pending) = match self.lanes[number].next() {
            None => return,
            Some(Next::Job(job)) => {
                let job = job(Arc::clone(&self.store));
                return run(number, ctx.address(), Vec::new(), async move { Done::Job(job.await) });
            }
            Some(Next::Batch(drafts, pending)) => (drafts, pending),
        };
        let batch = drafts.len();
        for post in &mut pending {
            self.metrics.waited(post.share.held(now));
            post.share.journey.commit(batch);
        }
        let (store, metrics) = (Arc::clone(&self.store), Arc::clone(&self.metrics));
        let conversations = drafts.iter().map(|draft| draft.post.conversation_id).collect();
        run(number, ctx.address(), conversations, async move {
            let committed = store.post(&drafts).await;
            metrics.committed(batch, now.elapsed());
            pending.iter_mut().for_each(|post| post.share.journey.committed());
            Done::Posts(pending, committed)
        });
    }

    fn settle(&self, pending: Vec<Pending>, committed: Committed, batch: &Batch) {
        let Committed { outcomes, events, doubtful } = committed;
        self.metrics.settled(&outcomes);
        let mut events = events.into_iter();
        // Neighbours of one conversation go to its room together.
        let mut together: Vec<Published> = Vec::new();
        let mut replies = Vec::with_capacity(pending.len());
        for (Pending { mut share, origin, reply }, outcome) in pending.into_iter().zip(outcomes) {
            if let Ok(Posted::New(_)) = outcome
                && let Some(event) = events.next()
            {
                share.watch(self.metrics.deliveries());
                share.join(batch);
                share.journey.fan_out();
                together.push(Published { event, share: Some(share), origin });
            }
            replies.push((reply, outcome));
        }
        // A stable sort: order within a conversation, the only one there is, stays.
        together.sort_by_key(|published| published.event.conversation_id);
        while let Some(last) = together.last() {
            let conversation = last.event.conversation_id;
            let first = together.partition_point(|published| published.event.conversation_id < conversation);
            self.teller.said(conversation, together.split_off(first));
        }
        for (reply, outcome) in replies {
            // Whoever asked may have gone; the message is stored all the same.
            drop(reply.send(outcome));
        }
        for conversation in doubtful {
            self.teller.doubt(conversation);
        }
    }

    /// Stores when people were last here, one portion at a time; what comes meanwhile goes with the next.
    fn note_seen(&mut self, ctx: &mut Context<Self>) {
        if self.seen.is_empty() {
            return;
        }
        if let Some(turn) = self.noting.turn() {
            let people = std::mem::take(&mut self.seen).into_iter().map(|(user_id, at)| Seen { user_id, at }).collect();
            self.enqueue(COUNTING_LANE, Work::Job(Box::new(|store| job::seen(store, people, turn))), ctx);
        }
    }

    fn compare(&mut self, thoroughly: bool, ctx: &Context<Self>) {
        let (store, teller, now) = (Arc::clone(&self.store), self.teller.clone(), self.ended.now());
        let hears_all = self.teller.hears_all();
        if let Some(comparison) = self.comparing.begin(store, teller, now, thoroughly, hears_all) {
            let writer = ctx.address();
            actix::spawn(async move {
                let compared = AssertUnwindSafe(comparison).catch_unwind().await;
                writer.do_send(compared.unwrap_or_else(|_| Compared::broken(thoroughly)));
            });
        }
    }

    fn confirm(&mut self, ctx: &Context<Self>) {
        if let Some(work) = self.confirming.next(&self.store) {
            let writer = ctx.address();
            actix::spawn(async move {
                work.await;
                writer.do_send(Confirmed);
            });
        }
    }

    fn look_for_ended(&mut self, ctx: &Context<Self>) {
        if let Some(look) = self.watch.look(Arc::clone(&self.store), self.ended.now()) {
            let writer = ctx.address();
            actix::spawn(async move { writer.do_send(look.await) });
        }
    }
}

/// Runs a lane's work beside the actor, and tells it the end whatever happens.
fn run(lane: usize, writer: Addr<DbWriter>, conversations: Vec<ConversationId>, work: impl Future<Output = Done> + 'static) {
    actix::spawn(async move {
        let done = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Done::Panicked(conversations));
        writer.do_send(Finished { lane, done });
    });
}

impl Actor for DbWriter {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(SWEEP, |writer, ctx| writer.enqueue(0, Work::Job(Box::new(job::sweep)), ctx));
        ctx.run_interval(COUNTING, |writer, ctx| {
            for (name, open, idle) in writer.store.pools() {
                writer.metrics.pool(name, open, idle);
            }
            writer.note_seen(ctx);
            if let Some(job) = writer.counting.next(&writer.metrics) {
                writer.enqueue(COUNTING_LANE, Work::Job(job), ctx);
            }
        });
        ctx.run_interval(LOOK, |writer, ctx| writer.look_for_ended(ctx));
        if self.has_others {
            ctx.run_interval(COMPARE, |writer, ctx| writer.compare(false, ctx));
        }
        ctx.run_interval(GUEST_SWEEP, |writer, ctx| {
            // Who is on other nodes has to be known for it.
            if writer.has_others && !writer.teller.hears_all() {
                writer.swept_at = Some(Instant::now());
                return;
            }
            let due = writer.swept_at.is_none_or(|at| at.elapsed() >= GUEST_SWEEP_PAUSE);
            if (due || writer.more_guests.load(Ordering::Relaxed))
                && let Some(turn) = writer.sweeping.turn()
            {
                writer.swept_at = Some(Instant::now());
                let (guests, more) = (writer.guests.clone(), Arc::clone(&writer.more_guests));
                let job: Job = Box::new(|store| job::forget_guests(store, guests, more, turn));
                writer.enqueue(COUNTING_LANE, Work::Job(job), ctx);
            }
        });
    }
}

/// Lets a lane go on once its last posts have been pushed to the devices, or have had their time.
fn gather(lane: usize, writer: Addr<DbWriter>, pushed: impl Future<Output = ()> + 'static) {
    actix::spawn(async move {
        // Either way it goes on.
        let _ = tokio::time::timeout(GATHER, pushed).await;
        writer.do_send(Start(lane));
    });
}

/// Spreads ids over lanes. The last bits of a UUID v7 are random.
pub(super) fn lane_key(id: uuid::Uuid) -> u64 {
    id.as_u64_pair().1
}
