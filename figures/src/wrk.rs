//! A burst of requests by wrk from one core, and what it cost the server in CPU time.

use std::path::Path;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use crate::procfs;
use crate::running;
use crate::stats::float;

/// What one burst showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Burst {
    pub(crate) requests_per_second: f64,
    /// CPU time of the server for each request, in microseconds.
    pub(crate) cpu_us: f64,
}

/// Runs wrk for `seconds` on core 1 against `url` of the server `pid`.
pub(crate) async fn burst(
    pid: u32,
    url: &str,
    script: Option<&Path>,
    seconds: u32,
) -> anyhow::Result<Burst> {
    let mut command = Command::new("taskset");
    command.args(["-c", "1", "wrk", "-t1", "-c64"]).arg(format!("-d{seconds}s"));
    if let Some(script) = script {
        command.arg("-s").arg(script);
    }
    command.arg(url);
    let before = procfs::cpu_seconds(pid)?;
    let (text, code) = running::output("wrk", command).await?;
    let used = procfs::cpu_seconds(pid)? - before;
    if code != 0 {
        bail!("wrk ended with exit code {code}");
    }
    let (requests, requests_per_second) = read(&text)?;
    Ok(Burst { requests_per_second, cpu_us: used * 1e6 / float(requests) })
}

/// Requests and requests per second; refuses bursts in which something failed.
pub(crate) fn read(text: &str) -> anyhow::Result<(u64, f64)> {
    let lines = || text.lines().map(str::trim);
    let failed = ["Socket errors:", "Non-2xx or 3xx responses:"];
    if let Some(line) = lines().find(|line| failed.iter().any(|start| line.starts_with(start))) {
        bail!("wrk saw failures: {line}");
    }
    let requests = lines().find_map(|line| line.split_once(" requests in ")?.0.parse().ok());
    let rate = lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    requests.filter(|count| *count > 0).zip(rate).context("wrk counted no requests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_wrk_is_read_and_failures_are_refused() {
        let text = "  982 requests in 1.00s, 498.85KB read\nRequests/sec:    981.84\n";
        let (requests, rate) = read(text).unwrap();
        assert_eq!(requests, 982);
        assert!((rate - 981.84).abs() < 1e-9);
        let failed = format!("  Non-2xx or 3xx responses: 1\n{text}");
        assert!(read(&failed).unwrap_err().to_string().contains("Non-2xx"));
        assert!(read("0 requests in 1.00s\nRequests/sec: 0.00\n").is_err());
    }
}
