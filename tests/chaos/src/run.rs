//! A run from its beginning to its history.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    Outcome,
    history::{History, Truth},
    journal::{
        self, Journal,
        entry::Entry,
        numbers::{ClientNo, Moment, PersonNo, RoomNo},
    },
    load::{Amount, Crowd, Phase, Scene, prepare},
    nemesis::{Limit, Nemesis, fault::Kind},
    proxy::Proxy,
    readback,
    subject::{Strike, Subject},
};

/// The journal's name in the run's folder.
pub const JOURNAL: &str = "journal.jsonl";

/// The part of the messages aimed at that makes a load.
const LEAST_LOAD: f64 = 0.1;
/// So many acknowledged messages are one in any case.
const ENOUGH: f64 = 200.0;
/// In so many seconds half of the kinds of faults have their turn, also where each takes its time.
const LONG: f64 = 20.0;

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Order {
    /// Replays it.
    pub seed: u64,
    /// `sqlite` or `postgres`, for the history.
    pub database: String,
    /// The faults.
    pub kinds: Vec<Kind>,
    /// The load.
    pub amount: Amount,
    /// For so long, unless `kills` or `acknowledged` are the measure.
    pub seconds: Option<u64>,
    /// So many kills at least.
    pub kills: u64,
    /// So many acknowledged messages at least.
    pub acknowledged: u64,
    /// What the recovery targets are multiplied by.
    pub lenience: f64,
    /// How long whoever insists may take to settle what is under way when it is over.
    pub settling: Duration,
    /// How long devices may take to hear the last messages.
    pub listening: Duration,
    /// How long the server may take to notice that everybody has gone.
    pub leaving: Duration,
}

impl Order {
    /// What there was too little of for a run that found nothing to prove anything, if there was.
    pub fn lack(&self, history: &History) -> Option<String> {
        let seconds = self.seconds? as f64;
        let aimed = if self.amount.rate > 0.0 { self.amount.rate } else { f64::INFINITY };
        let least = (aimed * seconds * LEAST_LOAD).min(ENOUGH);
        let acknowledged = history.messages.values().filter(|sending| !sending.acks.is_empty()).count();
        if (acknowledged as f64) < least {
            return Some(format!("{acknowledged} messages were acknowledged, not {least:.0}"));
        }
        let struck = self.kinds.iter().filter(|kind| history.faults.iter().any(|fault| fault.kind == **kind)).count();
        let all = self.kinds.len();
        (seconds >= LONG && struck * 2 < all).then(|| format!("{struck} of {all} kinds of faults struck"))
    }
}

/// Torments the subject, and puts everything that is known of it together.
///
/// # Errors
/// When the run itself couldn't be carried out: that says nothing of the subject.
pub async fn run<S: Subject>(subject: &mut S, folder: &Path, order: &Order, interrupted: &AtomicBool) -> Outcome<History> {
    let path = folder.join(JOURNAL);
    let (journal, scribe) = Journal::create(&path)?;
    let Order { seed, ref database, ref kinds, lenience, .. } = *order;
    let clock_jumps = kinds.contains(&Kind::Clock);
    journal.keep(&Entry::Began { seed, database: database.clone(), clock_jumps, lenience }).await?;
    subject.strike(Strike::Start).await?;
    if let Some(pid) = subject.pid() {
        journal.keep(&Entry::Process { pid }).await?;
    }
    let proxy = Proxy::to(subject.address()).await?;
    let (phase, to_do) = watch::channel(Phase::Load);
    let (slow, who) = watch::channel(None);
    let ways = (subject.address(), proxy.address);
    let scene = Arc::new(prepare(journal, ways, (to_do, who), &order.amount, (seed, lenience)).await?);
    let mut crowd = Crowd::gather(&scene, &order.amount, seed).await?;
    let (kills, killed) = watch::channel(0);
    let mut nemesis = Nemesis::new(subject, &scene, &proxy, slow, (seed, kinds), kills).await?;
    let limit = Limit {
        until: order.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)),
        kills: order.kills,
        acknowledged: order.acknowledged,
    };
    tokio::select! {
        end = nemesis.torment(limit, interrupted) => end?,
        end = crowd.failure() => end?,
        () = progress(&scene, killed) => {}
    }
    phase.send_replace(Phase::Drain);
    crowd.drain(&scene, order.settling).await?;
    let (from, to) = listen(&scene, &mut nemesis, crowd.listeners(), order).await?;
    phase.send_replace(Phase::Leave);
    crowd.leave().await?;
    let left = left(&scene, order.leaving).await;
    scene.journal.keep(&Entry::Calm { from, to, left }).await?;
    let (shelves, lists) = (readback::shelves(&scene).await?, readback::lists(&scene).await?);
    drop(nemesis);
    let farewell = subject.end().await?;
    let stored = subject.stored().await?;
    // The last hands that hold the journal.
    drop((scene, proxy));
    scribe.finish().await?;
    History::of(journal::read(&path)?, Truth { stored, shelves, lists, farewell })
}

