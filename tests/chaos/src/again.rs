//! Checks a run once more from what it left in its folder: one that was killed itself, or whose figures are doubted.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ValueEnum;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tokio::sync::watch;

use crate::{
    Outcome,
    history::{History, Truth},
    journal::{self, Journal, numbers::RoomNo},
    load::{PASSWORD, Person, Phase, Reply, Room, Scene},
    readback,
    run::JOURNAL,
    subject::{
        Strike, Subject,
        server::{DatabaseKind, Server},
    },
};

/// Reads the journal, starts the server on the database as the run left it, and reads that.
///
/// # Errors
/// When the folder isn't a run's, or the server doesn't start.
pub async fn again(folder: &Path, program: &Path) -> Outcome<History> {
    let mut history = History::of(journal::read(&folder.join(JOURNAL))?, Truth::default())?;
    end_left_over(&history, folder);
    let database = DatabaseKind::from_str(&history.database, false)?;
    let mut server = Server::prepare(program, folder, database, &[], None, history.lenience).await?.server;
    server.strike(Strike::Start).await?;
    let path = fresh(folder);
    let (journal, scribe) = Journal::create(&path)?;
    let scene = scene(&history, journal, &server).await?;
    let (shelves, lists) = (readback::shelves(&scene).await?, readback::lists(&scene).await?);
    let farewell = server.end().await?;
    let stored = server.stored().await?;
    server.put_away(true).await?;
    drop(scene);
    scribe.finish().await?;
    let asked = journal::read(&path)?;
    fs::remove_file(&path)?;
    // What was wrong with the answers counts as well.
    for entry in asked {
        if let journal::entry::Entry::Trouble(trouble) = entry {
            history.troubles.push(trouble);
        }
    }
    history.truth = Truth { stored, shelves, lists, farewell };
    Ok(history)
}

/// The run's server may have outlived it.
fn end_left_over(history: &History, folder: &Path) {
    let Some(pid) = history.pid else { return };
    let is_its = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|place| place == folder);
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw).filter(|_| is_its) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, Signal::KILL);
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn fresh(folder: &Path) -> PathBuf {
    folder.join(format!("again-{}.jsonl", std::process::id()))
}

async fn scene(history: &History, journal: Journal, server: &Server) -> Outcome<Scene> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    let ((_, phase), (_, slow)) = (watch::channel(Phase::Leave), watch::channel(None));
    let mut scene = Scene::empty(journal, server.address(), server.address(), http, phase, slow, history.lenience);
    for (number, person) in history.people.iter().enumerate() {
        let body = json!({ "username": person.name, "password": PASSWORD });
        let who = crate::journal::numbers::PersonNo(number);
        let Reply::Done(_, pair) = scene.call(None, who, (Method::POST, "/auth/login"), Some(&body), &[]).await? else {
            return Err(format!("{} can't log in any more", person.name).into());
        };
        let token = pair["access_token"].as_str().unwrap_or_default().to_owned();
        scene.people.push(Person { id: person.id, token });
    }
    for (number, room) in history.rooms.iter().enumerate() {
        scene.names.rooms.insert(room.id, RoomNo(number));
        scene.rooms.push(Room { id: room.id, members: room.members.clone(), revolving: room.revolving });
    }
    Ok(scene)
}
