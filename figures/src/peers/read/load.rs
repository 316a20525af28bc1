//! The words of `bench load --output json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::{Outcome, Schedule};

/// What is needed of it.
#[derive(Deserialize)]
struct Summary {
    requests_per_second: f64,
    failed: u64,
    statuses: BTreeMap<String, u64>,
    /// There is one where there is a schedule.
    target_per_second: Option<f64>,
    sent: u64,
    latency: Quantiles,
    lateness: Quantiles,
}

#[derive(Deserialize)]
struct Quantiles {
    #[serde(rename = "p50_ms")]
    p50: Option<f64>,
    #[serde(rename = "p95_ms")]
    p95: Option<f64>,
    #[serde(rename = "p99_ms")]
    p99: Option<f64>,
}

/// Reads its summary.
pub(in crate::peers) fn read(text: &str) -> anyhow::Result<Outcome> {
    let read: Summary =
        serde_json::from_str(text).context("cannot read what bench load printed")?;
    let answers = |good: bool| {
        let statuses = read.statuses.iter();
        statuses.filter(|(status, _)| (*status == "200") == good).map(|(_, n)| n).sum::<u64>()
    };
    let requests = answers(true);
    ensure!(requests > 0, "bench load counted no requests");
    let lateness = read.target_per_second.and(read.lateness.p99);
    Ok(Outcome {
        requests,
        requests_per_second: read.requests_per_second,
        failures: read.failed + answers(false),
        p50_ms: read.latency.p50,
        p95_ms: read.latency.p95,
        p99_ms: read.latency.p99,
        schedule: lateness.map(|lateness_p99_ms| Schedule { sent: read.sent, lateness_p99_ms }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
        "schema_version": 1, "command": "load", "requests": 9990, "scheduled": 10000,
        "sent": 10000, "failed": 8, "requests_per_second": 999.0, "target_per_second": 1000.0,
        "latency": { "count": 10000, "p50_ms": 0.1, "p95_ms": 500.0, "p99_ms": 900.0 },
        "lateness": { "count": 10000, "p50_ms": 0.01, "p95_ms": 0.02, "p99_ms": 0.05 },
        "statuses": { "200": 9990, "503": 2 },
        "failures": { "timeout": { "count": 8, "first": "no answer within 2 s" } }
    }"#;

    #[test]
    fn its_summary_is_read_with_its_schedule() {
        let outcome = read(TEXT).unwrap();
        assert_eq!((outcome.requests, outcome.failures), (9990, 10));
        assert_eq!((outcome.p95_ms, outcome.p99_ms), (Some(500.0), Some(900.0)));
        let schedule = outcome.schedule.unwrap();
        assert_eq!(schedule.sent, 10_000);
        assert!((schedule.lateness_p99_ms - 0.05).abs() < 1e-9);
    }

    #[test]
    fn one_after_another_there_is_no_schedule() {
        let closed = TEXT.replace("1000.0", "null");
        assert_eq!(read(&closed).unwrap().schedule, None);
    }

    #[test]
    fn a_run_without_answers_is_no_measurement() {
        assert!(read(&TEXT.replace("\"200\": 9990, ", "")).is_err());
        assert!(read("{}").is_err());
    }
}
