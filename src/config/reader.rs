//! Reads variables, and gathers all that is wrong with them.

use std::str::FromStr;

/// The variables, and what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) get: &'a dyn Fn(&str) -> Option<String>,
    pub(super) errors: Vec<String>,
}

impl Reader<'_> {
    /// The value, if it is set to anything.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, expected: &str, default: T) -> T {
        match self.text(name).map(|value| value.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.errors.push(format!("{name} must be {expected}"));
                default
            }
        }
    }

    pub(super) fn optional<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let value = self.text(name)?.parse().ok();
        if value.is_none() {
            self.errors.push(format!("{name} must be {expected}"));
        }
        value
    }

    /// Off unless it is switched on.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.text(name).as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(_) => {
                self.errors.push(format!("{name} must be true or false"));
                false
            }
        }
    }

    pub(super) fn whole(&mut self, name: &str, min: u32, max: u32, default: u32) -> u32 {
        let expected = format!("a whole number from {min} to {max}");
        let value = self.parsed(name, &expected, default);
        if (min..=max).contains(&value) {
            return value;
        }
        self.errors.push(format!("{name} must be {expected}"));
        default
    }
}
