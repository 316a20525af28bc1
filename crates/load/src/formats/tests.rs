//! The words a user sees.

use super::*;
use crate::distribution::Distribution;
use crate::slo::{Judged, Slo};
use crate::summary::tests::{measured, plan};

fn summary(open: bool) -> Summary {
    Summary::new(&plan(open), &measured())
}

fn verdicts(terms: &str) -> Vec<Verdict> {
    let latency = measured().recording.latency;
    let judged = Judged { latency: &latency, errors: 0.012, rate: 99.0, doubtful: false };
    terms.parse::<Slo>().unwrap().judge(&judged)
}

#[test]
fn an_open_loop_with_terms_as_text() {
    let verdicts = verdicts("p99<250ms,errors<1%,p99.9<1s");
    insta::assert_snapshot!(text(&summary(true), &verdicts, false));
}

#[test]
fn a_closed_loop_with_all_percentiles_as_text() {
    insta::assert_snapshot!(text(&summary(false), &[], true));
}

#[test]
fn a_run_without_any_answer_as_text() {
    let mut measured = measured();
    measured.recording.clear();
    let text = text(&Summary::new(&plan(true), &measured), &[], true);
    assert!(text.contains("responses") && !text.contains("NaN"), "{text}");
}

#[test]
fn the_json_has_numbers_with_units_in_their_names() {
    let text = json(&summary(true), &verdicts("p99<250ms"));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for name in [
        "schema_version",
        "requests",
        "scheduled",
        "sent",
        "requests_per_second",
        "target_per_second",
        "achieved",
        "window_s",
        "errors",
    ] {
        assert!(document[name].is_number(), "{name}: {text}");
    }
    for name in ["count", "mean_ms", "p50_ms", "p75_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"] {
        assert!(document["latency"][name].is_number(), "{name}: {text}");
    }
    assert!(document["latency"]["p99_99_ms"].is_null());
    assert_eq!(document["slo"][0]["met"], true);
    let blob = document["latency"]["histogram"].as_str().unwrap();
    assert_eq!(Distribution::from_blob(blob).unwrap().count(), 1_001);
}

fn rows() -> Vec<Row> {
    let row = Row {
        sent: 100,
        answers: 99,
        good: 98,
        failures: 1,
        target_per_second: Some(100.0),
        p50_ms: Some(1.5),
        p90_ms: Some(2.0),
        p99_ms: Some(3.25),
        max_ms: Some(4.0),
        ..Row::default()
    };
    vec![row, Row { second: 1, backlog: 7, ..Row::default() }]
}

#[test]
fn seconds_as_csv() {
    insta::assert_snapshot!(csv(&rows()));
}

#[test]
fn seconds_as_ndjson() {
    let text = ndjson(&rows());
    let read = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let lines: Vec<_> = text.lines().map(read).collect();
    assert_eq!(
        (lines.len(), &lines[0]["p99_ms"], &lines[1]["backlog"]),
        (2, &3.25.into(), &7.into())
    );
    let names = lines[0].as_object().unwrap().len();
    assert_eq!(names, COLUMNS.split(',').count());
}

#[test]
fn a_log_has_the_histogram_of_the_window() {
    let log = String::from_utf8(hlog(&measured())).unwrap();
    let last = log.lines().last().unwrap().to_owned();
    let blob = last.rsplit(',').next().unwrap();
    assert_eq!(Distribution::from_blob(blob).unwrap().count(), 1_001, "{log}");
    assert!(log.contains("[StartTime:") && log.contains("[BaseTime:"), "{log}");
}

#[test]
fn a_search_as_text() {
    let found = crate::search::tests::found();
    insta::assert_snapshot!(search(&found));
}
