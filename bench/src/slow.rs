//! A room in which some take nothing of what they are sent: what the others feel of it, what it costs the server, and when those
//! are gone. Messages of a usual size take long to fill what is kept for them: `--size 4000 --rate 50`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::sleep};

use crate::{
    Arguments, Outcome,
    engine::{Circle, Engine, Pace},
    figures::Figures,
    people::Site,
    process::resident,
    socket::Socket,
    speech::{Member, Speech},
};

/// How often is looked at the server.
const SAMPLE: Duration = Duration::from_millis(100);
/// Sockets that are open.
const OPEN: [&str; 1] = ["pneumatic_websocket_connections_active"];

/// Measures three times: before those who don't read come, with them, and after.
pub async fn run(arguments: &Arguments, site: &Site) -> Outcome<Figures> {
    let all = arguments.members.unwrap_or(1_000);
    let readers = all.checked_sub(arguments.stuck).filter(|readers| *readers > 0).ok_or("somebody must read")?;
    let room = site.rooms(1, all).await?.remove(0);
    let member = |token: &String| Member { server: arguments.server.clone(), token: token.clone() };
    let members = room.members[..readers].iter().map(|person| member(&person.token)).collect();
    let circle = Circle { id: room.id, members };
    let mut engine = Engine::open(Speech::V1, vec![circle], arguments.size, arguments.pid.clone())?;
    let mut measure = || engine.measure(Pace::Open(arguments.rate()), arguments.time());

    let before = measure()?;
    let mut stuck = Vec::new();
    for person in &room.members[readers..] {
        stuck.push(Socket::connect(&arguments.server, &person.token, Speech::V1).await?);
    }
    let watch = Watch::begin(arguments, site, readers);
    let with = measure()?;
    let seen = watch.end().await?;
    let after = measure()?;
    drop(stuck);

    let mut figures = Figures::default();
    figures.add("readers", readers as f64);
    figures.add("stuck", arguments.stuck as f64);
    for (measured, [p50, p99, max]) in [
        (&before, ["p50_ms_before", "p99_ms_before", "max_ms_before"]),
        (&with, ["p50_ms_with", "p99_ms_with", "max_ms_with"]),
        (&after, ["p50_ms_after", "p99_ms_after", "max_ms_after"]),
    ] {
        figures.add(p50, measured.get("p50_ms"));
        figures.add(p99, measured.get("p99_ms"));
        figures.add(max, measured.get("max_ms"));
    }
    let calm = f64::midpoint(before.get("p99_ms"), after.get("p99_ms"));
    figures.add("p99_with_to_without", with.get("p99_ms") / calm);
    figures.add("gone_after_s", seen.gone.map_or(f64::NAN, |gone| gone.as_secs_f64()));
    figures.add("kib_each_stuck", seen.most.saturating_sub(seen.first) as f64 / arguments.stuck.max(1) as f64);
    figures.add("rss_kib", seen.most as f64);
    for fault in ["lost", "doubled"] {
        figures.add(fault, [&before, &with, &after].iter().map(|measured| measured.get(fault)).sum());
    }
    Ok(figures)
}

/// What was seen of the server while some didn't read.
#[derive(Debug)]
struct Seen {
    /// KiB in use in the beginning.
    first: u64,
    /// KiB at most.
    most: u64,
    /// When no more sockets were open than those of who reads.
    gone: Option<Duration>,
}

/// Looks at the server beside the load.
struct Watch {
    over: Arc<AtomicBool>,
    looking: JoinHandle<Outcome<Seen>>,
}

impl Watch {
    fn begin(arguments: &Arguments, site: &Site, readers: usize) -> Self {
        let (over, pids, site) = (Arc::new(AtomicBool::new(false)), arguments.pid.clone(), site.clone());
        let is_over = Arc::clone(&over);
        let looking = tokio::spawn(async move {
            let (begin, first) = (Instant::now(), resident(&pids));
            let mut seen = Seen { first, most: first, gone: None };
            while !is_over.load(Ordering::Relaxed) {
                sleep(SAMPLE).await;
                seen.most = seen.most.max(resident(&pids));
                let [open] = site.gauges(OPEN).await?;
                if seen.gone.is_none() && open <= readers as f64 {
                    seen.gone = Some(begin.elapsed());
                }
            }
            Ok(seen)
        });
        Self { over, looking }
    }

    async fn end(self) -> Outcome<Seen> {
        self.over.store(true, Ordering::Relaxed);
        self.looking.await?
    }
}
