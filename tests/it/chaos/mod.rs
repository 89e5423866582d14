//! Chaos: people with several devices each post, read, come, go and break off in mid-frame, while rooms are made,
//! renamed, joined and left. When it is over, every device knows exactly what the database holds.
//!
//! `CHAOS_SEED` replays a plan, `CHAOS_SEEDS` and `CHAOS_SECONDS` say how many and how long.

mod actor;
mod plan;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::try_join_all;

use self::{
    actor::{Scene, act},
    plan::{DEVICES, PEOPLE, PLACES, ROOMS, draw},
};
use crate::support::{
    client::device::{Cut, Device},
    database::Kind,
    truth::{Histories, agrees, answered, views},
    world::World,
};

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

async fn seeds(kind: Kind) {
    let time = Duration::from_secs(setting("CHAOS_SECONDS").unwrap_or(10));
    let given = setting("CHAOS_SEED");
    let first = given.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let count = setting("CHAOS_SEEDS").unwrap_or(if given.is_some() { 1 } else { 2 });
    for seed in first..first + count {
        // Here as well as with the failure, because a panic elsewhere doesn't know it.
        eprintln!("{kind:?}: CHAOS_SEED={seed} CHAOS_SECONDS={}", time.as_secs());
        let settings = [("WS_TYPING_PER_MINUTE", "0".to_owned()), ("ACCESS_TOKEN_EXPIRE_MINUTES", "1440".to_owned())];
        let world = World::start(kind, &settings).await;
        let people: [_; PEOPLE] = world.people(["ann", "bob", "cyd", "dan", "eve"]).await;
        let scene = Arc::new(Scene { people: people.to_vec(), rooms: Mutex::new([const { None }; PLACES]) });
        if let Err(how) = storm(&scene, seed, time).await {
            let how = scene.named(&how);
            panic!("{kind:?}: CHAOS_SEED={seed} CHAOS_SECONDS={}: {how}", time.as_secs());
        }
        world.finish().await;
    }
}

async fn storm(scene: &Arc<Scene>, seed: u64, time: Duration) -> Result<(), String> {
    for (place, members) in ROOMS.iter().enumerate() {
        scene.make(place, members).await?;
    }
    let mut acts = Vec::new();
    for (person, somebody) in scene.people.iter().enumerate() {
        for number in 0..DEVICES {
            let mut device = Device::new(format!("{}/{number}", somebody.name), somebody.log_in().await);
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
        let mut device = Device::new(format!("{}/fresh", person.name), person.clone());
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
    seeds(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    seeds(Kind::Postgres).await;
}
