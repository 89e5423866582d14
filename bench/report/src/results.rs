//! What was measured in one sitting.

use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::spread::Spread;

/// All of it, in the order in which it was first mentioned.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// What is said of the machine.
    pub(crate) machine: IndexMap<String, Value>,
    pub(crate) scenarios: IndexMap<String, Scenario>,
    pub(crate) series: IndexMap<String, Series>,
    /// What the peers are made of, as far as it was said.
    pub(crate) versions: IndexMap<String, String>,
}

/// The runs of one scenario, by peer.
pub(crate) type Scenario = IndexMap<String, Runs>;

/// The runs of one peer.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) count: usize,
    figures: IndexMap<String, Vec<f64>>,
}

impl Runs {
    /// Names of what was counted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.figures.keys().map(String::as_str)
    }

    /// How a figure is spread; nothing if no run has it.
    pub(crate) fn spread(&self, figure: &str) -> Option<Spread> {
        Spread::of(self.figures.get(figure)?)
    }
}

/// How something grows with something else.
#[derive(Debug, Default)]
pub(crate) struct Series {
    pub(crate) x: String,
    pub(crate) y: String,
    /// By peer, the values found at each x; the bits of an x are its name.
    peers: IndexMap<String, IndexMap<u64, Vec<f64>>>,
}

impl Series {
    /// Each peer with its points, ascending, of which there is at least one: medians where there are several runs.
    pub(crate) fn lines(&self) -> Vec<(&str, Vec<(f64, f64)>)> {
        let line = |points: &IndexMap<u64, Vec<f64>>| {
            let point = |(x, values): (&u64, &Vec<f64>)| Some((f64::from_bits(*x), Spread::of(values)?.median));
            let mut line: Vec<(f64, f64)> = points.iter().filter_map(point).collect();
            line.sort_by(|one, other| one.0.total_cmp(&other.0));
            line
        };
        let lines = self.peers.iter().map(|(peer, points)| (peer.as_str(), line(points)));
        lines.filter(|(_, line)| !line.is_empty()).collect()
    }
}

#[derive(Deserialize)]
struct Machine {
    machine: IndexMap<String, Value>,
}

#[derive(Deserialize)]
struct Run {
    scenario: String,
    peer: String,
    version: Option<String>,
    figures: IndexMap<String, Option<f64>>,
}

#[derive(Deserialize)]
struct Growth {
    series: String,
    peer: String,
    version: Option<String>,
    x: String,
    y: String,
    points: Vec<(f64, f64)>,
}

const NO_MACHINE: &str = "the first line must say where it was measured: {\"machine\":{…}}";

fn parse<'line, T: Deserialize<'line>>(line: &'line str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| error.to_string())
}

/// What a line is, by what it has.
#[derive(Deserialize)]
struct Kind {
    machine: Option<IgnoredAny>,
    series: Option<IgnoredAny>,
}

impl FromStr for Results {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut results = Self::default();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (index, line) in lines {
            results.read(line).map_err(|error| format!("line {}: {error}", index + 1))?;
        }
        if results.machine.is_empty() { Err(NO_MACHINE.to_owned()) } else { Ok(results) }
    }
}

impl Results {
    fn read(&mut self, line: &str) -> Result<(), String> {
        let kind: Kind = parse(line)?;
        match (kind.machine.is_some(), self.machine.is_empty()) {
            (true, true) => self.machine = parse::<Machine>(line)?.machine,
            (true, false) => {
                return Err("a second sitting begins, whose ratios are its own; give it a file of its own".to_owned());
            }
            (false, true) => return Err(NO_MACHINE.to_owned()),
            (false, false) if kind.series.is_some() => self.add_growth(parse(line)?),
            (false, false) => self.add_run(parse(line)?),
        }
        Ok(())
    }

    fn add_run(&mut self, run: Run) {
        self.versions.extend(run.version.map(|version| (run.peer.clone(), version)));
        let runs = self.scenarios.entry(run.scenario).or_default().entry(run.peer).or_default();
        runs.count += 1;
        for (name, value) in run.figures {
            // What was no number is null; it is shown as missing.
            runs.figures.entry(name).or_default().extend(value.filter(|value| value.is_finite()));
        }
    }

    fn add_growth(&mut self, growth: Growth) {
        self.versions.extend(growth.version.map(|version| (growth.peer.clone(), version)));
        let series = self.series.entry(growth.series).or_default();
        (series.x, series.y) = (growth.x, growth.y);
        let points = series.peers.entry(growth.peer).or_default();
        for (x, y) in growth.points {
            points.entry(x.to_bits()).or_default().push(y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "{\"machine\":{\"cpus\":2}}\n";

    #[test]
    fn runs_of_a_peer_are_gathered() {
        let run =
            |value: &str| format!(r#"{{"scenario":"s","peer":"p","run":1,"version":"1","figures":{{"b_ms":{value},"a":1}}}}"#);
        let results: Results = [MACHINE, &run("3"), "\n\n", &run("null"), "\n", &run("5.5")].concat().parse().unwrap();
        let runs = &results.scenarios["s"]["p"];
        assert_eq!(runs.count, 3);
        assert_eq!(runs.names().collect::<Vec<_>>(), ["b_ms", "a"]);
        assert_eq!(runs.spread("b_ms"), Some(Spread { median: 4.25, least: 3.0, most: 5.5 }));
        assert_eq!(runs.spread("c"), None);
        assert_eq!(results.versions["p"], "1");
    }

    #[test]
    fn a_series_has_the_median_at_each_point() {
        let line = |y: u32| format!("{{\"series\":\"s\",\"peer\":\"p\",\"x\":\"x\",\"y\":\"y\",\"points\":[[10,{y}],[1,1]]}}\n");
        let results: Results = [MACHINE, &line(3), &line(9), &line(4)].concat().parse().unwrap();
        assert_eq!(results.series["s"].lines(), [("p", vec![(1.0, 1.0), (10.0, 4.0)])]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = |text: &str| text.parse::<Results>().unwrap_err();
        assert!(error("").contains("first line"));
        assert!(error(&[MACHINE, "{\"scenario\":\"s\"}"].concat()).starts_with("line 2: missing field `peer`"));
        assert!(error(&[MACHINE, "\n", MACHINE].concat()).starts_with("line 3: a second sitting"));
        assert!(error(&[MACHINE, "nonsense"].concat()).starts_with("line 2: "));
    }
}
