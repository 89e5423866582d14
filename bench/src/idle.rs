//! What a session costs that does nothing: the memory of the server before and after so many have connected.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{
    Arguments, Outcome,
    device::Device,
    figures::Figures,
    people::{Site, memberships},
    process::resident,
    socket::Socket,
    speech::Speech,
};

/// Connections under way at a time.
const AT_ONCE: usize = 64;
/// How long nothing has to come for everything to be told.
const QUIET: Duration = Duration::from_secs(3);

/// Makes the users and their conversations, and writes down their tokens, each with the ids of the conversations. So the
/// server that is measured can be one that has done nothing yet.
pub async fn prepare(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let people = site.people(arguments.users).await?;
    let members = arguments.members.unwrap_or(people.len().min(100));
    let rooms = site.circles(&people, arguments.conversations.unwrap_or(20), members, false).await?;
    let memberships = memberships(&rooms);
    let mut lines = String::new();
    for person in &people {
        lines.push_str(&person.token);
        for id in memberships.get(person.id.as_str()).into_iter().flatten() {
            lines.push(' ');
            lines.push_str(id);
        }
        lines.push('\n');
    }
    std::fs::write(&arguments.tokens, lines)?;
    eprintln!("{} users, {} conversations of {members}", people.len(), rooms.len());
    Ok(())
}

/// Opens the sockets, in two halves, and tells what they came to: caches and pools that the first ones fill are in the first
/// half alone.
pub async fn run(arguments: &Arguments) -> Outcome<Figures> {
    let lines = if arguments.speech().has_accounts() {
        std::fs::read_to_string(&arguments.tokens)?
    } else {
        (0..arguments.users).map(|user| format!("user-{user}\n")).collect()
    };
    let users: Vec<Vec<&str>> = lines.lines().map(|line| line.split(' ').collect()).collect();
    let all = arguments.sockets.unwrap_or(users.len());
    let sessions = Sessions { start: Instant::now(), heard: Arc::default() };
    let without = resident(&arguments.pid);
    let each: Vec<&[&str]> = users.iter().map(Vec::as_slice).cycle().take(all).collect();
    let (half, first) = sessions.open(arguments, &each[..all / 2]).await?;
    let (full, second) = sessions.open(arguments, &each[all / 2..]).await?;
    let mut figures = Figures::default();
    figures.add("sessions", all as f64);
    figures.add("conversations_each", users.iter().map(|user| user.len() - 1).max().unwrap_or(0) as f64);
    figures.add("rss_kib_without", without as f64);
    figures.add("rss_kib_half", half as f64);
    figures.add("rss_kib", full as f64);
    figures.add("kib_each", (full as f64 - without as f64) / all as f64);
    figures.add("kib_each_of_second_half", (full as f64 - half as f64) / (all - all / 2) as f64);
    figures.add("connects_per_s", first);
    figures.add("connects_per_s_of_second_half", second);
    Ok(figures)
}

/// Sessions that are held.
struct Sessions {
    start: Instant,
    /// Milliseconds from the start until something was heard last.
    heard: Arc<AtomicU64>,
}

impl Sessions {
    /// Opens more of them, waits until they have been told everything and for a while more. What memory is in use then, in
    /// KiB, and how many were opened a second (in v2: are up to date).
    async fn open(&self, arguments: &Arguments, users: &[&[&str]]) -> Outcome<(u64, f64)> {
        let start = Instant::now();
        let opening = stream::iter(users).map(Ok);
        opening.try_for_each_concurrent(AT_ONCE, |user| self.open_one(arguments, user)).await?;
        let speed = users.len() as f64 / start.elapsed().as_secs_f64();
        while self.millis() < self.heard.load(Ordering::Relaxed) + QUIET.as_millis() as u64 {
            tokio::time::sleep(QUIET / 10).await;
        }
        tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
        Ok((resident(&arguments.pid), speed))
    }

    async fn open_one(&self, arguments: &Arguments, user: &[&str]) -> Outcome<()> {
        let mut socket = Socket::connect(&arguments.server, user[0], arguments.speech()).await?;
        if arguments.speech() == Speech::V2 {
            Device::new(user[0].to_owned(), &user[1..]).resume(&mut socket, |_| {}).await?;
        }
        let (start, heard) = (self.start, Arc::clone(&self.heard));
        tokio::spawn(async move {
            loop {
                if let Err(error) = socket.next().await {
                    eprintln!("a session is lost: {error}");
                    std::process::exit(1);
                }
                heard.store(start.elapsed().as_millis() as u64, Ordering::Relaxed);
            }
        });
        Ok(())
    }

    fn millis(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}
