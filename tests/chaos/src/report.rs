//! What a run came to: figures, and what broke the promise.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    time::Duration,
};

use serde::Serialize;

use crate::{
    checker::{Kind, Violation},
    history::{History, Told},
    journal::entry::Trouble,
    nemesis::fault,
};

/// Most violations of a kind that are listed.
const LISTED: usize = 10;

/// The figures, as the line for programs has them.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Replays the plan.
    pub seed: u64,
    /// `sqlite` or `postgres`.
    pub database: String,
    /// How long faults and load lasted.
    pub seconds: f64,
    /// Kills, those in the midst of other faults included.
    pub kills: usize,
    /// Messages that somebody meant to send.
    pub sent: usize,
    /// Attempts at them.
    pub attempts: usize,
    /// Messages that were acknowledged.
    pub acknowledged: usize,
    /// Attempts that were put off.
    pub refused: usize,
    /// Attempts without an answer.
    pub unanswered: usize,
    /// Messages that nobody acknowledged and that are stored all the same, once each.
    pub stored_unacknowledged: usize,
    /// Messages that are stored.
    pub stored: usize,
    /// Messages that devices were told of.
    pub heard: usize,
    /// Connections that ended.
    pub cuts: usize,
    /// Acknowledged and not stored.
    pub lost: usize,
    /// Stored more than once.
    pub doubled: usize,
    /// Holes in the numbers.
    pub gaps: usize,
    /// Orders besides the one.
    pub orders: usize,
    /// Everything that broke the promise, by its name.
    pub violations: BTreeMap<&'static str, usize>,
    /// How long it took until everything worked again, by the fault.
    pub recoveries: BTreeMap<&'static str, Recovery>,
    /// Faults that couldn't be, and why.
    pub skipped: BTreeMap<&'static str, String>,
}

/// How long it took after all the faults of a kind.
#[derive(Debug, Serialize)]
pub struct Recovery {
    /// How many there were.
    pub count: usize,
    /// In how many of them the server was killed.
    pub with_kill: usize,
    /// Calls and frames that were put off or not answered from their beginnings until everything worked again.
    pub refusals: usize,
    /// Half of them took at most so many milliseconds.
    pub p50_ms: f64,
    /// All of them did.
    pub max_ms: f64,
    /// All of them must.
    pub target_ms: f64,
}

impl Figures {
    /// Counts.
    pub fn of(history: &History, violations: &[Violation], skipped: &[(fault::Kind, String)]) -> Self {
        let messages = || history.messages.values();
        let count = |kinds: &[Kind]| violations.iter().filter(|violation| kinds.contains(&violation.kind)).count();
        let stored: Vec<&str> = history.truth.stored.messages.iter().map(|row| row.message_id.as_str()).collect();
        let is_open = |name: &&&str| history.messages.get(**name).is_some_and(|sending| sending.acks.is_empty());
        let mut by_kind = BTreeMap::new();
        for violation in violations {
            *by_kind.entry(violation.kind.name()).or_default() += 1;
        }
        let heard = history.told.values().flatten().filter(|told| matches!(told, Told::Heard(_))).count();
        let last = messages().filter_map(|sending| sending.attempts.last()).max().copied().unwrap_or_default();
        let first = messages().filter_map(|sending| sending.attempts.first()).min().copied().unwrap_or_default();
        Self {
            seed: history.seed,
            database: history.database.clone(),
            seconds: last.since(first).as_secs_f64(),
            kills: history.faults.iter().filter(|fault| fault.with_kill || fault.kind == fault::Kind::Kill).count(),
            sent: history.messages.len(),
            attempts: messages().map(|sending| sending.attempts.len()).sum(),
            acknowledged: messages().filter(|sending| !sending.acks.is_empty()).count(),
            refused: messages().flat_map(|sending| &sending.refused).filter(|refused| !refused.good).count(),
            unanswered: messages().map(|sending| sending.unanswered.len()).sum(),
            stored_unacknowledged: stored.iter().filter(is_open).count(),
            stored: stored.len(),
            heard,
            cuts: history.cuts.len(),
            lost: count(&[Kind::Lost]),
            doubled: count(&[Kind::Doubled]),
            gaps: count(&[Kind::Gap]),
            orders: count(&[Kind::Order, Kind::Moved, Kind::SenderOrder, Kind::RealTimeOrder, Kind::Disordered]),
            violations: by_kind,
            recoveries: recoveries(history),
            skipped: skipped.iter().map(|(kind, why)| (kind.name(), why.clone())).collect(),
        }
    }

