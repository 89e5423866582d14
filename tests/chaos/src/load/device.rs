//! A device on a v2 socket: listens, sends if that is its habit, goes away at times, comes back and resumes.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{timeout, timeout_at},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};

use super::{
    Phase, Reply, Scene,
    knowledge::{Knowledge, News, POST},
    link::{End, Link},
    posts::Posts,
    socket::{self, Opening},
};
use crate::{
    Outcome,
    journal::{
        entry::{Ack, Answer, Cut, Entry, Heard, PASSING, Refused, SOCKET, Send, Unanswered},
        numbers::{ClientNo, Moment, PersonNo, RoomNo},
    },
    words,
};

/// The longest it sleeps before it looks up.
const TICK: Duration = Duration::from_millis(50);
/// Between signs of life of its own.
const PING: Duration = Duration::from_millis(1_500);
/// How long the server may be silent before the device gives the connection up.
const SILENCE: Duration = Duration::from_secs(5);
/// The same where everything is slow: connections that were made silent have to be noticed while the run lasts.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// How long an acknowledgement may take.
const ACKNOWLEDGING: Duration = Duration::from_secs(3);
/// How long a frame may take to leave.
const SENDING: Duration = Duration::from_secs(3);
/// Before a refused post or question is tried again.
const PUT_OFF: Duration = Duration::from_millis(100);
/// Before the next connection after one on which the contract was broken.
const AFTER_BROKEN: Duration = Duration::from_millis(300);
/// Close codes after which a client comes back (docs/API.md), and the ends of its own goodbye.
const GOOD_CLOSES: [u16; 6] = [1000, 1001, 1005, 1012, 4408, 4503];
/// Refusals that mean: not here.
const FOREIGN: [&str; 2] = ["not_a_member", "unknown_conversation"];

/// What a device does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Messages that it has under way at a time; 0: it only listens.
    pub(super) window: usize,
    /// Whether it sends again what got no answer.
    pub(super) insists: bool,
    /// Between messages, on the average.
    pub(super) pause: Duration,
    /// Whether it goes away again and again.
    pub(super) restless: bool,
    /// Whether it comes by a ticket rather than by its token.
    pub(super) by_ticket: bool,
}

/// One.
pub(super) struct Device {
    scene: Arc<Scene>,
    client: ClientNo,
    person: PersonNo,
    habits: Habits,
    random: Rng,
    known: Knowledge,
    posts: Posts,
    made: u32,
    post_at: Instant,
    resume_at: Option<Instant>,
    out: VecDeque<Value>,
    /// When its connection began.
    opened: Moment,
    /// When it last asked what it had missed.
    asked: Moment,
}

impl Device {
    pub(super) fn new(scene: &Arc<Scene>, client: ClientNo, person: PersonNo, habits: Habits, random: Rng) -> Self {
        let known = Knowledge::new(Arc::new(scene.names.clone()), person);
        let now = Instant::now();
        Self {
            scene: Arc::clone(scene),
            client,
            person,
            habits,
            random,
            known,
            posts: Posts::default(),
            made: 0,
            post_at: now,
            resume_at: None,
            out: VecDeque::new(),
            opened: Moment::default(),
            asked: Moment::default(),
        }
    }

    /// Connects again and again, until everybody is to leave.
    pub(super) async fn work(mut self) -> Outcome<()> {
        while self.scene.phase() != Phase::Leave {
            self.opened = self.scene.journal.now();
            let Some(socket) = self.open().await? else {
                self.scene.rest(Duration::from_millis(self.random.u64(50..200))).await;
                continue;
            };
            let now = Instant::now();
            let stay = Duration::from_millis(self.random.u64(400..4_000));
            let leave_at = (self.habits.restless && self.scene.phase() == Phase::Load).then(|| now + stay);
            let heard = self.scene.journal.now();
            let link = Link { socket, heard, heard_at: now, ping_at: now + PING, leave_at, caught_up: false };
            let end = self.converse(link).await?;
            let broken = end.is_broken();
            self.ended(end).await?;
            if broken {
                self.scene.rest(AFTER_BROKEN).await;
            }
        }
        Ok(())
    }

