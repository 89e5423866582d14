//! What the server's processes cost, as the kernel counts it (man 5 proc), those that they have started included.

use std::fs;

/// CPU seconds that they have used so far, and those of their children that have ended.
pub fn cpu_seconds(pids: &[u32]) -> f64 {
    // /proc counts in ticks of a hundredth of a second on every Linux that we run on (man 7 time).
    const TICKS: f64 = 100.0;
    let cpu = |pid: u32| Some((13..17).map(|field| number(pid, field)).sum::<Option<f64>>()? / TICKS);
    family(pids).into_iter().filter_map(cpu).sum()
}

/// KiB of memory that they have in use (VmRSS).
pub fn resident(pids: &[u32]) -> u64 {
    let resident = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse::<u64>().ok()
    };
    family(pids).into_iter().filter_map(resident).sum()
}

/// How many files and sockets they have open.
pub fn descriptors(pids: &[u32]) -> usize {
    family(pids).into_iter().filter_map(|pid| Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())).sum()
}

/// These and all that descend from them.
fn family(pids: &[u32]) -> Vec<u32> {
    const PARENT: usize = 3;
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = all.filter_map(|pid| Some((pid, number(pid, PARENT)? as u32))).collect();
    let mut family = pids.to_vec();
    let mut at = 0;
    while at < family.len() {
        let of = |(pid, parent): &(u32, u32)| (*parent == family[at] && !family.contains(pid)).then_some(*pid);
        let children: Vec<u32> = parents.iter().filter_map(of).collect();
        family.extend(children);
        at += 1;
    }
    family
}

/// A field of a process's `stat`, counted from 0. What precedes the third may hold anything.
fn number(pid: u32, field: usize) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(field - 2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn children_are_counted() {
        let mut child = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
        let own = std::process::id();
        assert!(family(&[own]).contains(&child.id()));
        assert!(resident(&[own]) > resident(&[child.id()]));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
