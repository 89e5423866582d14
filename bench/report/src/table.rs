//! Tables in Markdown.

use crate::{
    figure::{heading, is_fault},
    number::number,
    results::{Runs, Scenario, Series},
    spread::Spread,
};

/// The peer to which others are compared.
const REFERENCE: &str = "ws";
/// Most columns of a series.
const COLUMNS: usize = 8;
/// What isn't known.
const MISSING: &str = "–";

/// One scenario: a row for each peer, a column for each figure.
pub(crate) fn scenario(scenario: &Scenario, figures: &[String]) -> String {
    let mut table =
        Table::new(["peer".to_owned(), "runs".to_owned()].into_iter().chain(figures.iter().map(|name| heading(name))));
    for (peer, runs) in scenario {
        let reference = scenario.get(REFERENCE).filter(|_| peer != REFERENCE);
        let cells = figures.iter().map(|name| cell(name, runs, reference));
        table.row([plain(peer), runs.count.to_string()].into_iter().chain(cells));
    }
    table.0
}

fn cell(name: &str, runs: &Runs, reference: Option<&Runs>) -> String {
    let Some(spread) = runs.spread(name) else { return MISSING.to_owned() };
    if is_fault(name) {
        return number(spread.most);
    }
    let ratio = reference.and_then(|runs| spread.ratio(&runs.spread(name)?));
    let ratio = ratio.map_or(String::new(), |ratio| format!(" · {ratio:.2}×"));
    format!("**{}**{ratio}{}", number(spread.median), range(&spread))
}

fn range(spread: &Spread) -> String {
    let (least, most) = (number(spread.least), number(spread.most));
    if least == most { String::new() } else { format!("<br>{least} – {most}") }
}

/// One series: a row for each peer, a column for each x.
pub(crate) fn series(series: &Series) -> String {
    let lines = series.lines();
    let mut columns: Vec<f64> = lines.iter().flat_map(|(_, line)| line.iter().map(|(x, _)| *x)).collect();
    columns.sort_by(f64::total_cmp);
    columns.dedup();
    let columns = thinned(&columns);
    let head = plain(&format!("{} at … {}", series.y, series.x));
    let mut table = Table::new(std::iter::once(head).chain(columns.iter().map(|x| number(*x))));
    for (peer, line) in lines {
        let at = |x: &f64| line.iter().find(|(known, _)| known == x).map_or(MISSING.to_owned(), |(_, y)| number(*y));
        table.row(std::iter::once(plain(peer)).chain(columns.iter().map(at)));
    }
    table.0
}

/// So many that a table can be read, the first and the last among them; the plot has them all.
fn thinned(all: &[f64]) -> Vec<f64> {
    if all.len() <= COLUMNS {
        return all.to_vec();
    }
    (0..COLUMNS).map(|column| all[column * (all.len() - 1) / (COLUMNS - 1)]).collect()
}

/// Names and values.
pub(crate) fn pairs<'pair>(head: [&str; 2], pairs: impl Iterator<Item = (&'pair String, String)>) -> String {
    let mut table = Table::new(head.into_iter().map(str::to_owned));
    for (name, value) in pairs {
        table.row([plain(name), plain(&value)]);
    }
    table.0
}

/// Text of which nothing is taken for Markdown's or HTML's.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('\n', " ")
}

/// As GitHub understands it: the first column to the left, the others to the right.
struct Table(String);

impl Table {
    fn new(head: impl IntoIterator<Item = String>) -> Self {
        let mut table = Self(String::new());
        let columns = table.row(head);
        let rule = std::iter::once(":--").chain(std::iter::repeat_n("--:", columns - 1)).map(str::to_owned);
        table.row(rule);
        table
    }

    /// Adds a row; how many cells it has.
    fn row(&mut self, cells: impl IntoIterator<Item = String>) -> usize {
        let cells: Vec<String> = cells.into_iter().collect();
        self.0.push_str(&format!("| {} |\n", cells.join(" | ")));
        cells.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Results;

    fn results(lines: &[&str]) -> Results {
        ["{\"machine\":{\"cpus\":2}}"].iter().chain(lines).copied().collect::<Vec<_>>().join("\n").parse().unwrap()
    }

    #[test]
    fn ratios_are_to_ws_and_faults_are_the_worst() {
        let results = results(&[
            r#"{"scenario":"s","peer":"ours","figures":{"p50_ms":3,"lost":0}}"#,
            r#"{"scenario":"s","peer":"ours","figures":{"p50_ms":1,"lost":2}}"#,
            r#"{"scenario":"s","peer":"ours","figures":{"p50_ms":2,"lost":0}}"#,
            r#"{"scenario":"s","peer":"ws","figures":{"p50_ms":4}}"#,
        ]);
        let table = scenario(&results.scenarios["s"], &["p50_ms".to_owned(), "lost".to_owned()]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "| peer | runs | p50 ms | lost |");
        assert_eq!(lines[2], "| ours | 3 | **2** · 0.50×<br>1 – 3 | 2 |");
        assert_eq!(lines[3], "| ws | 1 | **4** | – |");
    }

    #[test]
    fn without_ws_there_are_no_ratios() {
        let results = results(&[r#"{"scenario":"s","peer":"a|b","figures":{"p50_ms":3}}"#]);
        assert!(scenario(&results.scenarios["s"], &["p50_ms".to_owned()]).ends_with("| a\\|b | 1 | **3** |\n"));
    }

    #[test]
    fn a_series_may_have_holes() {
        let results = results(&[
            r#"{"series":"s","peer":"a","x":"rows","y":"req/s","points":[[10,5],[1000,4]]}"#,
            r#"{"series":"s","peer":"b","x":"rows","y":"req/s","points":[[1000,3]]}"#,
        ]);
        let table = series(&results.series["s"]);
        assert_eq!(table, "| req/s at … rows | 10 | 1,000 |\n| :-- | --: | --: |\n| a | 5 | 4 |\n| b | – | 3 |\n");
    }

    #[test]
    fn of_a_long_series_some_columns_are_shown() {
        let points: Vec<String> = (0..=70).map(|x| format!("[{x},1]")).collect();
        let line = format!(r#"{{"series":"s","peer":"a","x":"minutes","y":"MiB","points":[{}]}}"#, points.join(","));
        let table = series(&results(&[&line]).series["s"]);
        assert_eq!(table.lines().next(), Some("| MiB at … minutes | 0 | 10 | 20 | 30 | 40 | 50 | 60 | 70 |"));
    }
}