    async fn open(&mut self) -> Outcome<Option<WebSocketStream<TcpStream>>> {
        let (client, person, way) = (self.client, self.person, self.scene.way);
        let patience = self.scene.patience(socket::PATIENCE);
        let opening = if self.habits.by_ticket {
            let call = (Method::POST, "/auth/ws-ticket");
            let Reply::Done(_, body) = self.scene.call(Some(client), person, call, None, &[]).await? else { return Ok(None) };
            let ticket = body["ticket"].as_str().unwrap_or_default();
            socket::open(way, &format!("/ws?ticket={ticket}"), None, patience).await?
        } else {
            socket::open(way, "/ws", Some(&self.scene.people[person.0].token), patience).await?
        };
        let answer = match opening {
            Opening::Open(socket) => return Ok(Some(*socket)),
            Opening::Refused(answer) => answer,
            Opening::Failed(how) => Answer::Silence { how },
        };
        self.scene.trouble(Some(client), SOCKET, answer, self.opened).await?;
        Ok(None)
    }

    /// Writes down the end of a connection, and what it leaves open.
    async fn ended(&mut self, End { how, own, since }: End) -> Outcome<()> {
        let scene = Arc::clone(&self.scene);
        let (journal, c, at) = (&scene.journal, self.client, scene.journal.now());
        scene.board.caught_up(c, false);
        scene.board.tally.cuts.fetch_add(1, Relaxed);
        journal.note(&Entry::Cut(Cut { c, how: how.clone(), own, opened: self.opened, since, at })).await?;
        self.out.clear();
        self.resume_at = None;
        for (post, sent) in self.posts.cut() {
            scene.board.tally.unanswered.fetch_add(1, Relaxed);
            journal.note(&Entry::Unanswered(Unanswered { c, m: post.name.clone(), how: how.clone(), sent, at })).await?;
            if !self.habits.insists {
                self.posts.settle(&post.name);
            }
        }
        for news in self.known.cut() {
            self.tell(news, at).await?;
        }
        Ok(())
    }

    /// Uses a connection to its end; says how that came.
    async fn converse(&mut self, mut link: Link) -> Outcome<End> {
        loop {
            if self.scene.phase() == Phase::Leave {
                return Ok(link.goodbye().await);
            }
            if let Some(until) = self.slowness() {
                // Nobody reads, and what the kernel takes is little.
                self.scene.rest(until.saturating_duration_since(Instant::now())).await;
                link.heard_at = Instant::now();
            }
            if let Some(end) = self.speak(&mut link).await? {
                return Ok(end);
            }
            let now = Instant::now();
            if link.leave_at.is_some_and(|at| at <= now) && self.scene.phase() == Phase::Load {
                return Ok(if self.random.bool() { link.goodbye().await } else { link.left("gone without a word") });
            }
            let next = (now + TICK).min(if link.caught_up { self.post_at.max(now) } else { now + TICK });
            if let Some(end) = self.listen(&mut link, next.into()).await? {
                return Ok(end);
            }
        }
    }

    /// Whether the device has waited long enough. Asked only where nothing is there to be read: it may have been slow itself.
    fn misses(&self, link: &Link) -> Option<End> {
        if let Some(since) = self.posts.overdue(self.scene.patience(ACKNOWLEDGING)) {
            return Some(End { since, ..link.lost("no acknowledgement in time") });
        }
        let silence = self.scene.patience(SILENCE).min(LONGEST_SILENCE);
        (link.heard_at.elapsed() > silence).then(|| link.lost("silence"))
    }

