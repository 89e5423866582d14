//! People who come, talk and go, for as long as one likes: whether anything of them stays behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::{
    Arguments, Outcome,
    device::Device,
    figures::{Figures, series},
    people::{Person, Site, memberships},
    process::{descriptors, resident},
    socket::Socket,
    speech::Speech,
};

/// How often is looked at what there is.
const SAMPLE: Duration = Duration::from_secs(5);
/// The longest visit.
const VISIT: f64 = 8.0;
/// How long everything may take to be gone in the end.
const PATIENCE: Duration = Duration::from_secs(60);
/// What Prometheus is told of actors.
const ACTORS: [&str; 2] = ["pneumatic_websocket_connections_active", "pneumatic_rooms"];

/// What there is at a moment.
#[derive(Clone, Debug)]
struct Sample {
    minutes: f64,
    mib: f64,
    descriptors: f64,
    actors: [f64; ACTORS.len()],
}

/// Has the users come and go.
pub async fn run(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let people = site.people(arguments.users).await?;
    let members = arguments.members.unwrap_or(10);
    let rooms = site.circles(&people, arguments.conversations.unwrap_or(5), members, true).await?;
    let memberships = memberships(&rooms);
    let (start, over, visits) = (Instant::now(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut before = sample(arguments, site, start).await?;
    let mut visitors = JoinSet::new();
    for person in &people {
        let rooms = memberships.get(person.id.as_str()).into_iter().flatten().map(|id| (*id).to_owned()).collect();
        visitors.spawn(visit(arguments.clone(), person.clone(), rooms, Arc::clone(&over), Arc::clone(&visits)));
    }
    let mut samples = Vec::new();
    while start.elapsed() < arguments.time() {
        sleep(SAMPLE).await;
        while let Some(visitor) = visitors.try_join_next() {
            visitor??;
        }
        let now = sample(arguments, site, start).await?;
        eprintln!("{:.1} min: {:.1} MiB, {} descriptors, {:?}", now.minutes, now.mib, now.descriptors, now.actors);
        samples.push(now);
    }
    over.store(true, Ordering::Relaxed);
    while let Some(visitor) = visitors.join_next().await {
        visitor??;
    }
    // What a server keeps open for its own sake, such as connections to its database, it may open late.
    let ended = Instant::now();
    let mut after = sample(arguments, site, start).await?;
    while after.actors != before.actors && ended.elapsed() < PATIENCE {
        sleep(Duration::from_secs(1)).await;
        after = sample(arguments, site, start).await?;
    }
    before.minutes = 0.0;
    let mut figures = Figures::default();
    figures.add("minutes", after.minutes);
    figures.add("visits", visits.load(Ordering::Relaxed) as f64);
    figures.add("mib_per_hour", slope(&samples[samples.len() / 2..]) * 60.0);
    figures.add("rss_mib", after.mib);
    figures.add("descriptors_before", before.descriptors);
    figures.add("descriptors_after", after.descriptors);
    figures.add("sockets_after", after.actors[0]);
    figures.add("rooms_after", after.actors[1]);
    arguments.tell(&figures)?;
    let points = |of: fn(&Sample) -> f64| samples.iter().map(|sample| (sample.minutes, of(sample))).collect::<Vec<_>>();
    arguments.add(&series("soak-memory", &arguments.peer, ("minutes", "MiB resident"), &points(|sample| sample.mib)))?;
    let descriptors = points(|sample| sample.descriptors);
    arguments.add(&series("soak-descriptors", &arguments.peer, ("minutes", "open descriptors"), &descriptors))?;
    let rooms = points(|sample| sample.actors[1]);
    arguments.add(&series("soak-rooms", &arguments.peer, ("minutes", "rooms in memory"), &rooms))
}

/// Connects, catches up, says something, stays a little, and is cut off; over and over.
async fn visit(
    arguments: Arguments,
    person: Person,
    rooms: Vec<String>,
    over: Arc<AtomicBool>,
    visits: Arc<AtomicU64>,
) -> Outcome<()> {
    let mut device = Device::new(person.token.clone(), &rooms);
    let content = "x".repeat(arguments.size);
    while !over.load(Ordering::Relaxed) {
        let mut socket = Socket::connect(&arguments.server, &person.token, Speech::V2).await?;
        device.resume(&mut socket, |_| {}).await?;
        let (room, id) = (&rooms[fastrand::usize(..rooms.len())], Uuid::new_v4());
        for frame in [
            format!(r#"{{"type":"typing","conversation_id":"{room}","is_typing":true}}"#),
            format!(r#"{{"type":"message","message_id":"{id}","conversation_id":"{room}","content":"{content}"}}"#),
        ] {
            socket.send(&frame).await?;
        }
        let stay = sleep(Duration::from_secs_f64(fastrand::f64() * VISIT));
        tokio::pin!(stay);
        loop {
            tokio::select! {
                () = &mut stay => break,
                frame = socket.next() => drop(frame?),
            }
        }
        visits.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn sample(arguments: &Arguments, site: &Site, start: Instant) -> Outcome<Sample> {
    Ok(Sample {
        minutes: start.elapsed().as_secs_f64() / 60.0,
        mib: resident(&arguments.pid) as f64 / 1024.0,
        descriptors: descriptors(&arguments.pid) as f64,
        actors: site.gauges(ACTORS).await?,
    })
}

/// MiB a minute, by least squares.
fn slope(samples: &[Sample]) -> f64 {
    let count = samples.len() as f64;
    let (x, y) = samples.iter().fold((0.0, 0.0), |(x, y), sample| (x + sample.minutes / count, y + sample.mib / count));
    let (above, below) = samples.iter().fold((0.0, 0.0), |(above, below), sample| {
        let from_mean = sample.minutes - x;
        (above + from_mean * (sample.mib - y), below + from_mean * from_mean)
    });
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_that_of_the_line() {
        let sample = |minutes: f64, mib| Sample { minutes, mib, descriptors: 0.0, actors: [0.0; 2] };
        let samples: Vec<_> = [(0.0, 10.0), (1.0, 12.5), (2.0, 14.0), (3.0, 16.5)].map(|(x, y)| sample(x, y)).into();
        assert!((slope(&samples) - 2.1).abs() < 1e-9);
    }
}
