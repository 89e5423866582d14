//! The page: a template, into which the tables go.

use indexmap::IndexSet;
use serde_json::Value;

use crate::{
    figure, plot,
    results::{Results, Scenario},
    scenarios::{self, About},
    table,
};

/// All prose that isn't about one scenario.
const TEMPLATE: &str = include_str!("../template.md");

/// What is written.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) text: String,
    /// Names of files, and what is in them.
    pub(crate) plots: Vec<(String, String)>,
}

impl Page {
    /// Everything that was measured.
    pub(crate) fn of(results: &Results) -> Result<Self, String> {
        let known = scenarios::known()?;
        let about = |name: &str| known.get(name).cloned().unwrap_or_default();
        let mut page = Self { text: String::new(), plots: Vec::new() };
        for (name, scenario) in &results.scenarios {
            page.add_scenario(name, &about(name), scenario);
        }
        for (name, series) in &results.series {
            let about = about(name);
            let title = about.title.as_deref().unwrap_or(name);
            let svg = plot::lines(title, series);
            page.add_section(&format!("lines-{}.svg", slug(name)), title, &about.text, &svg, &table::series(series));
        }
        let machine = results.machine.iter().map(|(name, value)| (name, value.as_str().map_or(value.to_string(), str::to_owned)));
        let versions = results.versions.iter().map(|(peer, version)| (peer, version.clone()));
        page.text = fill(&[
            ("machine", &table::pairs(["machine", ""], machine)),
            ("versions", &table::pairs(["peer", "made of"], versions)),
            ("date", results.machine.get("date").and_then(Value::as_str).unwrap_or("an unknown day")),
            ("measurements", &page.text),
        ]);
        Ok(page)
    }

    fn add_scenario(&mut self, name: &str, about: &About, scenario: &Scenario) {
        let figures = figures(about, scenario);
        let title = about.title.as_deref().unwrap_or(name);
        let Some(first) = figures.first() else { return };
        let bars: Vec<_> = scenario.iter().filter_map(|(peer, runs)| Some((peer.as_str(), runs.spread(first)?))).collect();
        let svg = plot::bars(title, first, &bars);
        let table = table::scenario(scenario, &figures);
        self.add_section(&format!("bars-{}.svg", slug(name)), title, &about.text, &svg, &table);
    }

    fn add_section(&mut self, file: &str, title: &str, text: &str, svg: &str, table: &str) {
        let paragraph = if text.is_empty() { String::new() } else { format!("{}\n\n", text.trim()) };
        self.text.push_str(&format!("## {title}\n\n{paragraph}![{title}](plots/{file})\n\n{table}\n"));
        self.plots.push((file.to_owned(), svg.to_owned()));
    }
}

/// Those that were asked for, or else all, as far as there are any.
fn figures(about: &About, scenario: &Scenario) -> Vec<String> {
    let counted: IndexSet<&str> = scenario.values().flat_map(|runs| runs.names()).collect();
    if about.figures.is_empty() {
        let mut all: Vec<String> = counted.into_iter().map(str::to_owned).collect();
        all.sort_by_key(|name| figure::rank(name));
        return all;
    }
    about.figures.iter().filter(|name| counted.contains(name.as_str())).cloned().collect()
}

fn fill(values: &[(&str, &str)]) -> String {
    let filled =
        values.iter().fold(TEMPLATE.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value.trim_end()));
    filled.trim_end().to_owned() + "\n"
}

/// As the name of a file.
fn slug(name: &str) -> String {
    let safe = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
    name.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(line: &str) -> Page {
        Page::of(&format!("{{\"machine\":{{\"date\":\"2026-11-21\"}}}}\n{line}").parse().unwrap()).unwrap()
    }

    #[test]
    fn the_template_is_filled() {
        let page = page(r#"{"scenario":"A new/one","peer":"ours","version":"1.2","figures":{"p99_ms":3,"things_per_cpu_s":7}}"#);
        assert!(!page.text.contains("{{"), "{}", page.text);
        assert!(
            page.text.contains(
                "## A new/one\n\n![A new/one](plots/bars-a-new-one.svg)\n\n| peer | runs | things per CPU-s | p99 ms |"
            )
        );
        assert!(page.text.contains("| ours | 1.2 |"));
        assert_eq!(page.plots[0].0, "bars-a-new-one.svg");
    }

    #[test]
    fn of_a_known_scenario_the_chosen_figures_are_shown() {
        let page = page(r#"{"scenario":"post","peer":"ours","figures":{"strange":3,"p99_ms":4,"requests_per_cpu_s":7}}"#);
        assert!(page.text.contains("| peer | runs | requests per CPU-s | p99 ms |"), "{}", page.text);
    }
}