    /// Takes what comes until then, or the connection's end.
    async fn listen(&mut self, link: &mut Link, until: tokio::time::Instant) -> Outcome<Option<End>> {
        let Ok(came) = timeout_at(until, link.socket.next()).await else { return Ok(self.misses(link)) };
        let (c, at) = (Some(self.client), self.scene.journal.now());
        let frame = match came {
            Some(Ok(Message::Text(text))) => Some(text),
            Some(Ok(Message::Close(close))) => {
                let code = close.map_or(1005, |close| u16::from(close.code));
                let how = format!("closed with {code}");
                if GOOD_CLOSES.contains(&code) {
                    return Ok(Some(link.lost(how)));
                }
                let answer = Answer::Close { code, by_ticket: self.habits.by_ticket };
                self.scene.trouble(c, "to stay", answer, self.opened).await?;
                return Ok(Some(link.left(how)));
            }
            Some(Ok(_)) => None,
            Some(Err(error)) => return Ok(Some(link.lost(error.to_string()))),
            None => return Ok(Some(link.lost("the end of the stream"))),
        };
        (link.heard, link.heard_at) = (at, Instant::now());
        let Some(frame) = frame else { return Ok(None) };
        let broken = |how: String| Answer::Broken { how: format!("{how}: {}", frame.chars().take(600).collect::<String>()) };
        let taken = serde_json::from_str::<Value>(&frame).map_err(|error| error.to_string());
        match taken.and_then(|frame| self.known.take(&frame)) {
            Ok(news) => {
                for news in news {
                    link.caught_up |= news == News::CaughtUp;
                    self.tell(news, at).await?;
                }
                Ok(None)
            }
            Err(how) => {
                self.scene.trouble(c, "a frame", broken(how), self.opened).await?;
                Ok(Some(link.broken()))
            }
        }
    }

    /// Writes down what a frame has told, and does what follows from it.
    async fn tell(&mut self, news: News, at: Moment) -> Outcome<()> {
        let scene = Arc::clone(&self.scene);
        let (journal, c) = (&scene.journal, self.client);
        match news {
            News::Heard(r, heard) => {
                scene.board.tally.heard.fetch_add(1, Relaxed);
                scene.board.heard(c, r, Some(heard.seq));
                let super::knowledge::Heard { seq, rev, id, name: m, by, attempt: n, how } = heard;
                journal.note(&Entry::Heard(Heard { c, r, seq, rev, id, m, by, n, how, at })).await
            }
            News::Overheard(r, m) => journal.note(&Entry::Overheard { c, r, m, at }).await,
            News::Forgot(r) => {
                scene.board.heard(c, r, None);
                journal.note(&Entry::Forgot { c, r }).await
            }
            News::Hole { room: r, cursor, rev } => journal.note(&Entry::Hole { c, r, cursor, rev, at }).await,
            News::Shown { room: r, asked } => {
                let asked = if asked { self.asked } else { self.opened };
                journal.note(&Entry::Shown { c, r, asked, at }).await
            }
            News::Acked { name: m, room: r, id, seq, rev, duplicate: dup } => {
                let settled = self.posts.settle(&m);
                if settled.is_some() {
                    scene.board.tally.acknowledged.fetch_add(1, Relaxed);
                }
                self.settled(settled.is_some());
                journal.keep(&Entry::Ack(Ack { c, r, m, id, seq, rev, dup, at })).await
            }
            News::Refused { name, code } => self.refused(name, code, at).await,
            News::PutOff { code } => {
                self.resume_at = Some(Instant::now() + PUT_OFF);
                self.troubled("resume", code, self.asked).await
            }
            News::Ask(frame) => {
                self.asked = at;
                self.out.push_back(frame);
                Ok(())
            }
            News::CaughtUp => {
                scene.board.caught_up(c, true);
                Ok(())
            }
        }
    }

