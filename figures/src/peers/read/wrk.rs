//! The words of wrk.

use super::Outcome;
use crate::wrk;

/// Begins the line on failures, which is there only when there were some.
const FAILURES: &str = "Socket errors:";

/// Reads wrk's summary, with `--latency` or without.
pub(in crate::peers) fn read(text: &str) -> anyhow::Result<Outcome> {
    let lines = || text.lines().map(str::trim);
    let failures = lines().find_map(|line| line.strip_prefix(FAILURES)).map_or(0, count);
    let without: Vec<&str> = lines().filter(|line| !line.starts_with(FAILURES)).collect();
    let (requests, requests_per_second) = wrk::read(&without.join("\n"))?;
    let quantile = |name: &str| lines().find_map(|line| milliseconds(line.strip_prefix(name)?));
    Ok(Outcome {
        requests,
        requests_per_second,
        failures,
        p50_ms: quantile("50%"),
        // It prints 50, 75, 90 and 99 only.
        p95_ms: None,
        p99_ms: quantile("99%"),
        schedule: None,
    })
}

/// The sum of `connect 0, read 0, write 0, timeout 16`.
fn count(kinds: &str) -> u64 {
    let last = |kind: &str| kind.split_whitespace().last()?.parse::<u64>().ok();
    kinds.split(',').filter_map(last).sum()
}

/// `887.12us`, `1.17ms` or `2.70s` in milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let text = text.trim();
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)];
    let (number, unit) = units.iter().find_map(|(unit, factor)| {
        let number = text.strip_suffix(unit)?;
        Some((number.parse::<f64>().ok()?, factor))
    })?;
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Running 10s test @ http://127.0.0.1:36933/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   563.02us    2.29ms  36.39ms   95.88%
    Req/Sec    81.99k    31.90k  134.94k    73.24%
  Latency Distribution
     50%   79.00us
     75%  129.00us
     90%  699.00us
     99%   12.68ms
  580278 requests in 10.04s, 43.16MB read
  Socket errors: connect 0, read 0, write 0, timeout 16
Requests/sec:  57825.11
Transfer/sec:      4.30MB
";

    #[test]
    fn its_summary_is_read_with_what_timed_out() {
        let outcome = read(TEXT).unwrap();
        assert_eq!((outcome.requests, outcome.failures), (580_278, 16));
        assert!((outcome.requests_per_second - 57_825.11).abs() < 1e-9);
        assert!((outcome.p50_ms.unwrap() - 0.079).abs() < 1e-9);
        assert!((outcome.p99_ms.unwrap() - 12.68).abs() < 1e-9);
    }

    #[test]
    fn its_units_are_known() {
        assert_eq!(milliseconds(" 2.70s"), Some(2700.0));
        assert_eq!(milliseconds("1.50m"), Some(90_000.0));
        assert_eq!(milliseconds("fast"), None);
    }

    #[test]
    fn refusals_and_other_answers_are_no_measurement() {
        assert!(read(&TEXT.replace("Transfer/sec:", "Non-2xx or 3xx responses: 7")).is_err());
        assert!(read("unable to connect to 127.0.0.1:1 Connection refused\n").is_err());
    }
}
