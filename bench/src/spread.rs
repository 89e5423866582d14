//! How long things took.

use std::fmt;

/// Percentiles, in milliseconds; NaN of nothing.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Half took no longer.
    pub p50: f64,
    /// All but one in a hundred took no longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Spread {
    /// Of things that took so many microseconds.
    pub fn of(mut micros: Vec<u64>) -> Self {
        micros.sort_unstable();
        let at = |place: usize| micros.get(place).map_or(f64::NAN, |&us| us as f64 / 1e3);
        let part = |part: f64| at((micros.len() as f64 * part) as usize);
        Self { p50: part(0.5), p99: part(0.99), max: at(micros.len().wrapping_sub(1)) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.2} p99 {:.2} max {:.2}", self.p50, self.p99, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_in_milliseconds() {
        let spread = Spread::of((0..1_000).rev().map(|ms| ms * 1_000).collect());
        assert_eq!(spread.to_string(), "p50 500.00 p99 990.00 max 999.00");
        assert!(Spread::of(Vec::new()).max.is_nan());
    }
}
