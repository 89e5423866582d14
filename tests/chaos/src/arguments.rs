//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::Parser;

use crate::{
    Outcome,
    load::Amount,
    nemesis::fault::Kind,
    run::Order,
    subject::server::{DatabaseKind, HEARTBEAT},
};

/// How long a run lasts that isn't told.
const SECONDS: u64 = 60;

/// Torments a Pneumatic server of its own, then proves from journals and the database that it kept its promise.
/// Ends with 0: it did; 1: it didn't, and the folder with everything is kept; 2: the run itself couldn't be carried out.
#[derive(Clone, Debug, Parser)]
#[command(name = "pneumatic-chaos", args_override_self = true)]
pub struct Arguments {
    /// The server's database.
    #[arg(long, value_enum, default_value = "sqlite")]
    pub database: DatabaseKind,
    /// Replays the plan of an earlier run; a new one unless given.
    #[arg(long)]
    pub seed: Option<u64>,
    /// How long to strike, in seconds; 60 unless there are --kills.
    #[arg(long, conflicts_with = "kills")]
    pub seconds: Option<u64>,
    /// How many kills to strike.
    #[arg(long)]
    pub kills: Option<u64>,
    /// With --kills: go on until so many messages were acknowledged as well.
    #[arg(long, default_value_t = 0, requires = "kills")]
    pub acknowledged: u64,
    /// The faults; all of them unless given, `none` of them by an empty list.
    #[arg(long, value_enum, value_delimiter = ',', num_args = 0..)]
    pub faults: Option<Vec<Kind>>,
    /// The server's program; beside this one unless given.
    #[arg(long)]
    pub server: Option<PathBuf>,
    /// People.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(4..=100))]
    pub people: u64,
    /// Conversations.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u64).range(3..=100))]
    pub rooms: u64,
    /// Clients that send, half of them over REST, half over sockets.
    #[arg(long, default_value_t = 12)]
    pub senders: usize,
    /// Messages a second that they aim at together; 0: as many as go.
    #[arg(long, default_value_t = 200.0)]
    pub rate: f64,
    /// What the times for recovery and answers are multiplied by, for slow machines and debug builds; 0.1 to 100.
    #[arg(long, default_value_t = 1.0, value_parser = lenience)]
    pub lenience: f64,
    /// Where journal, logs and database go; a new folder, gone afterwards unless something is wrong.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// libfaketime, where it isn't where Debian puts it.
    #[arg(long)]
    pub faketime: Option<PathBuf>,
    /// Strikes at nothing, and checks the run that left this folder once more.
    #[arg(long, conflicts_with_all = ["folder", "kills", "seconds"])]
    pub check: Option<PathBuf>,
}

fn lenience(text: &str) -> Result<f64, String> {
    let lenience = text.parse::<f64>().map_err(|error| error.to_string())?;
    if (0.1..=100.0).contains(&lenience) { Ok(lenience) } else { Err("it must be between 0.1 and 100".into()) }
}

impl Arguments {
    /// The faults that are wanted.
    pub fn faults(&self) -> Vec<Kind> {
        let mut kinds = self.faults.clone().unwrap_or_else(|| Kind::ALL.to_vec());
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// The server's program.
    ///
    /// # Errors
    /// When nobody knows where this one is.
    pub fn program(&self) -> Outcome<PathBuf> {
        match &self.server {
            Some(program) => Ok(program.clone()),
            None => Ok(std::env::current_exe()?.with_file_name("pneumatic")),
        }
    }

    /// What is to be done with the faults that there can be.
    ///
    /// # Errors
    /// When it would never end.
    pub fn order(&self, seed: u64, kinds: Vec<Kind>) -> Outcome<Order> {
        let measured = self.kills.is_some();
        if self.kills.is_some_and(|kills| kills > 0) && !kinds.contains(&Kind::Kill) {
            return Err("there are no kills to count: add kill to --faults".into());
        }
        Ok(Order {
            seed,
            database: self.database.name().into(),
            kinds,
            amount: Amount { people: self.people as usize, rooms: self.rooms as usize, senders: self.senders, rate: self.rate },
            seconds: (!measured).then_some(self.seconds.unwrap_or(SECONDS)),
            kills: self.kills.unwrap_or_default(),
            acknowledged: self.acknowledged,
            lenience: self.lenience,
            settling: Duration::from_secs(60),
            listening: Duration::from_secs(10).mul_f64(self.lenience.max(1.0)),
            // A silent device is given up after the heartbeat, which is looked at thrice in that time, and lingers.
            leaving: Duration::from_secs(HEARTBEAT * 2 + 10),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measure_is_time_or_kills() {
        let parse = |line: &str| Arguments::try_parse_from(line.split_whitespace());
        let order = |line: &str| parse(line).unwrap().order(1, vec![Kind::Kill]).unwrap();
        assert_eq!(order("chaos").seconds, Some(60));
        assert_eq!(order("chaos --seconds 7").seconds, Some(7));
        let kills = order("chaos --kills 500 --acknowledged 50000");
        assert_eq!((kills.seconds, kills.kills, kills.acknowledged), (None, 500, 50_000));
        assert!(parse("chaos --seconds 7 --kills 5").is_err());
        assert!(parse("chaos --acknowledged 5").is_err());
        assert!(parse("chaos --kills 5").unwrap().order(1, vec![Kind::Stop]).is_err(), "it would never end");
    }

    #[test]
    fn lenience_has_bounds() {
        let lenience = |text: &str| Arguments::try_parse_from(["chaos", "--lenience", text]).map(|parsed| parsed.lenience);
        assert_eq!(lenience("2.5").ok(), Some(2.5));
        assert!(["-1", "0", "1e9", "NaN", "inf", "x"].into_iter().all(|text| lenience(text).is_err()));
    }

    #[test]
    fn faults_are_picked_by_name() {
        let faults = |line: &str| Arguments::try_parse_from(line.split_whitespace()).unwrap().faults();
        assert_eq!(faults("chaos"), Kind::ALL);
        assert_eq!(faults("chaos --faults disk,kill,disk"), [Kind::Kill, Kind::Disk]);
        assert_eq!(faults("chaos --faults"), []);
    }
}
