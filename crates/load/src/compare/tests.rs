//! Comparisons of summaries made by hand.

use std::time::Duration;

use super::*;
use crate::summary::tests::{measured, plan};

/// A run whose latencies and rate are changed by a factor.
fn run(slower: f64) -> Loaded {
    let mut measured = measured();
    measured.recording.latency.clear();
    for number in 1..=1_000_u32 {
        let length = Duration::from_micros(100) * number;
        measured.recording.latency.record(length.mul_f64(slower));
    }
    let mut summary = Summary::new(&plan(true), &measured);
    summary.requests_per_second /= slower;
    let latency = Distribution::from_blob(&summary.latency.histogram).unwrap();
    Loaded { summary, latency }
}

#[test]
fn one_run_each_is_compared_with_modest_words() {
    let comparison = compare(&[run(1.0)], &[run(1.2)]);
    insta::assert_snapshot!(text(&comparison));
    assert!(comparison.is_slower_by(0.05) && !comparison.is_slower_by(0.25));
    assert!(!compare(&[run(1.2)], &[run(1.0)]).is_slower_by(0.05));
}

#[test]
fn several_runs_tell_whether_they_are_apart() {
    let apart = compare(&[run(1.0), run(1.01)], &[run(1.2), run(1.3)]);
    assert!(apart.lines.iter().take(4).all(|line| line.apart == Some(true)), "{apart:?}");
    let mixed = compare(&[run(1.0), run(1.25)], &[run(1.2), run(1.3)]);
    assert_eq!(mixed.lines[0].apart, Some(false));
    assert!(text(&mixed).contains("overlap"));
    assert!(!mixed.warnings.iter().any(|warning| warning.contains("one run")));
}

#[test]
fn different_things_are_told() {
    let mut other = run(1.0);
    other.summary.targets = vec!["GET http://elsewhere/".to_owned()];
    other.summary.arrival = "closed".to_owned();
    other.summary.target_per_second = None;
    let warnings = compare(&[run(1.0)], &[other]).warnings.join("\n");
    for word in ["targets differ", "arrival differ", "asked for differ", "one run"] {
        assert!(warnings.contains(word), "{word}: {warnings}");
    }
}

#[test]
fn a_result_is_read_from_its_file_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    fs::write(&path, crate::formats::json(&run(1.0).summary, &[])).unwrap();
    assert_eq!(read(&path).unwrap().summary, run(1.0).summary);
    for wrong in ["", "{}", "[1]"] {
        fs::write(&path, wrong).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("--save"));
    }
    assert!(read(&folder.path().join("none")).is_err());
}
