//! Chaos: people with several devices each post, read, come, go and break off in mid-frame, while rooms are made,
//! renamed, joined and left. When it is over, every device knows exactly what the database holds.
//!
//! `CHAOS_SEED` replays a plan, `CHAOS_SEEDS` and `CHAOS_SECONDS` say how many and how long.

mod actor;
mod plan;

use std::{convert::Infallible, ops::Range, sync::Arc, time::Duration};

use futures_util::future::try_join_all;

use self::{
    actor::{Scene, act},
    plan::{DEVICES, PEOPLE, ROOMS, draw},
};
use crate::support::{
    client::device::{Cut, Device},
    cluster::Cluster,
    database::Kind,
    faulty::Faults,
    truth::{Histories, agrees, answered, views},
    world::World,
};

const NAMES: [&str; PEOPLE] = ["ann", "bob", "cyd", "dan", "eve"];

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

/// What isn't limited here, and how long logins are good.
fn settings() -> [(&'static str, String); 2] {
    [("WS_TYPING_PER_MINUTE", "0".to_owned()), ("ACCESS_TOKEN_EXPIRE_MINUTES", "1440".to_owned())]
}

fn seeds(most: u64) -> Range<u64> {
    let given = setting("CHAOS_SEED");
    let first = given.unwrap_or_else(|| fastrand::u64(..1 << 32));
    first..first + setting("CHAOS_SEEDS").unwrap_or(if given.is_some() { 1 } else { most })
}

fn time() -> Duration {
    Duration::from_secs(setting("CHAOS_SECONDS").unwrap_or(10))
}

async fn on(kind: Kind) {
    for seed in seeds(2) {
        let world = World::start(kind, &settings()).await;
        let people: [_; PEOPLE] = world.people(NAMES).await;
        let sites = vec![world.address];
        play(&format!("{kind:?}"), Scene { people: people.to_vec(), sites, rooms: Default::default() }, seed).await;
        world.finish().await;
    }
}

/// Devices wander between three nodes, whose way to Redis drops, doubles and delays what they tell each other, and is broken off
/// and stalled at times; Redis itself is started anew.
async fn on_nodes() {
    for seed in seeds(1) {
        let mut cluster = Cluster::start(3, &settings()).await;
        let mut people = cluster.nodes[0].people(NAMES).await.to_vec();
        for (number, person) in people.iter_mut().enumerate() {
            *person = cluster.at(person, number % 3);
        }
        let sites = cluster.nodes.iter().map(|node| node.address).collect();
        let scene = Scene { people, sites, rooms: Default::default() };
        tokio::select! {
            () = play("nodes", scene, seed) => {}
            never = trouble(&mut cluster, seed) => match never {},
        }
        cluster.finish().await;
    }
}

/// How many troubles there are for each long absence of Redis.
const LONG: u32 = 12;

async fn trouble(cluster: &mut Cluster, seed: u64) -> Infallible {
    let mut random = fastrand::Rng::with_seed(seed);
    cluster.set(Faults { drop: 0.05, double: 0.05, delay: 0.2, longest: Duration::from_millis(80) });
    for round in 1_u32.. {
        tokio::time::sleep(Duration::from_millis(random.u64(500..3_000))).await;
        // Only a long storm comes to it.
        if round % LONG == 0 {
            cluster.redis.stop();
            tokio::time::sleep(Duration::from_secs(20)).await;
            cluster.redis.begin_again().await;
        }
        let way = random.usize(..cluster.ways.len());
        match random.u8(..4) {
            0 => {
                cluster.ways[way].cut();
                tokio::time::sleep(Duration::from_millis(random.u64(..1_000))).await;
                cluster.ways[way].mend();
            }
            1 => {
                cluster.ways[way].stall();
                tokio::time::sleep(Duration::from_millis(random.u64(..4_000))).await;
                cluster.ways[way].flow();
            }
            2 => cluster.redis.restart().await,
            _ => {}
        }
    }
    unreachable!("there are more rounds than anybody waits for")
}

async fn play(site: &str, scene: Scene, seed: u64) {
    let (scene, time) = (Arc::new(scene), time());
    // Here as well as with the failure, because a panic elsewhere doesn't know it.
    eprintln!("{site}: CHAOS_SEED={seed} CHAOS_SECONDS={}", time.as_secs());
    if let Err(how) = storm(&scene, seed, time).await {
        let how = scene.named(&how);
        panic!("{site}: CHAOS_SEED={seed} CHAOS_SECONDS={}: {how}", time.as_secs());
    }
}

async fn storm(scene: &Arc<Scene>, seed: u64, time: Duration) -> Result<(), String> {
    for (place, members) in ROOMS.iter().enumerate() {
        scene.make(place, members).await?;
    }
    let mut acts = Vec::new();
    for (person, somebody) in scene.people.iter().enumerate() {
        for number in 0..DEVICES {
            let mut device = scene.device(&format!("{}/{number}", somebody.name), somebody.log_in().await);
            let (plan, scene) = (draw(seed, person, number, time), Arc::clone(scene));
            acts.push(tokio::spawn(async move {
                device.connect().await?;
                act(device, person, plan, &scene).await
            }));
        }
    }
    let mut devices = Vec::new();
    for act in acts {
        devices.push(act.await.map_err(|panic| panic.to_string())??);
    }

    try_join_all(devices.iter_mut().map(answered)).await?;
    let histories = Histories::read(&scene.made()).await?;
    devices.iter().flat_map(|device| &device.state.acknowledged).try_for_each(|message| histories.hold(message))?;
    all_agree("as the storm left them", &mut devices, &histories).await?;

    for device in devices.iter_mut().step_by(DEVICES) {
        for (room, view) in views(&device.person).await? {
            device.state.read(&room, view.last_seq);
        }
    }
    try_join_all(devices.iter_mut().map(answered)).await?;
    for person in &scene.people {
        if let Some((room, view)) = views(person).await?.iter().find(|(_, view)| view.unread > 0) {
            return Err(format!("{} has read {room}: {view:?}", person.name));
        }
    }
    all_agree("when all is read", &mut devices, &histories).await?;

    devices.iter_mut().for_each(|device| device.state.resume());
    all_agree("after one more resume", &mut devices, &histories).await?;

    let mut fresh = Vec::new();
    for person in &scene.people {
        let mut device = scene.device(&format!("{}/fresh", person.name), person.clone());
        device.connect().await?;
        fresh.push(device);
    }
    all_agree("who knew nothing", &mut fresh, &histories).await?;

    let acknowledged: usize = devices.iter().map(|device| device.state.acknowledged.len()).sum();
    eprintln!("  {} messages, {acknowledged} acknowledged, {} rooms", histories.count(), scene.made().len());
    for mut device in devices.into_iter().chain(fresh) {
        device.hang_up(Cut::Bye).await?;
    }
    Ok(())
}

/// Each of them agrees with REST, and so with each other.
async fn all_agree(when: &str, devices: &mut [Device], histories: &Histories) -> Result<(), String> {
    let agreements = devices.iter_mut().map(|device| agrees(device, histories));
    try_join_all(agreements).await.map(drop).map_err(|how| format!("{when}, {how}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    on(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    on(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn across_nodes() {
    on_nodes().await;
}
