//! Rooms of sockets that talk and listen. One thread serves all of them and looks into each frame only for the one word that it
//! needs, so that it costs less than what it measures.

mod connection;
mod pace;
mod tally;

use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

pub use self::pace::Pace;
use self::{connection::Connection, pace::Timetable, tally::Tally};
use crate::{
    Outcome,
    figures::Figures,
    mark::Mark,
    process::{cpu_seconds, resident},
    speech::{Member, Speech},
};

/// How long is talked before anything counts.
const WARM_UP: Duration = Duration::from_secs(1);
/// How long what is under way in the end may take to arrive; what hasn't by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest wait for something to happen.
const NAP: Duration = Duration::from_millis(50);
/// Bytes read at a time.
const CHUNK: usize = 256 << 10;

/// Where people talk; the first of them does, the others listen.
#[derive(Clone, Debug)]
pub struct Circle {
    /// The conversation.
    pub id: String,
    /// Who is there.
    pub members: Vec<Member>,
}

/// All of them.
#[derive(Debug)]
pub struct Engine {
    speech: Speech,
    /// Bytes of a message.
    size: usize,
    pids: Vec<u32>,
    poll: Poll,
    connections: Vec<Connection>,
    circles: Vec<Circle>,
    /// By circle, the connection that talks.
    talkers: Vec<usize>,
    tally: Tally,
    start: Instant,
    chunk: Vec<u8>,
}

impl Engine {
    /// Has everybody connect.
    ///
    /// # Errors
    /// When somebody can't.
    pub fn open(speech: Speech, circles: Vec<Circle>, size: usize, pids: Vec<u32>) -> Outcome<Self> {
        let poll = Poll::new()?;
        let (mut connections, mut talkers) = (Vec::new(), Vec::new());
        for (number, circle) in circles.iter().enumerate() {
            talkers.push(connections.len());
            for (place, member) in circle.members.iter().enumerate() {
                let mut connection = Connection::open(speech, member, (number, &circle.id), place)?;
                let token = Token(connections.len());
                poll.registry().register(&mut connection.stream, token, Interest::READABLE | Interest::WRITABLE)?;
                connections.push(connection);
            }
        }
        let tally = Tally::new(circles.iter().map(|circle| circle.members.len()));
        let (start, chunk) = (Instant::now(), vec![0; CHUNK]);
        Ok(Self { speech, size, pids, poll, connections, circles, talkers, tally, start, chunk })
    }

    /// Talks for so long, and waits until everything has arrived.
    ///
    /// # Errors
    /// When a connection is lost.
    pub fn measure(&mut self, pace: Pace, time: Duration) -> Outcome<Figures> {
        self.start = Instant::now();
        self.tally.begin();
        let mut timetable = match pace {
            Pace::Open(rate) => Some(Timetable::new(rate)),
            Pace::Closed(in_flight) => {
                for circle in 0..self.circles.len() {
                    (0..in_flight).try_for_each(|_| self.say(circle, 0))?;
                }
                None
            }
        };
        let mut events = Events::with_capacity(1024);
        self.turns(WARM_UP, &mut timetable, true, &mut events)?;
        self.tally.reset();
        let own = [std::process::id()];
        let (since, cpu, own_cpu) = (Instant::now(), cpu_seconds(&self.pids), cpu_seconds(&own));
        self.turns(WARM_UP + time, &mut timetable, true, &mut events)?;
        let (seconds, cpu, own_cpu) = (since.elapsed().as_secs_f64(), cpu_seconds(&self.pids) - cpu, cpu_seconds(&own) - own_cpu);
        let (messages, deliveries, resident) = (self.tally.messages, self.tally.deliveries, resident(&self.pids));
        // What is under way counts when it arrives: a server that stands still in the end is as late as it is.
        let over = self.start.elapsed();
        while self.tally.due() > 0 && self.start.elapsed() < over + PATIENCE {
            self.turns(self.start.elapsed() + NAP, &mut None, false, &mut events)?;
        }
        let Tally { latency, reached, .. } = &self.tally;
        let millis = |micros: u64| micros as f64 / 1e3;
        let mut figures = Figures::default();
        figures.add("messages_per_s", messages as f64 / seconds);
        figures.add("deliveries_per_s", deliveries as f64 / seconds);
        figures.add("deliveries_per_cpu_s", deliveries as f64 / cpu);
        figures.add("p50_ms", millis(latency.value_at_quantile(0.5)));
        figures.add("p99_ms", millis(latency.value_at_quantile(0.99)));
        figures.add("max_ms", millis(latency.max()));
        figures.add("last_p50_ms", millis(reached.value_at_quantile(0.5)));
        figures.add("last_p99_ms", millis(reached.value_at_quantile(0.99)));
        figures.add("cpu_s", cpu);
        figures.add("seconds", seconds);
        figures.add("load_cpu_s", own_cpu);
        figures.add("rss_kib", resident as f64);
        figures.add("lost", self.tally.due() as f64);
        figures.add("doubled", self.tally.doubled as f64);
        Ok(figures)
    }

    fn micros(&self) -> u64 {
        self.start.elapsed().as_micros() as u64
    }

    /// A circle's talker says the next message, which was due then.
    fn say(&mut self, circle: usize, at: u64) -> Outcome<()> {
        let content = Mark { number: self.tally.sent(circle), sent: at }.content(self.size);
        let talker = &mut self.connections[self.talkers[circle]];
        talker.say(self.speech, &self.circles[circle].id, &content);
        Ok(talker.flush()?)
    }

    /// Serves everybody until so long after the start; `talks`: what was heard makes room for more.
    fn turns(&mut self, until: Duration, timetable: &mut Option<Timetable>, talks: bool, events: &mut Events) -> Outcome<()> {
        loop {
            let mut nap = NAP.min(until.saturating_sub(self.start.elapsed()));
            if let Some(timetable) = timetable {
                // What falls due meanwhile waits for the next turn: whoever can't keep up goes on listening.
                let now = self.micros();
                while let Some((number, at)) = timetable.due(now) {
                    self.say(number as usize % self.circles.len(), at)?;
                }
                nap = nap.min(timetable.wait(self.micros()));
            }
            if self.start.elapsed() >= until {
                return Ok(());
            }
            self.poll.poll(events, Some(nap))?;
            let again = talks && timetable.is_none();
            for event in events.iter() {
                let Token(index) = event.token();
                if event.is_readable() {
                    self.read(index, again)?;
                }
                self.connections[index].flush()?;
            }
        }
    }

    fn read(&mut self, index: usize, again: bool) -> Outcome<()> {
        let now = self.micros();
        let connection = &mut self.connections[index];
        let (circle, member, tally) = (connection.room, connection.member, &mut self.tally);
        let mut own = 0;
        connection.read(self.speech, &mut self.chunk, |frame| {
            if let Some(Mark { number, sent }) = Mark::find(frame)
                && tally.heard(circle, member, number, now.saturating_sub(sent))
            {
                own += usize::from(member == 0);
            }
        })?;
        for _ in 0..if again { own } else { 0 } {
            let content = Mark { number: self.tally.sent(circle), sent: now }.content(self.size);
            self.connections[index].say(self.speech, &self.circles[circle].id, &content);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
