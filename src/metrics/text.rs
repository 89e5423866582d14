//! Prometheus' older text format (0.0.4), made from OpenMetrics text.

use std::collections::HashSet;

/// There a counter's family has the name of its sample, and a text has neither units nor an end mark.
pub(super) fn to_prometheus(text: &str) -> String {
    let counters: HashSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut old = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")) {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(name) => {
                old.extend(["# ", kind, " ", name, "_total ", rest, "\n"]);
            }
            _ => old.extend([line, "\n"]),
        }
    }
    old
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_have_one_name_in_the_old_format() {
        let new = "# HELP a_seconds A.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\na_seconds_total 3\n\
                   # HELP b B.\n# TYPE b gauge\nb{x=\"# EOF\"} 1\n# EOF\n";
        let old = "# HELP a_seconds_total A.\n# TYPE a_seconds_total counter\na_seconds_total 3\n\
                   # HELP b B.\n# TYPE b gauge\nb{x=\"# EOF\"} 1\n";
        assert_eq!(to_prometheus(new), old);
    }
}
