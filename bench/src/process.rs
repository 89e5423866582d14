//! What the server's processes cost, as the kernel counts it (man 5 proc).

/// CPU seconds that they have used so far.
pub fn cpu_seconds(pids: &[u32]) -> f64 {
    // /proc counts in ticks of a hundredth of a second on every Linux that we run on (man 7 time).
    const TICKS: f64 = 100.0;
    pids.iter()
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks = |i: usize| fields.get(i)?.parse::<f64>().ok();
            Some((ticks(11)? + ticks(12)?) / TICKS)
        })
        .sum()
}

/// KiB of memory that they have in use (VmRSS).
pub fn resident(pids: &[u32]) -> u64 {
    pids.iter()
        .filter_map(|pid| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.trim().trim_end_matches(" kB").parse::<u64>().ok()
        })
        .sum()
}
