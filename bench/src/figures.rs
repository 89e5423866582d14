//! What a run has come to.

use std::fmt;

use serde_json::{Map, Value, json};

/// Figures by name, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    /// One more.
    pub fn add(&mut self, name: &'static str, value: f64) {
        self.0.push((name, value));
    }

    /// One of them; NaN when it isn't there.
    pub fn get(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| *known == name).map_or(f64::NAN, |(_, value)| *value)
    }

    /// The line of a file of results. What isn't a number is null there.
    pub fn line(&self, scenario: &str, peer: &str, version: Option<&str>, run: u32) -> String {
        let figures: Map<String, Value> = self.0.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        json!({ "scenario": scenario, "peer": peer, "version": version, "run": run, "figures": figures }).to_string()
    }
}

/// The line of a file of results that tells how something grows: `axes` are what is told by what.
pub fn series(name: &str, peer: &str, (x, y): (&str, &str), points: &[(f64, f64)]) -> String {
    json!({ "series": name, "peer": peer, "x": x, "y": y, "points": points }).to_string()
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            let digits = if value.abs() >= 100.0 || value.fract() == 0.0 { 0 } else { 2 };
            write!(f, "{name} {value:.digits$}  ")?;
        }
        Ok(())
    }
}
