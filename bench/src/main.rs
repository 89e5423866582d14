//! Load for a running chat server: rooms of sockets that talk as fast as they hear themselves or at a steady pace; requests over
//! REST; everybody coming back at once; sessions that do nothing. Counts deliveries per second and per second of the server's CPU,
//! latency, memory, what got lost and what came twice.

mod bystanders;
mod calls;
mod crossing;
mod device;
mod engine;
mod figures;
mod frames;
mod gauges;
mod growth;
mod idle;
mod mark;
mod people;
mod process;
mod saturate;
mod slow;
mod soak;
mod socket;
mod speech;
mod spread;
mod storm;
mod talk;

use std::{io::Write, path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

use self::{figures::Figures, speech::Speech};

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
    /// The server's processes, whose CPU time and memory are counted with those of their children (a database's as well).
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// What to do.
    #[arg(long, value_enum, default_value = "fan-out")]
    scenario: Scenario,
    /// Conversations (fan-out, saturate, post, history).
    #[arg(long, default_value = "20", value_parser = at_least_one)]
    rooms: usize,
    /// Members of each conversation; 20, in a storm 10, of those who idle 100, where some don't read 1,000.
    #[arg(long)]
    members: Option<usize>,
    /// Messages under way per room (fan-out) or connections in all (post, history).
    #[arg(long, default_value_t = 2)]
    in_flight: usize,
    /// Users (storm, people, soak).
    #[arg(long, default_value = "2000", value_parser = at_least_one)]
    users: usize,
    /// Conversations of each user; 5 in a storm, 20 of those who idle.
    #[arg(long, value_parser = at_least_one)]
    conversations: Option<usize>,
    /// Those of the members who don't read (slow).
    #[arg(long, default_value_t = 200)]
    stuck: usize,
    /// Messages in each conversation while everybody is away (storm).
    #[arg(long, default_value_t = 3)]
    missed: usize,
    /// Seconds within which everybody comes (storm).
    #[arg(long, default_value_t = 5.0)]
    within: f64,
    /// Messages a second (crossing, slow; storm: of the bystanders; fan-out: in all rooms, instead of some under way).
    #[arg(long, value_parser = positive)]
    rate: Option<f64>,
    /// Sessions; one for each user unless given (idle).
    #[arg(long)]
    sockets: Option<usize>,
    /// What is spoken; v2 by those who idle, v1 by others unless given.
    #[arg(long, value_enum)]
    speech: Option<Speech>,
    /// Where the users' tokens are kept (people, idle).
    #[arg(long, default_value = "tokens")]
    tokens: PathBuf,
    /// Messages stored in all, at each of which is measured (growth).
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000, 100_000, 1_000_000])]
    past: Vec<usize>,
    /// How long to measure, after a second of warming up (storm: the calm; idle: to wait before measuring).
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of a message.
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// A file to which a line with the figures is added.
    #[arg(long)]
    results: Option<PathBuf>,
    /// What the results call the server.
    #[arg(long, default_value = "pneumatic")]
    peer: String,
    /// Of what the server is made.
    #[arg(long)]
    peer_version: Option<String>,
    /// What the results call the scenario, if not as it is called here.
    #[arg(long)]
    name: Option<String>,
    /// The how manyth run it is.
    #[arg(long, default_value_t = 1)]
    run: u32,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be a whole number above 0".into())
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0).ok_or_else(|| "must be above 0".into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// Each room's first member talks, all members listen.
    FanOut,
    /// The same, at more and more messages a second, for as long as 99 of 100 deliveries take no longer than 250 ms.
    Saturate,
    /// Messages are posted over REST, nobody listens.
    Post,
    /// The latest page of a conversation is read over REST.
    History,
    /// All users lose their connections and return, while a room of bystanders talks on.
    Storm,
    /// One room talks at a steady pace, some of its members read nothing.
    Slow,
    /// Makes users in conversations that they share, for `idle`.
    People,
    /// Sessions of these users that do nothing.
    Idle,
    /// One talks, two listen, one of them on another node.
    Crossing,
    /// Pages and catching up as more and more is stored.
    Growth,
    /// Users come, talk and go, for as long as is measured.
    Soak,
}

impl Arguments {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn speech(&self) -> Speech {
        self.speech.unwrap_or(if self.scenario == Scenario::Idle { Speech::V2 } else { Speech::V1 })
    }

    /// Messages a second of those scenarios that have a pace of their own.
    fn rate(&self) -> f64 {
        self.rate.unwrap_or(50.0)
    }

    /// Shows the figures, and adds them to the results.
    fn tell(&self, figures: &Figures) -> Outcome<()> {
        println!("{figures}");
        let scenario = self.scenario.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let scenario = self.name.as_deref().unwrap_or(&scenario);
        self.add(&figures.line(scenario, &self.peer, self.peer_version.as_deref(), self.run))
    }

    /// Adds a line to the results.
    fn add(&self, line: &str) -> Outcome<()> {
        if let Some(file) = &self.results {
            writeln!(std::fs::File::options().create(true).append(true).open(file)?, "{line}")?;
        }
        Ok(())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome<()> {
    let arguments = Arguments::parse();
    let site = people::Site::new(&arguments.server)?;
    match arguments.scenario {
        Scenario::FanOut => arguments.tell(&talk::talk(&arguments, &site).await?),
        Scenario::Saturate => arguments.tell(&saturate::run(&arguments, &site).await?),
        Scenario::Post => arguments.tell(&talk::post(&arguments, &site).await?),
        Scenario::History => arguments.tell(&talk::read(&arguments, &site).await?),
        Scenario::Storm => storm::run(&arguments, &site).await,
        Scenario::Slow => arguments.tell(&slow::run(&arguments, &site).await?),
        Scenario::People => idle::prepare(&arguments, &site).await,
        Scenario::Idle => arguments.tell(&idle::run(&arguments).await?),
        Scenario::Crossing => crossing::run(&arguments, &site).await,
        Scenario::Growth => growth::run(&arguments, &site).await,
        Scenario::Soak => soak::run(&arguments, &site).await,
    }
}
