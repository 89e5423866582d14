//! What a scrape says.

use std::collections::HashMap;

/// The samples of a text, by name and labels as they are written.
pub struct Figures(pub HashMap<String, f64>);

impl Figures {
    /// Reads either format; a series that is there twice, or a line that isn't one, fails the test.
    pub fn of(text: &str) -> Self {
        let mut samples = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value: {line}"));
            assert!(samples.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {series}");
        }
        Self(samples)
    }

    /// One series, 0 when it isn't there.
    pub fn get(&self, series: &str) -> f64 {
        self.0.get(series).copied().unwrap_or_default()
    }

    /// All series of a name whose labels hold all these, together.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Vec<String> = labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let of_name = self.0.iter().filter(|(series, _)| series.split('{').next() == Some(name));
        of_name.filter(|(series, _)| labels.iter().all(|label| series.contains(label))).map(|(_, value)| value).sum()
    }
}
