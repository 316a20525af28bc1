//! The words of oha: `--output-format json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::Outcome;

/// How it calls the requests that were under way when its time was over.
const AT_THE_END: &str = "aborted due to deadline";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    summary: Rates,
    latency_percentiles: Seconds,
    status_code_distribution: BTreeMap<String, u64>,
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rates {
    /// Seconds the run took.
    total: f64,
}

/// None where nothing was answered.
#[derive(Deserialize)]
struct Seconds {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

/// Reads oha's summary.
pub(in crate::peers) fn read(text: &str) -> anyhow::Result<Outcome> {
    let read: Printed = serde_json::from_str(text).context("cannot read what oha printed")?;
    let answers = |good: bool| {
        let statuses = read.status_code_distribution.iter();
        statuses.filter(|(status, _)| (*status == "200") == good).map(|(_, n)| n).sum::<u64>()
    };
    let requests = answers(true);
    ensure!(requests > 0, "oha counted no requests");
    let errors = read.error_distribution.iter().filter(|(kind, _)| *kind != AT_THE_END);
    let milliseconds = |seconds: Option<f64>| seconds.map(|seconds| seconds * 1000.0);
    Ok(Outcome {
        requests,
        // Its own rate counts what it aborted at the end.
        requests_per_second: crate::stats::float(requests) / read.summary.total,
        failures: answers(false) + errors.map(|(_, n)| n).sum::<u64>(),
        p50_ms: milliseconds(read.latency_percentiles.p50),
        p95_ms: milliseconds(read.latency_percentiles.p95),
        p99_ms: milliseconds(read.latency_percentiles.p99),
        schedule: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "summary": { "successRate": 1.0, "total": 2.0, "slowest": 0.028885722,
                     "requestsPerSec": 46755.26511153549 },
        "responseTimeHistogram": { "0.000114906": 1 },
        "latencyPercentiles": { "p50": 0.000346, "p95": 0.0067, "p99": 0.0122, "p99.9": 0.02 },
        "statusCodeDistribution": { "200": 93754, "503": 2 },
        "errorDistribution": { "aborted due to deadline": 64, "timeout": 5 }
    }"#;

    #[test]
    fn its_summary_is_read_and_the_end_is_no_failure() {
        let outcome = read(TEXT).unwrap();
        assert_eq!((outcome.requests, outcome.failures), (93_754, 7));
        assert!((outcome.requests_per_second - 46_877.0).abs() < 1e-9);
        assert!((outcome.p50_ms.unwrap() - 0.346).abs() < 1e-9);
        assert!((outcome.p99_ms.unwrap() - 12.2).abs() < 1e-9);
    }

    #[test]
    fn a_run_without_answers_is_no_measurement() {
        assert!(read(&TEXT.replace("\"200\": 93754, ", "")).is_err());
        assert!(read("no").is_err());
    }
}
