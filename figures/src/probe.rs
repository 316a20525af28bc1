//! A probe from outside: Debian's httping.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::process::Command;

use crate::running;

/// Round-trip times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RoundTrip {
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) max: f64,
}

/// Ten probes. The pause is no multiple of the service time: one that is would meet the queue at
/// the same moment of its service each time.
const OPTIONS: [&str; 5] = ["-G", "-c", "10", "-i", "1.03"];

/// Asks for `/` at `address` ten times.
pub(crate) async fn probe(address: SocketAddr) -> anyhow::Result<RoundTrip> {
    let mut command = Command::new("httping");
    command.args(OPTIONS).arg(format!("http://{address}/"));
    let (text, code) = running::output("httping", command).await?;
    round_trip(&text).with_context(|| format!("httping ended with exit code {code} and no times"))
}

/// The command, to be typed by hand.
pub(crate) fn typed(url: &str) -> String {
    format!("httping {} {url}", OPTIONS.join(" "))
}

fn round_trip(text: &str) -> Option<RoundTrip> {
    let line = text.lines().find_map(|line| line.strip_prefix("round-trip min/avg/max = "))?;
    let mut times = line.strip_suffix(" ms")?.split('/').map(|word| word.parse().ok());
    Some(RoundTrip { min: times.next()??, mean: times.next()??, max: times.next()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_httping_is_read() {
        let text = "--- http://h/ ping statistics ---\n2 connects, 2 ok, 0.00% failed, time 2005ms\n\
                    round-trip min/avg/max = 1.0/2.6/4.2 ms\n";
        assert_eq!(round_trip(text), Some(RoundTrip { min: 1.0, mean: 2.6, max: 4.2 }));
        assert_eq!(round_trip("no\n"), None);
    }
}
