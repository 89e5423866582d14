//! Numbers as people read them.

/// With as many digits as mean something: 84,000; 640; 12.5; 0.93.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let digits = if size >= 100.0 || value.fract() == 0.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    [sign, &grouped, fraction].concat()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn digits_are_those_that_mean_something() {
        let shown = [0.0, 0.934, 3.0, 12.54, 640.4, 999.9, 84_000.4, 1_234_567.0, -1500.0].map(number);
        assert_eq!(shown, ["0", "0.93", "3", "12.5", "640", "1,000", "84,000", "1,234,567", "-1,500"]);
    }
}
