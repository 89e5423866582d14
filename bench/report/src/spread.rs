//! A figure over several runs.

/// Where the runs of a figure lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Nothing of nothing. The median of an even number of values is halfway between the two in the middle.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) };
        Some(Self { median, least, most })
    }

    /// How many times another's median it has; nothing when that is none.
    pub(crate) fn ratio(&self, other: &Self) -> Option<f64> {
        (other.median != 0.0).then(|| self.median / other.median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let spread = |values: &[f64]| Spread::of(values).unwrap();
        assert_eq!(spread(&[5.0]), Spread { median: 5.0, least: 5.0, most: 5.0 });
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Spread { median: 2.0, least: 1.0, most: 9.0 });
        assert_eq!(spread(&[4.0, 1.0, 2.0, 9.0]).median, 3.0);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn ratios_are_of_medians() {
        let spread = |values: &[f64]| Spread::of(values).unwrap();
        assert_eq!(spread(&[30.0, 90.0, 60.0]).ratio(&spread(&[40.0])), Some(1.5));
        assert_eq!(spread(&[30.0]).ratio(&spread(&[0.0])), None);
    }
}