    async fn refused(&mut self, m: String, code: String, at: Moment) -> Outcome<()> {
        let Some((post, sent)) = self.posts.put_off(&m, PUT_OFF) else { return Ok(()) };
        let (c, r, good) = (self.client, post.room, FOREIGN.contains(&code.as_str()));
        if good || !self.habits.insists {
            self.posts.settle(&m);
            self.settled(true);
        }
        self.scene.journal.note(&Entry::Refused(Refused { c, r, m, code: code.clone(), good, sent, at })).await?;
        if good { Ok(()) } else { self.troubled("post", code, sent).await }
    }

    async fn troubled(&self, what: &str, code: String, sent: Moment) -> Outcome<()> {
        if PASSING.contains(&code.as_str()) {
            self.scene.board.tally.refused.fetch_add(1, Relaxed);
        }
        self.scene.trouble(Some(self.client), what, Answer::Frame { code }, sent).await
    }

    fn settled(&self, settled: bool) {
        if settled && self.habits.insists {
            self.scene.board.settled();
        }
    }

    /// Sends what is due; how the connection ended, if it did.
    async fn speak(&mut self, link: &mut Link) -> Outcome<Option<End>> {
        let now = Instant::now();
        if self.resume_at.is_some_and(|at| at <= now) && !self.known.is_asking() {
            self.resume_at = None;
            let at = self.scene.journal.now();
            for news in self.known.resume() {
                self.tell(news, at).await?;
            }
        }
        if link.ping_at <= now {
            link.ping_at = now + PING;
            self.out.push_back(json!({ "type": "ping" }));
        }
        if link.caught_up {
            self.make_posts(now);
            while let Some(frame) = self.next_post().await? {
                self.out.push_back(frame);
            }
        }
        while let Some(frame) = self.out.pop_front() {
            match timeout(self.scene.patience(SENDING), link.socket.send(Message::text(frame.to_string()))).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Ok(Some(link.lost(error.to_string()))),
                Err(_) => return Ok(Some(link.lost("the server doesn't read"))),
            }
        }
        Ok(None)
    }

    fn make_posts(&mut self, now: Instant) {
        while self.post_at <= now && self.posts.len() < self.habits.window && self.scene.phase() == Phase::Load {
            let Some(room) = self.choose_room() else { return };
            self.made += 1;
            self.posts.add(format!("{}-{}", self.client, self.made), room);
            if self.habits.insists {
                self.scene.board.insists();
            }
            self.post_at = now + self.habits.pause.mul_f64(0.5 + self.random.f64()).max(Duration::from_millis(1));
        }
    }

    /// One of the person's rooms; at times a foreign one, in which it must be refused.
    fn choose_room(&mut self) -> Option<RoomNo> {
        let own = self.scene.rooms_where(|room| room.has(self.person));
        let foreign = self.scene.rooms_where(|room| room.is_foreign(self.person));
        let rooms = if self.random.u8(..50) == 0 && !foreign.is_empty() { foreign } else { own };
        self.random.choice(rooms)
    }

    /// The next post that is due, once that is on disk.
    async fn next_post(&mut self) -> Outcome<Option<Value>> {
        let at = self.scene.journal.now();
        let Some(post) = self.posts.next(at) else { return Ok(None) };
        let (c, r, m, n) = (self.client, post.room, post.name.clone(), post.attempts);
        self.scene.journal.keep(&Entry::Send(Send { c, r, m, n, at })).await?;
        self.scene.board.tally.sent.fetch_add(1, Relaxed);
        Ok(Some(json!({
            "type": "message",
            "ref": format!("{POST}{}", post.name),
            "message_id": post.name,
            "conversation_id": self.scene.rooms[post.room.0].id,
            "content": words::text(&post.name, n),
        })))
    }

    /// Until when it shall not read, if it shall.
    fn slowness(&self) -> Option<Instant> {
        let order = (*self.scene.slow.borrow())?;
        let chosen = self.habits.window == 0 && Rng::with_seed(order.seed ^ self.client.0 as u64).u8(..2) == 0;
        (chosen && Instant::now() < order.until && self.scene.phase() == Phase::Load).then_some(order.until)
    }
}
