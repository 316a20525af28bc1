//! What the kernel says of a process: CPU time, memory, children. Reading only.

use std::fs;

use anyhow::Context as _;

use crate::stats::float;

/// Seconds of CPU, user and system, that a process has used.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let text = read(pid, "stat")?;
    let fields = after_name(&text);
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok());
    // utime and stime, fields 14 and 15 of proc(5); the name's field and its pid are cut off.
    let used = ticks(11).zip(ticks(12)).map(|(user, system)| float(user + system));
    let used = used.with_context(|| format!("process {pid}: its CPU time cannot be read"))?;
    Ok(used / float(rustix::param::clock_ticks_per_second()))
}

/// Seconds of CPU that everything on this machine has used on all cores, with what the host of a
/// virtual machine took away.
pub(crate) fn machine_seconds() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    // user, nice, system, idle, iowait, irq, softirq, steal; the guests' are in user already.
    let ticks = line.split_whitespace().skip(1).take(8).map(str::parse::<u64>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().context("cannot understand /proc/stat")?;
    let idle: u64 = ticks.iter().skip(3).take(2).sum();
    let used = ticks.iter().sum::<u64>().saturating_sub(idle);
    Ok(float(used) / float(rustix::param::clock_ticks_per_second()))
}

/// Resident memory of a process in bytes.
pub(crate) fn resident_bytes(pid: u32) -> anyhow::Result<u64> {
    let text = read(pid, "status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(1024 * kilobytes.with_context(|| format!("process {pid}: its memory cannot be read"))?)
}

/// The child of `parent` whose command line has all these words, one after another.
pub(crate) fn child(parent: u32, words: &[&str]) -> anyhow::Result<u32> {
    let entries = fs::read_dir("/proc").context("cannot read /proc")?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut children = pids.filter(|pid| parent_of(*pid) == Some(parent));
    let found = children.find(|pid| {
        let line = read(*pid, "cmdline").unwrap_or_default();
        let typed: Vec<_> = line.split('\0').collect();
        words.iter().all(|word| typed.contains(word))
    });
    found.with_context(|| format!("process {parent} has no child `{}`", words.join(" ")))
}

fn parent_of(pid: u32) -> Option<u32> {
    let text = read(pid, "stat").ok()?;
    after_name(&text).get(1)?.parse().ok()
}

/// The fields of `stat` from the third: the second, the program's name, may hold anything.
fn after_name(stat: &str) -> Vec<&str> {
    stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default()
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        assert!(machine_seconds().unwrap() > 0.0);
        assert!(resident_bytes(pid).unwrap() > 100_000);
        assert_eq!(parent_of(pid), Some(std::os::unix::process::parent_id()));
        assert!(child(pid, &["no", "such"]).is_err());
    }

    #[test]
    fn names_with_brackets_and_spaces_do_not_shift_the_fields() {
        assert_eq!(after_name("7 (a ) b) S 3 4"), ["S", "3", "4"]);
    }
}
