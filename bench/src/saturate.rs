//! How much a server carries: the most messages a second at which 99 of 100 deliveries come in time.

use std::time::Duration;

use crate::{
    Arguments, Outcome,
    engine::{Engine, Pace},
    figures::Figures,
    people::Site,
    talk::engine,
};

/// What is in time.
const IN_TIME: f64 = 250.0;
/// Messages a second to begin with.
const FIRST: f64 = 250.0;
/// How exactly the rate is found: the best that holds and the least that doesn't are no further apart than this.
const EXACT: f64 = 1.08;
/// The longest time for each rate: it is a search, not a measurement.
const LONGEST: Duration = Duration::from_secs(5);
/// How often a rate is tried: a disk that others use stands still at times, and that says nothing of the server.
const TRIES: u32 = 3;

/// Doubles the rate until it holds in none of its tries, then looks between.
pub async fn run(arguments: &Arguments, site: &Site) -> Outcome<Figures> {
    let mut engine = engine(arguments, site).await?;
    let (mut best, mut least) = (None::<(f64, Figures)>, f64::INFINITY);
    let mut rate = FIRST;
    loop {
        match attempt(&mut engine, rate, arguments.time().min(LONGEST)) {
            Ok(Some(figures)) => best = Some((rate, figures)),
            Ok(None) => least = rate,
            // Who closes sockets when it is too much for him carries what he has carried.
            Err(error) if best.is_some() => {
                eprintln!("{rate:.0}/s: {error}");
                break;
            }
            Err(error) => return Err(error),
        }
        let known = best.as_ref().map_or(0.0, |(rate, _)| *rate);
        if least <= known * EXACT || least < FIRST / 64.0 {
            break;
        }
        rate = if least.is_infinite() {
            known * 2.0
        } else if known == 0.0 {
            least / 2.0
        } else {
            (known * least).sqrt()
        };
    }
    let (rate, mut figures) = best.ok_or("it carries nothing")?;
    figures.add("rate_per_s", rate);
    Ok(figures)
}

/// The figures of the first try in which a rate holds.
fn attempt(engine: &mut Engine, rate: f64, time: Duration) -> Outcome<Option<Figures>> {
    for _ in 0..TRIES {
        let figures = engine.measure(Pace::Open(rate), time)?;
        let holds = figures.get("p99_ms") <= IN_TIME && figures.get("lost") == 0.0;
        eprintln!("{rate:.0}/s: {}  {figures}", if holds { "holds" } else { "doesn't" });
        if holds {
            return Ok(Some(figures));
        }
    }
    Ok(None)
}
