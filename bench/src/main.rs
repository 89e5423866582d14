//! Load for a running Pneumatic: rooms of v1 sockets that talk as fast as they hear themselves, or connections that
//! post over REST; everybody coming back at once; sessions that do nothing. Counts deliveries per second and per second of
//! the server's CPU, latency, and memory.

mod bystanders;
mod crossing;
mod device;
mod idle;
mod people;
mod process;
mod rooms;
mod socket;
mod spread;
mod storm;

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

use self::{process::cpu_seconds, socket::Dialect};

/// The result of anything that may stop the run.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What to load, and how.
#[derive(Clone, Debug, Parser)]
#[command(args_override_self = true)]
pub struct Arguments {
    /// Host and port of the server.
    #[arg(long, default_value = "127.0.0.1:8000")]
    server: String,
    /// Host and port of further nodes, among which the members are spread (fan-out, crossing).
    #[arg(long, value_delimiter = ',')]
    others: Vec<String>,
    /// The server's processes, whose CPU time and memory are counted (a database's as well).
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// What to do.
    #[arg(long, value_enum, default_value = "fan-out")]
    scenario: Scenario,
    /// Conversations (fan-out, post).
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    /// Members of each conversation; 20, in a storm 10, of those who idle 100.
    #[arg(long)]
    members: Option<usize>,
    /// Messages under way per room (fan-out) or connections in all (post).
    #[arg(long, default_value_t = 2)]
    in_flight: usize,
    /// Users (storm, people).
    #[arg(long, default_value_t = 2_000)]
    users: usize,
    /// Conversations of each user; 5 in a storm, 20 of those who idle.
    #[arg(long)]
    conversations: Option<usize>,
    /// Messages in each conversation while everybody is away (storm).
    #[arg(long, default_value_t = 3)]
    missed: usize,
    /// Seconds within which everybody comes (storm).
    #[arg(long, default_value_t = 5.0)]
    within: f64,
    /// Messages a second (crossing; storm: of the bystanders).
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Sessions; one for each user unless given (idle).
    #[arg(long)]
    sockets: Option<usize>,
    /// What they speak (idle).
    #[arg(long, value_enum, default_value = "v2")]
    dialect: Dialect,
    /// Where the users' tokens are kept (people, idle).
    #[arg(long, default_value = "tokens")]
    tokens: PathBuf,
    /// How long to measure, after a second of warming up (storm: the calm; idle: to wait before measuring).
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
    /// All users lose their connections and return, while a room of bystanders talks on.
    Storm,
    /// Makes users in conversations that they share, for `idle`.
    People,
    /// Sessions of these users that do nothing.
    Idle,
    /// One talks, two listen, one of them on another node.
    Crossing,
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
        figures.latency.p50,
        figures.latency.p99,
    );
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let site = people::Site::new(&arguments.server)?;
    let counts = match arguments.scenario {
        Scenario::FanOut => {
            let rooms = site.rooms(arguments.rooms, arguments.members.unwrap_or(20)).await?;
            rooms::talk(&arguments, rooms).await?
        }
        Scenario::Post => rooms::post(&arguments, &site, &site.rooms(arguments.rooms, 1).await?),
        Scenario::Storm => return storm::run(&arguments, &site).await,
        Scenario::People => return idle::prepare(&arguments, &site).await,
        Scenario::Idle => return idle::run(&arguments).await,
        Scenario::Crossing => return crossing::run(&arguments, &site).await,
    };
    measure(&arguments, &counts).await;
    Ok(())
}
