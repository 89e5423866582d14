//! Axes.

/// How many steps an axis has, about.
const STEPS: f64 = 5.0;
/// What spans more than this has an axis of powers of ten.
const WIDE: f64 = 30.0;

/// From where to where, and how.
#[derive(Debug)]
pub(crate) struct Axis {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    /// One that fits the values.
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = values.fold((f64::MAX, f64::MIN), |(from, to), value| (from.min(value), to.max(value)));
        // A single value is in the middle.
        let (from, to) = if from < to { (from, to) } else { (from - 1.0, from + 1.0) };
        Self { from, to, logarithmic: from > 0.0 && to / from > WIDE }
    }

    /// One that fits the values, begins at 0, and ends with a step.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let most = values.fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let step = step(most);
        Self { from: 0.0, to: (most / step).ceil() * step, logarithmic: false }
    }

    /// Where a value is: 0 at the beginning, 1 at the end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.from).log10() / (self.to / self.from).log10()
        } else {
            (value - self.from) / (self.to - self.from)
        }
    }

    /// The values that are written beside it.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        if self.logarithmic {
            let powers = self.from.log10().ceil() as i32..=self.to.log10().floor() as i32;
            return powers.map(|power| 10_f64.powi(power)).collect();
        }
        let step = step(self.to - self.from);
        let steps = (self.from / step).ceil() as i64..=(self.to / step + 1e-9).floor() as i64;
        steps.map(|index| index as f64 * step).collect()
    }
}

/// A round step that divides a length into about five.
fn step(length: f64) -> f64 {
    let rough = length / STEPS;
    let power = 10_f64.powf(rough.log10().floor());
    let times = [1.0, 2.0, 5.0].into_iter().find(|times| times * power >= rough).unwrap_or(10.0);
    times * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!(Axis::from_zero([3.0, 87.0].into_iter()).ticks(), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Axis::of([0.0, 2.0].into_iter()).ticks(), [0.0, 0.5, 1.0, 1.5, 2.0]);
    }

    #[test]
    fn what_spans_much_is_in_powers() {
        let axis = Axis::of([1000.0, 1_000_000.0].into_iter());
        assert_eq!(axis.ticks(), [1e3, 1e4, 1e5, 1e6]);
        assert!((axis.place(31_622.8) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn a_single_value_has_an_axis_too() {
        assert!((Axis::of([7.0].into_iter()).place(7.0) - 0.5).abs() < 1e-9);
        assert!(Axis::from_zero([0.0].into_iter()).place(0.0).abs() < 1e-9);
    }
}
