//! Processes as `/proc` shows them: whose child, alive or not. A process id alone may be another
//! process by now, so each goes with its start time.

use std::fs;

use rustix::process::Signal;

/// A process that ran when it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub pid: u32,
    started: u64,
    arguments: Vec<String>,
}

impl Seen {
    /// The words of its command line.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The value after `flag` on its command line.
    #[must_use]
    pub fn flag(&self, flag: &str) -> Option<&str> {
        let place = self.arguments.iter().position(|argument| argument == flag)?;
        self.arguments.get(place + 1).map(String::as_str)
    }

    /// The replica it is, for a child of bench.
    #[must_use]
    pub fn replica(&self) -> &str {
        self.flag("--replica").unwrap_or_default()
    }

    /// Whether it still runs. One that has ended and is not yet waited for does not.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        stat(self.pid).is_some_and(|stat| stat.started == self.started && !stat.has_ended)
    }
}

/// The running children of the process `parent`.
#[must_use]
pub fn children_of(parent: u32) -> Vec<Seen> {
    let entries = fs::read_dir("/proc").expect("these tests need /proc").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter_map(|pid| {
        let stat = stat(pid).filter(|stat| stat.parent == parent && !stat.has_ended)?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let arguments = line.split(|byte| *byte == 0);
        let arguments = arguments.map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        Some(Seen { pid, started: stat.started, arguments })
    });
    children.collect()
}

/// Whether the process has a handler of its own for `signal`.
#[must_use]
pub fn catches(pid: u32, signal: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mut caught = status.lines().filter_map(|line| line.strip_prefix("SigCgt:"));
    let mask = caught.next().and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

struct Stat {
    parent: u32,
    started: u64,
    has_ended: bool,
}

/// Fields 3, 4 and 22 of `/proc/<pid>/stat`; field 2, in parentheses, may hold anything.
fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    Some(Stat {
        has_ended: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        started: fields.get(19)?.parse().ok()?,
    })
}
