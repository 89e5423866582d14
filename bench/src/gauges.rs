//! What the server tells Prometheus.

use crate::{Outcome, people::Site};

impl Site {
    /// What stands there under these names, all series of a name together.
    pub async fn gauges<const N: usize>(&self, names: [&str; N]) -> Outcome<[f64; N]> {
        let figures = self.http.get(format!("{}/metrics", self.url)).send().await?.error_for_status()?.text().await?;
        Ok(names.map(|name| sum(&figures, name)))
    }
}

fn sum(figures: &str, name: &str) -> f64 {
    let series = figures.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
    series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_summed() {
        let figures = "# TYPE a gauge\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 7\n";
        assert_eq!((sum(figures, "a"), sum(figures, "ab"), sum(figures, "c")), (5.0, 7.0, 0.0));
    }
}