/// One last message in every room, and until all devices have been told of it.
async fn listen<S: Subject>(
    scene: &Scene,
    nemesis: &mut Nemesis<'_, S>,
    listeners: &[(ClientNo, PersonNo)],
    order: &Order,
) -> Outcome<(Moment, Moment)> {
    let devices: Vec<ClientNo> = listeners.iter().map(|(device, _)| *device).collect();
    let within = async |time, holds: &dyn Fn() -> bool| {
        let waiting = async {
            while !holds() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        // What doesn't hold in time shows in the history.
        drop(timeout(time, waiting).await);
    };
    within(order.settling, &|| scene.board.all_caught_up(&devices)).await;
    let last = nemesis.last_words().await?;
    let from = scene.journal.now();
    let seqs = last.map(|(_, seqs)| seqs).unwrap_or_default();
    let all_heard = || {
        listeners.iter().all(|(device, person)| {
            let mut rooms = seqs.iter().enumerate().filter(|(room, _)| scene.rooms[*room].members.contains(person));
            rooms.all(|(room, seq)| scene.board.has_heard(*device, RoomNo(room), *seq))
        })
    };
    within(order.listening, &all_heard).await;
    Ok((from, scene.journal.now()))
}

/// Connections that the server still counts when it should have noticed that all have gone.
async fn left(scene: &Scene, patience: Duration) -> u64 {
    let start = Instant::now();
    loop {
        let left = readback::connections(scene).await;
        if left == Some(0) || start.elapsed() > patience {
            return left.unwrap_or(u64::MAX);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Says every few seconds how far it is; never ends.
#[expect(clippy::print_stderr, reason = "a command's progress")]
async fn progress(scene: &Scene, kills: watch::Receiver<u64>) {
    const PAUSE: Duration = Duration::from_secs(5);
    let start = Instant::now();
    loop {
        sleep(PAUSE).await;
        let tally = &scene.board.tally;
        let [sent, acknowledged, refused, unanswered, heard, cuts] =
            [&tally.sent, &tally.acknowledged, &tally.refused, &tally.unanswered, &tally.heard, &tally.cuts]
                .map(|n| n.load(Relaxed));
        eprintln!(
            "{:>5} s: {} kills, {sent} sent, {acknowledged} acknowledged, {refused} refused, {unanswered} without an answer, \
             {heard} heard, {cuts} connections ended",
            start.elapsed().as_secs(),
            *kills.borrow(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        arguments::Arguments,
        history::Sending,
        journal::entry::{Ack, Fault},
    };

    fn order(line: &str) -> Order {
        let arguments: Arguments = clap::Parser::try_parse_from(line.split_whitespace()).unwrap();
        arguments.order(1, Kind::ALL.to_vec()).unwrap()
    }

    fn history(acknowledged: usize, kinds: &[Kind]) -> History {
        let mut history = History::default();
        let (c, r, at) = (ClientNo(0), RoomNo(0), Moment(1));
        for number in 0..acknowledged {
            let m = number.to_string();
            let acks = vec![Ack { c, r, m: m.clone(), id: uuid::Uuid::nil(), seq: 1, rev: 2, dup: false, at }];
            let (attempts, refused, unanswered) = (vec![at], Vec::new(), Vec::new());
            history.messages.insert(m, Sending { client: c, room: r, attempts, acks, refused, unanswered });
        }
        history.faults.extend(kinds.iter().map(|kind| {
            let (kind, detail, with_kill, back) = (*kind, String::new(), false, None);
            Fault { kind, detail, with_kill, from: at, over: at, back }
        }));
        history
    }

    #[test]
    fn a_run_without_load_or_faults_proves_nothing() {
        let half = &Kind::ALL[..4];
        assert_eq!(order("chaos --seconds 25").lack(&history(200, half)), None);
        assert!(order("chaos --seconds 25").lack(&history(199, half)).is_some());
        assert!(order("chaos --seconds 25").lack(&history(200, &half[..3])).is_some());
        assert_eq!(order("chaos --seconds 5").lack(&history(100, &[])), None, "there was no time");
        assert_eq!(order("chaos --seconds 25 --rate 4").lack(&history(10, half)), None, "no more was wanted");
        assert_eq!(order("chaos --kills 5").lack(&history(0, &[])), None, "it has another measure");
    }
}
