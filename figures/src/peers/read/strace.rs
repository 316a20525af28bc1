//! The table of `strace -f -c`.

use anyhow::ensure;

/// Calls that carry bytes.
const TRANSFERS: [&str; 8] =
    ["read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg"];
/// Calls that wait for several descriptors at once.
const WAITS: [&str; 7] =
    ["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "select", "pselect6"];

/// How many calls a program made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::peers) struct Calls {
    /// Reads and writes.
    pub(in crate::peers) transfers: u64,
    /// Waits for readiness.
    pub(in crate::peers) waits: u64,
    /// All others.
    pub(in crate::peers) others: u64,
}

/// Adds up the table.
pub(in crate::peers) fn read(table: &str) -> anyhow::Result<Calls> {
    let mut calls = Calls::default();
    for (name, count) in table.lines().filter_map(row) {
        let kind = match name {
            transfer if TRANSFERS.contains(&transfer) => &mut calls.transfers,
            wait if WAITS.contains(&wait) => &mut calls.waits,
            _ => &mut calls.others,
        };
        *kind += count;
    }
    ensure!(calls.transfers > 0, "strace counted no reads and writes");
    Ok(calls)
}

/// Name and count of ` 10.79    0.055346           1     40132        65 epoll_ctl`, whose errors
/// may be missing.
fn row(line: &str) -> Option<(&str, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [share, _, _, count, .., name] = words[..] else { return None };
    share.parse::<f64>().ok()?;
    (name != "total").then_some((name, count.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_added_up_by_what_they_do() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 19.74    0.101241           5     19982           write
 10.79    0.055346           1     40132           epoll_ctl
  6.22    0.031869           1     19966        18 read
  1.28    0.006554          10       649           epoll_wait
  0.00    0.000000           0         1         1 access
------ ----------- ----------- --------- --------- ----------------
100.00    0.512769           6     80730        19 total
";
        let calls = read(table).unwrap();
        assert_eq!(calls, Calls { transfers: 39_948, waits: 649, others: 40_133 });
        assert!(read("strace: exec: No such file\n").is_err());
    }
}
