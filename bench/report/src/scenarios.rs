//! What is to be said about scenarios that are known.

use std::collections::HashMap;

use serde::Deserialize;

/// By name; those that aren't in it are shown as they are.
const KNOWN: &str = include_str!("../scenarios.toml");

/// About one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// Its heading.
    pub(crate) title: Option<String>,
    /// What is done.
    #[serde(default)]
    pub(crate) text: String,
    /// Which figures are shown, in this order, as far as there are any; the first is plotted. All unless given.
    #[serde(default)]
    pub(crate) figures: Vec<String>,
}

/// All that are known.
pub(crate) fn known() -> Result<HashMap<String, About>, String> {
    toml::from_str(KNOWN).map_err(|error| format!("scenarios.toml: {error}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_known_can_be_read() {
        assert!(super::known().unwrap().values().all(|about| about.title.is_some()));
    }
}
