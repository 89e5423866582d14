//! What the name of a figure says.

/// What must never happen: of these not the median counts but the worst run.
const FAULTS: [&str; 4] = ["lost", "doubled", "failed", "errors"];

/// Whether it counts what must never happen.
pub(crate) fn is_fault(name: &str) -> bool {
    FAULTS.contains(&name)
}

/// Whether less of it is better: times, memory and faults; not what is done per unit of time.
pub(crate) fn is_cost(name: &str) -> bool {
    is_fault(name)
        || !["_per_s", "_per_cpu_s"].iter().any(|rate| name.contains(rate))
            && name.split('_').any(|word| ["ms", "s", "p99", "kib", "mib"].contains(&word))
}

/// Where it stands among others, unless somebody says: first what a second of CPU is worth.
pub(crate) fn rank(name: &str) -> usize {
    let kinds = [name.contains("_per_cpu_s"), name.contains("_per_s"), name.ends_with("_ms"), !is_fault(name)];
    kinds.iter().position(|is| *is).unwrap_or(kinds.len())
}

/// As the head of a column: `deliveries_per_cpu_s` → `deliveries per CPU-s`.
pub(crate) fn heading(name: &str) -> String {
    let spaced = name.replace("_per_cpu_s", " per CPU-s").replace("_per_s", "/s").replace('_', " ");
    let word = |word| match word {
        "cpu" => "CPU",
        "rss" => "RSS",
        "kib" => "KiB",
        "mib" => "MiB",
        other => other,
    };
    spaced.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_headings() {
        let names = ["deliveries_per_cpu_s", "connects_per_s_of_second_half", "last_p50_ms", "rss_kib", "cpu_s", "lost"];
        let headings = ["deliveries per CPU-s", "connects/s of second half", "last p50 ms", "RSS KiB", "CPU s", "lost"];
        assert_eq!(names.map(heading), headings);
    }

    #[test]
    fn less_is_better_of_what_is_spent() {
        assert!(["p99_ms", "p99_with_to_without", "gone_after_s", "kib_each", "lost"].into_iter().all(is_cost));
        assert!(!["deliveries_per_cpu_s", "mib_per_s", "rate_per_s"].into_iter().any(is_cost));
    }

    #[test]
    fn what_a_second_of_cpu_is_worth_comes_first() {
        let mut names = ["lost", "cpu_s", "p50_ms", "deliveries_per_s", "deliveries_per_cpu_s"];
        names.sort_by_key(|name| rank(name));
        assert_eq!(names, ["deliveries_per_cpu_s", "deliveries_per_s", "p50_ms", "cpu_s", "lost"]);
    }
}
