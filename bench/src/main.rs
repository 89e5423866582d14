//! Load for a running Pneumatic: rooms of v1 sockets that talk as fast as they hear themselves, or connections that
//! post over REST. Counts deliveries per second and per second of the server's CPU.

mod people;
mod rooms;

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// The result of anything that may stop the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What to load, and how.
#[derive(Clone, Debug, Parser)]
pub struct Arguments {
    /// Host and port of the server.
    #[arg(long, default_value = "127.0.0.1:8000")]
    server: String,
    /// The server's processes, whose CPU time is counted (a database's as well).
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// What to do.
    #[arg(long, value_enum, default_value = "fan-out")]
    scenario: Scenario,
    /// Conversations.
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    /// Members of each, every one with a socket.
    #[arg(long, default_value_t = 20)]
    members: usize,
    /// Messages under way per room (fan-out) or connections in all (post).
    #[arg(long, default_value_t = 2)]
    in_flight: usize,
    /// How long to measure, after a second of warming up.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of a message.
    #[arg(long, default_value_t = 100)]
    size: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Each room's first member talks, all members listen.
    FanOut,
    /// Messages are posted over REST, nobody listens.
    Post,
}

/// CPU seconds that the processes have used so far.
fn cpu_seconds(pids: &[u32]) -> f64 {
    // /proc counts in ticks of a hundredth of a second on every Linux that we run on (man 5 proc, man 7 time).
    const TICKS: f64 = 100.0;
    pids.iter()
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok();
            Some((ticks(11)? + ticks(12)?) / TICKS)
        })
        .sum()
}

/// Runs until `seconds` have been measured; prints a line.
async fn measure(arguments: &Arguments, counts: &rooms::Counts) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    counts.reset();
    let (cpu, start) = (cpu_seconds(&arguments.pid), std::time::Instant::now());
    tokio::time::sleep(Duration::from_secs(arguments.seconds)).await;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds(&arguments.pid) - cpu);
    let figures = counts.figures();
    println!(
        "messages/s {:.0}  deliveries/s {:.0}  server CPU {:.2} s of {:.2} s  deliveries per CPU-s {:.0}  messages per CPU-s {:.0}  latency ms p50 {:.2} p99 {:.2}",
        figures.messages as f64 / seconds,
        figures.deliveries as f64 / seconds,
        cpu,
        seconds,
        figures.deliveries as f64 / cpu,
        figures.messages as f64 / cpu,
        figures.p50,
        figures.p99,
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let site = people::Site::new(&arguments.server)?;
    let members = if arguments.scenario == Scenario::Post { 1 } else { arguments.members };
    eprintln!("making {} people", arguments.rooms * members);
    let rooms = site.rooms(arguments.rooms, members).await?;
    let counts = match arguments.scenario {
        Scenario::FanOut => rooms::talk(&arguments, rooms).await?,
        Scenario::Post => rooms::post(&arguments, &site, &rooms),
    };
    measure(&arguments, &counts).await;
    Ok(())
}
