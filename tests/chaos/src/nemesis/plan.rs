//! The schedule of faults: the same seed, the same faults in the same order with the same pauses.

use std::{fmt, time::Duration};

use fastrand::Rng;

use super::fault::Kind;
use crate::proxy::Silence;

/// A fault, and the pause before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// For so long nothing happens.
    pub pause: Duration,
    /// Then this does.
    pub blow: Blow,
    /// In its midst the server is killed, so long after its beginning.
    pub kill_after: Option<Duration>,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blow {
    /// SIGKILL.
    Kill,
    /// SIGSTOP for so long.
    Stop(Duration),
    /// The database is away for so long.
    Database {
        /// PostgreSQL: as by a power cut, and not in order.
        hard: bool,
        /// For so long.
        away: Duration,
    },
    /// The disk is full for so long after the first refusal.
    Disk(Duration),
    /// The time of day jumps by so many seconds.
    Clock(i64),
    /// Listeners don't read for so long.
    Slow(Duration),
    /// Connections go silent.
    HalfOpen(Silence),
}

impl Blow {
    /// Of which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Kill => Kind::Kill,
            Self::Stop(_) => Kind::Stop,
            Self::Database { .. } => Kind::Database,
            Self::Disk(_) => Kind::Disk,
            Self::Clock(_) => Kind::Clock,
            Self::Slow(_) => Kind::Slow,
            Self::HalfOpen(_) => Kind::Halfopen,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.blow {
            Blow::Kill => f.write_str("SIGKILL")?,
            Blow::Stop(time) => write!(f, "SIGSTOP for {time:.1?}")?,
            Blow::Database { hard, away } => write!(f, "{} for {away:.1?}", if hard { "broken off" } else { "stopped" })?,
            Blow::Disk(time) => write!(f, "full for {time:.1?}")?,
            Blow::Clock(seconds) => write!(f, "{seconds:+} s")?,
            Blow::Slow(time) => write!(f, "no reading for {time:.1?}")?,
            Blow::HalfOpen(silence) => write!(f, "{silence:?}")?,
        }
        self.kill_after.map_or(Ok(()), |after| write!(f, ", with SIGKILL after {after:.1?}"))
    }
}

/// The jumps there are, in seconds. A token and a login outlive all of them together.
const JUMPS: [i64; 8] = [1, -1, 60, -60, 3_600, -3_600, 10_800, -10_800];
/// How far the clock may be off in all, in seconds.
const FARTHEST: i64 = 6 * 3_600;
/// Kills for each other fault, where there are both.
const KILLS: usize = 3;

/// An endless schedule.
#[derive(Debug)]
pub struct Plan {
    random: Rng,
    kinds: Vec<Kind>,
    /// What is still to come before everything has been once more.
    deck: Vec<Kind>,
    clock: i64,
}

impl Plan {
    /// The schedule of a seed for these kinds.
    pub fn new(seed: u64, kinds: &[Kind]) -> Self {
        Self { random: Rng::with_seed(seed), kinds: kinds.to_vec(), deck: Vec::new(), clock: 0 }
    }

    fn kind(&mut self) -> Option<Kind> {
        if self.deck.is_empty() {
            self.deck.clone_from(&self.kinds);
            if self.kinds.len() > 1 && self.kinds.contains(&Kind::Kill) {
                self.deck.extend([Kind::Kill; KILLS - 1]);
            }
            self.random.shuffle(&mut self.deck);
        }
        self.deck.pop()
    }

    /// From `least` to `most` milliseconds, and once in a while `long`.
    fn time(&mut self, least: u64, most: u64, long: u64) -> Duration {
        let (usual, is_long) = (self.random.u64(least..most), self.random.u8(..8) == 0);
        Duration::from_millis(if is_long { long } else { usual })
    }

    fn jump(&mut self) -> i64 {
        let jumps: Vec<_> = JUMPS.into_iter().filter(|jump| (self.clock + jump).abs() <= FARTHEST).collect();
        let jump = self.random.choice(jumps).unwrap_or_default();
        self.clock += jump;
        jump
    }
}

impl Iterator for Plan {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let kind = self.kind()?;
        let pause = Duration::from_millis(self.random.u64(100..700));
        let blow = match kind {
            Kind::Kill => Blow::Kill,
            Kind::Stop => Blow::Stop(self.time(200, 3_000, 7_000)),
            Kind::Database => Blow::Database { hard: self.random.bool(), away: self.time(0, 4_000, 17_000) },
            Kind::Disk => Blow::Disk(self.time(500, 3_000, 8_000)),
            Kind::Clock => Blow::Clock(self.jump()),
            Kind::Slow => Blow::Slow(self.time(1_000, 5_000, 12_000)),
            Kind::Halfopen => {
                let silence = self.random.choice([Silence::Still, Silence::Swallowed, Silence::Deaf]);
                Blow::HalfOpen(silence.unwrap_or(Silence::Still))
            }
        };
        let in_midst = Duration::from_millis(self.random.u64(50..1_500));
        let kills = self.kinds.contains(&Kind::Kill) && matches!(kind, Kind::Stop | Kind::Database | Kind::Disk);
        let kill_after = (self.random.u8(..4) == 0 && kills).then_some(in_midst);
        Some(Step { pause, blow, kill_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_plan_again() {
        let draw = |seed| Plan::new(seed, &Kind::ALL).take(200).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn every_kind_has_its_turn_soon_and_no_other_has_one() {
        for seed in 0..20 {
            let first: Vec<_> = Plan::new(seed, &Kind::ALL).take(Kind::ALL.len() + KILLS - 1).collect();
            assert!(Kind::ALL.iter().all(|kind| first.iter().any(|step| step.blow.kind() == *kind)));
            assert!(Plan::new(seed, &[Kind::Kill]).take(50).all(|step| step.blow == Blow::Kill && step.kill_after.is_none()));
            let without_kills = [Kind::Stop, Kind::Disk];
            assert!(Plan::new(seed, &without_kills).take(50).all(|step| step.kill_after.is_none()));
        }
    }

    #[test]
    fn the_clock_doesn_t_run_away() {
        let mut clock = 0_i64;
        for step in Plan::new(3, &[Kind::Clock]).take(1_000) {
            let Blow::Clock(jump) = step.blow else { panic!("{step:?}") };
            clock += jump;
            assert!(jump != 0 && clock.abs() <= FARTHEST);
        }
    }
}
