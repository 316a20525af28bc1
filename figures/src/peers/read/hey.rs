//! The words of hey.

use anyhow::Context as _;

use super::Outcome;

/// Reads hey's summary.
pub(in crate::peers) fn read(text: &str) -> anyhow::Result<Outcome> {
    let lines = || text.lines().map(str::trim);
    let rate = lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    let requests = lines().filter_map(answers).sum::<u64>();
    let requests_per_second = rate.filter(|_| requests > 0).context("hey counted no requests")?;
    let quantile = |name: &str| lines().find_map(|line| milliseconds(line, name));
    Ok(Outcome {
        requests,
        requests_per_second,
        failures: errors(text),
        p50_ms: quantile("50"),
        p95_ms: quantile("95"),
        p99_ms: quantile("99"),
        schedule: None,
    })
}

/// `[200]` and `60565 responses`, a tab between them.
fn answers(line: &str) -> Option<u64> {
    line.strip_prefix("[200]")?.strip_suffix("responses")?.trim().parse().ok()
}

/// The sum of the `[16]` and what they were, below `Error distribution:`, and of other answers than 200.
fn errors(text: &str) -> u64 {
    let count = |line: &str| -> Option<(String, u64)> {
        let (first, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
        Some((rest.trim().to_owned(), first.parse().ok()?))
    };
    let below = text.split_once("Error distribution:").map_or("", |(_, below)| below);
    let failed = below.lines().filter_map(count).map(|(_, number)| number).sum::<u64>();
    let above = text.split_once("Status code distribution:").map_or("", |(_, below)| below);
    let others = above.lines().filter_map(count).filter(|(_, status)| *status != 200);
    let answer = |rest: &str| rest.strip_suffix("responses")?.trim().parse::<u64>().ok();
    failed + others.filter_map(|(rest, _)| answer(&rest)).sum::<u64>()
}

/// `99% in 0.0120 secs`.
fn milliseconds(line: &str, quantile: &str) -> Option<f64> {
    let rest = line.strip_prefix(quantile)?.trim_start_matches('%').strip_prefix(" in ")?;
    Some(rest.strip_suffix(" secs")?.parse::<f64>().ok()? * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
Summary:
  Total:	10.0041 secs
  Slowest:	0.9930 secs
  Requests/sec:	690.0170

Response time histogram:
  0.000 [1]	|
  0.993 [16]	|

Latency distribution:
  10% in 0.0002 secs
  50% in 0.0004 secs
  95% in 0.0030 secs
  99% in 0.0227 secs

Status code distribution:
  [200]	6887 responses
  [503]	3 responses

Error distribution:
  [16]	Get \"http://127.0.0.1:36741/\": context deadline exceeded
";

    #[test]
    fn its_summary_is_read_with_what_failed() {
        let outcome = read(TEXT).unwrap();
        assert_eq!((outcome.requests, outcome.failures), (6887, 19));
        assert!((outcome.requests_per_second - 690.017).abs() < 1e-9);
        assert!((outcome.p50_ms.unwrap() - 0.4).abs() < 1e-9);
        assert!((outcome.p95_ms.unwrap() - 3.0).abs() < 1e-9);
        assert!((outcome.p99_ms.unwrap() - 22.7).abs() < 1e-9);
    }

    #[test]
    fn a_run_without_answers_is_no_measurement() {
        assert!(read("Summary:\n  Requests/sec:	0.0000\n").is_err());
    }
}