    /// One line for programs.
    ///
    /// # Errors
    /// None that there is a case of.
    pub fn line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

fn recoveries(history: &History) -> BTreeMap<&'static str, Recovery> {
    let mut all = BTreeMap::new();
    for kind in fault::Kind::ALL {
        let faults = || history.faults.iter().filter(|fault| fault.kind == kind);
        let mut times: Vec<Duration> = faults().filter_map(|fault| Some(fault.back?.since(fault.over))).collect();
        times.sort_unstable();
        let Some(longest) = times.last().copied() else { continue };
        let ms = |time: Duration| (time.as_secs_f64() * 1e4).round() / 10.0;
        let with_kill = faults().filter(|fault| fault.with_kill).count();
        let during = |trouble: &&Trouble| {
            faults().any(|fault| fault.from <= trouble.at && fault.back.is_none_or(|back| trouble.at <= back))
        };
        let refusals = history.troubles.iter().filter(during).count();
        let (p50_ms, max_ms) = (ms(times[(times.len() - 1) / 2]), ms(longest));
        let target_ms = ms(kind.within(history.lenience));
        all.insert(kind.name(), Recovery { count: times.len(), with_kill, refusals, p50_ms, max_ms, target_ms });
    }
    all
}

impl Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, database, seconds, kills, sent, attempts, acknowledged, refused, unanswered, .. } = self;
        writeln!(f, "{database}, seed {seed}, {seconds:.0} s, {kills} kills")?;
        writeln!(
            f,
            "  sent          {sent:>8}  in {attempts} attempts, of which {refused} were put off and {unanswered} not answered"
        )?;
        writeln!(f, "  acknowledged  {acknowledged:>8}")?;
        writeln!(f, "  stored        {:>8}  of which {} were never acknowledged", self.stored, self.stored_unacknowledged)?;
        writeln!(f, "  heard         {:>8}  over {} connections that ended", self.heard, self.cuts)?;
        let Self { lost, doubled, gaps, orders, .. } = self;
        writeln!(f, "  {lost} lost, {doubled} doubled, {gaps} gaps, {orders} other orders")?;
        for (name, Recovery { count, with_kill, refusals, p50_ms, max_ms, target_ms }) in &self.recoveries {
            let killed = if *with_kill > 0 { format!(", {with_kill} with a kill") } else { String::new() };
            let back = format!("back after {p50_ms} ms (half), {max_ms} ms (all); target {target_ms} ms");
            writeln!(f, "  {name:<9} {count:>4} times{killed}: {refusals} put off or not answered, {back}")?;
        }
        for (name, why) in &self.skipped {
            writeln!(f, "  SKIPPED {name}: {why}")?;
        }
        Ok(())
    }
}

/// The violations, the first of each kind.
pub fn list(violations: &[Violation]) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let of_kind: Vec<_> = violations.iter().filter(|violation| violation.kind == kind).collect();
        for violation in of_kind.iter().take(LISTED) {
            text.push_str(&format!("VIOLATION {violation}\n"));
        }
        if of_kind.len() > LISTED {
            text.push_str(&format!("VIOLATION {}: {} more\n", kind.name(), of_kind.len() - LISTED));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        history::Row,
        journal::{entry::Fault, numbers::Moment},
    };

    #[test]
    fn many_of_a_kind_are_told_in_part() {
        let lost = |n| Violation { kind: Kind::Lost, what: format!("c0-{n}") };
        let mut violations: Vec<_> = (0..30).map(lost).collect();
        violations.push(Violation { kind: Kind::Gap, what: "at 7".into() });
        let list = list(&violations);
        assert_eq!(list.lines().count(), LISTED + 2);
        assert!(list.contains("VIOLATION lost: 20 more\nVIOLATION gap: at 7\n"), "{list}");
    }

    #[test]
    fn figures_count_what_there_was() {
        let fault = |kind, with_kill, back| Fault {
            kind,
            detail: String::new(),
            with_kill,
            from: Moment(0),
            over: Moment(1_000),
            back: Some(Moment(back)),
        };
        let mut history = History { lenience: 2.0, ..History::default() };
        history.faults = vec![
            fault(fault::Kind::Kill, false, 3_000),
            fault(fault::Kind::Disk, true, 5_000),
            fault(fault::Kind::Kill, false, 11_000),
            fault(fault::Kind::Stop, false, 2_000),
        ];
        let id = uuid::Uuid::nil();
        let row = Row { conversation: id, sender: id, id, message_id: "x".into(), seq: 1, rev: 2, content: "x".into() };
        history.truth.stored.messages.push(row);
        let lost = Violation { kind: Kind::Lost, what: String::new() };
        let figures = Figures::of(&history, &[lost], &[(fault::Kind::Clock, "no library".into())]);
        assert_eq!((figures.kills, figures.stored, figures.lost), (3, 1, 1));
        let kill = &figures.recoveries["kill"];
        assert_eq!((kill.count, kill.p50_ms, kill.max_ms, kill.target_ms), (2, 2.0, 10.0, 10_000.0));
        assert!(figures.line().unwrap().contains(r#""violations":{"lost":1}"#));
        assert!(figures.to_string().contains("SKIPPED clock: no library"));
    }
}
