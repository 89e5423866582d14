//! Resuming when very much was missed: nothing is lost, doubled or out of order, it costs the server little memory, and nobody
//! else waits for it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{
    client::device::{Cut, Device},
    database::{Database, Kind},
    live::Live,
    person::Person,
    process::{Process, settings},
    truth::{Histories, agrees},
};

/// Groups that somebody makes with these.
async fn groups(maker: &Person, others: &[&Person], count: usize) -> Vec<String> {
    let mut groups = Vec::new();
    for _ in 0..count {
        groups.push(maker.conversation_with(others).await);
    }
    groups
}

async fn histories(groups: &[String], member: &Person) -> Histories {
    let rooms: Vec<(String, Person)> = groups.iter().map(|group| (group.clone(), member.clone())).collect();
    Histories::read(&rooms).await.unwrap()
}

/// A device that knows of these groups and of nothing that was said in them, and has gone.
async fn acquainted(name: &str, person: &Person, groups: usize) -> Device {
    let mut device = Device::new(name, person.clone());
    device.connect().await.unwrap();
    while device.state.views().len() < groups || !device.state.waits_for().is_empty() {
        device.listen(Duration::from_millis(20)).await.unwrap();
    }
    device.hang_up(Cut::Bye).await.unwrap();
    device
}

both! {
    /// A connection that breaks off takes nothing with it, however often.
    async fn a_cut_in_the_middle_loses_nothing(world) {
        let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
        let groups = groups(&ann, &[&bob, &cyd], 40).await;
        let mut device = acquainted("ann's", &ann, groups.len()).await;
        let mut newcomer = Device::new("a new one", cyd);
        world.assert_quiet().await;
        world.database.write_past(&groups, &bob, 60, &"x".repeat(2_000)).await;
        for device in [&mut device, &mut newcomer] {
            let mut cuts = 0;
            loop {
                device.connect().await.unwrap();
                device.listen(Duration::from_millis(30 + 15 * cuts)).await.unwrap();
                if device.state.waits_for().is_empty() {
                    break;
                }
                let how = [Cut::Reset, Cut::End, Cut::Bye, Cut::MidFrame][cuts as usize % 4];
                device.hang_up(how).await.unwrap();
                cuts += 1;
            }
            assert!(cuts > 1, "{}: {cuts} cuts", device.name);
        }
        let histories = histories(&groups, &bob).await;
        for mut device in [device, newcomer] {
            agrees(&mut device, &histories).await.unwrap();
            device.hang_up(Cut::Bye).await.unwrap();
        }
    }
}

both! {
    /// In the end those who resume all the time know what those know who only listen.
    async fn posts_go_on_while_devices_resume(world) {
        let people = world.people(["ann", "bob", "cyd"]).await;
        let [ann, bob, cyd] = &people;
        let groups = groups(ann, &[bob, cyd], 10).await;
        let mut devices = Vec::new();
        for person in &people {
            devices.push(acquainted(&format!("{}'s", person.name), person, groups.len()).await);
            devices.push(Device::new(format!("{}'s new one", person.name), person.clone()));
        }
        world.assert_quiet().await;
        world.database.write_past(&groups, bob, 150, "x").await;
        let over = AtomicBool::new(false);
        let talk = async {
            join_all(people.iter().map(async |person| {
                for i in 0..150 {
                    person.say(&groups[i % groups.len()], &i.to_string()).await;
                }
            }))
            .await;
            over.store(true, Ordering::Relaxed);
        };
        let listen = devices.iter_mut().enumerate().map(async |(number, device)| {
            device.connect().await.unwrap();
            while !over.load(Ordering::Relaxed) {
                device.listen(Duration::from_millis(15 + 10 * number as u64)).await.unwrap();
                device.state.resume();
            }
        });
        tokio::join!(talk, join_all(listen));
        let histories = histories(&groups, ann).await;
        for device in &mut devices {
            agrees(device, &histories).await.unwrap();
        }
        for pair in devices.chunks(2) {
            assert_eq!(pair[0].state.views(), pair[1].state.views());
        }
        for device in &mut devices {
            device.hang_up(Cut::Bye).await.unwrap();
        }
    }
}

const GROUPS: usize = 200;
/// Missed messages of each.
const EACH: i64 = 50;
/// Devices that resume at once.
const DEVICES: usize = 6;

/// Reads a resume to its end: of each group all that was missed, in order.
async fn read_all(device: &mut Live, groups: &[String]) {
    let mut told = BTreeMap::<String, Vec<i64>>::new();
    loop {
        let frame = device.next().await;
        match frame["type"].as_str().unwrap() {
            "message" => {
                let message = &frame["message"];
                let revs = told.entry(message["conversation_id"].as_str().unwrap().to_owned()).or_default();
                revs.push(message["rev"].as_i64().unwrap());
            }
            "resumed" => {
                let heads: BTreeMap<&str, i64> = groups.iter().map(|group| (group.as_str(), EACH + 1)).collect();
                assert_eq!(frame["heads"], json!(heads));
                break;
            }
            _ => {}
        }
    }
    assert_eq!(told.len(), groups.len());
    for (group, revs) in told {
        assert!(revs.iter().copied().eq(2..=EACH + 1), "{group}: {revs:?}");
    }
}

async fn ten_thousand_messages(kind: Kind) {
    let database = Database::fresh(kind).await;
    let settings = settings(&database);
    let server = Process::start(database.folder.path(), &settings);
    let http = crate::support::http_client();
    let mut people = Vec::new();
    for name in ["ann", "bob", "cyd", "dan"] {
        people.push(Person::sign_up(&http, server.address, name).await);
    }
    let [ann, bob, cyd, dan] = people.as_slice() else { unreachable!() };
    let groups = groups(ann, &[bob, cyd], GROUPS).await;
    database.write_past(&groups, bob, EACH, &"x".repeat(2_000)).await;
    let aside = cyd.conversation_with(&[dan]).await;
    let mut devices = join_all((0..DEVICES).map(|_| Live::of(ann))).await;
    let before = server.memory();
    let mut most = before;

    let over = AtomicBool::new(false);
    // Somebody else talks meanwhile, and is heard.
    let bystander = async {
        let mut listener = dan.socket().await;
        let mut waits = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let start = Instant::now();
            let said = cyd.say(&aside, "x").await;
            assert_eq!(listener.next_message().await, said);
            waits.push(start.elapsed());
            most = most.max(server.memory());
        }
        listener.close().await;
        waits.sort_unstable();
        waits
    };
    let resume = async {
        let cursors: BTreeMap<&str, i64> = groups.iter().map(|group| (group.as_str(), 1)).collect();
        for device in &mut devices {
            device.send(json!({ "type": "resume", "cursors": cursors })).await;
        }
        // None of them reads for a while, some never do.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let start = Instant::now();
        join_all(devices.iter_mut().skip(DEVICES / 2).map(|device| read_all(device, &groups))).await;
        over.store(true, Ordering::Relaxed);
        start.elapsed()
    };
    let (waits, took) = tokio::join!(bystander, resume);
    let (usual, longest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    let grown = most.saturating_sub(before) >> 20;
    eprintln!("{kind:?}: read in {took:?}; heard aside within {usual:?}, {longest:?} at most; memory grew by {grown} MiB");
    assert!(grown < 64, "memory grew by {grown} MiB");
    assert!(usual < Duration::from_millis(500) && longest < Duration::from_secs(5), "{usual:?} {longest:?}");
    for device in devices.into_iter().skip(DEVICES / 2) {
        device.close().await;
    }
    drop(server);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    ten_thousand_messages(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    ten_thousand_messages(Kind::Postgres).await;
}
