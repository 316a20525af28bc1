//! Comparisons of summaries made by hand.

use std::time::Duration;

use inference::gate::{IfUndecided, Outcome};

use super::*;
use crate::parts::Part;
use crate::summary::tests::{measured, plan};

/// A run of 12 parts whose latencies and rate are changed by a factor; parts vary by about a percent.
fn run(slower: f64) -> Loaded {
    let mut measured = measured();
    measured.recording.latency.clear();
    for number in 1..=1_000_u32 {
        let length = Duration::from_micros(100) * number;
        measured.recording.latency.record(length.mul_f64(slower));
    }
    let mut summary = Summary::new(&plan(true), &measured);
    summary.requests_per_second /= slower;
    let parts = [1.0, 0.99, 1.01, 1.0, 1.012, 0.988, 1.003, 0.997, 1.008, 0.993, 1.001, 0.998];
    summary.parts = parts.iter().map(|part| varied(&summary, *part)).collect();
    let latency = Distribution::from_blob(&summary.latency.histogram).unwrap();
    Loaded { summary, latency }
}

fn varied(run: &Summary, factor: f64) -> Part {
    let times = |ms: Option<f64>| ms.map(|ms| ms * factor);
    Part {
        requests_per_second: run.requests_per_second / factor,
        mean_ms: times(run.latency.mean_ms),
        p50_ms: times(run.latency.p50_ms),
        p90_ms: times(run.latency.p90_ms),
        p99_ms: times(run.latency.p99_ms),
        p99_9_ms: None,
    }
}

fn asked(limit: f64) -> Asked {
    let metrics = vec![Metric::Rate, Metric::P50, Metric::P90, Metric::P99];
    Asked { limit, metrics, undecided: IfUndecided::Inconclusive }
}

fn gated(before: &[Loaded], after: &[Loaded], limit: f64) -> GateFindings {
    compare(before, after, Some(&asked(limit))).gate.unwrap()
}

fn runs(factors: &[f64]) -> Vec<Loaded> {
    factors.iter().map(|factor| run(*factor)).collect()
}

#[test]
fn one_run_each_has_intervals() {
    let comparison = compare(&[run(1.0)], &[run(1.2)], Some(&asked(0.05)));
    insta::assert_snapshot!(text(&comparison));
    assert_eq!(comparison.gate.unwrap().found.outcome, Outcome::Failed);
    assert_eq!(gated(&[run(1.2)], &[run(1.0)], 0.05).found.outcome, Outcome::Passed);
    assert_eq!(gated(&[run(1.0)], &[run(1.0)], 0.05).found.outcome, Outcome::Passed);
}

/// What a file of an older version lacks, and a run that is too short.
#[test]
fn without_an_interval_nothing_is_better_or_worse() {
    let bare = |factor| {
        let mut bare = run(factor);
        bare.summary.parts.clear();
        bare
    };
    let comparison = compare(&[bare(1.0)], &[bare(3.0)], Some(&asked(0.05)));
    for line in comparison.lines.iter().filter(|line| line.name != "errors") {
        let verdict = line.verdict.clone().unwrap();
        assert!(matches!(verdict, Verdict::NotJudged { .. }), "{line:?}");
    }
    assert_eq!(comparison.gate.unwrap().found.outcome, Outcome::NotJudged);
}

#[test]
fn several_runs_are_judged_by_the_spread_between_them() {
    let before = runs(&[1.0, 1.01, 0.99, 1.005]);
    let after = runs(&[1.3, 1.29, 1.32, 1.31]);
    let apart = compare(&before, &after, None);
    assert!(apart.lines.iter().take(5).all(|line| line.apart == Some(true)), "{apart:?}");
    assert!(apart.lines.iter().take(5).all(|line| line.verdict == Some(Verdict::Slower)));
    assert_eq!(gated(&before, &after, 0.05).found.outcome, Outcome::Failed);
    assert_eq!(
        gated(&before, &runs(&[1.004, 0.992, 1.01, 0.998]), 0.1).found.outcome,
        Outcome::Passed
    );
    let wide = gated(&runs(&[1.0, 1.3, 0.8]), &runs(&[1.1, 1.4, 0.9]), 0.05);
    assert_eq!(wide.found.outcome, Outcome::Undecided);
    assert!(wide.found.repetitions_needed.is_some_and(|needed| needed > 100), "{wide:?}");
    assert!(wide.text.contains("runs on each side"), "{wide:?}");
    assert!(!apart.warnings.iter().any(|warning| warning.contains("single run")));
}

/// Each is equal on both sides but for what it lacks.
#[test]
fn what_cannot_be_judged_does_not_pass_whatever_undecided_counts_as() {
    let changed = |change: fn(&mut Loaded)| {
        let mut changed = run(1.0);
        change(&mut changed);
        changed
    };
    let without = changed(|run| {
        run.summary.latency.p99_ms = None;
        run.latency = Distribution::default();
        (0..40).for_each(|_| run.latency.record(Duration::from_millis(5)));
    });
    let all_bad = changed(|run| run.summary.good = 0);
    let failing = changed(|run| run.summary.good -= 40);
    let unanswered = changed(|run| {
        (run.summary.requests, run.summary.good) = (0, 0);
        run.summary.requests_per_second = 0.0;
        run.summary.latency = crate::summary::Times::default();
    });
    let plain = || vec![run(1.0)];
    for (name, before, after) in [
        ("a percentile is absent after", plain(), vec![without.clone()]),
        ("a percentile is absent before", vec![without.clone()], plain()),
        ("a percentile is absent on both sides", vec![without.clone()], vec![without.clone()]),
        ("one run of several lacks it", plain(), vec![run(1.0), without]),
        ("no response was good after", plain(), vec![all_bad.clone()]),
        ("no response was good before", vec![all_bad.clone()], plain()),
        ("no response was good at all", vec![all_bad.clone()], vec![all_bad]),
        ("more errors", plain(), vec![failing]),
        ("never answered", vec![unanswered.clone()], vec![unanswered]),
    ] {
        let gate = gated(&before, &after, 0.5);
        assert_eq!(gate.found.outcome, Outcome::NotJudged, "{name}: {gate:?}");
        assert_eq!(gate.found.outcome.exit(IfUndecided::Pass), 3, "{name}");
        assert!(gate.text.starts_with("not judged: "), "{name}: {gate:?}");
    }
}

#[test]
fn as_many_errors_as_before_or_fewer_do_not_stop_a_gate() {
    let with_bad = |bad: u64| {
        let mut run = run(1.0);
        run.summary.good = run.summary.requests - bad;
        run
    };
    assert_eq!(gated(&[with_bad(10)], &[with_bad(10)], 0.05).found.outcome, Outcome::Passed);
    assert_eq!(gated(&[with_bad(10)], &[with_bad(9)], 0.05).found.outcome, Outcome::Passed);
    for requests in [1_000, 2_999, 3_000, 7_919] {
        let failing = |bad: u64| {
            let mut run = run(1.0);
            (run.summary.requests, run.summary.good) = (requests, requests - bad);
            (run.summary.failed, run.summary.scheduled) = (0, run.summary.sent);
            run
        };
        for bad in [0, 1, 29, requests / 3] {
            let one_more = gated(&[failing(bad)], &[failing(bad + 1)], 0.05);
            assert_eq!(one_more.found.outcome, Outcome::NotJudged, "{bad} of {requests}");
        }
    }
    let more = gated(&[with_bad(10)], &[with_bad(11)], 0.05);
    assert!(matches!(&more.not_judged[..], [Reason::MoreErrors { .. }]), "{more:?}");
    let slower =
        compare(&[run(1.0)], &[Loaded { summary: with_bad(500).summary, ..run(1.0) }], None);
    assert!(slower.gate.is_none());
}

#[test]
fn slower_is_a_failure_also_beside_more_errors() {
    let mut after = run(2.0);
    after.summary.good -= 30;
    assert_eq!(gated(&[run(1.0)], &[after], 0.05).found.outcome, Outcome::Failed);
}

#[test]
fn only_what_is_named_is_judged() {
    let mut short = run(1.0);
    short.summary.latency.p99_ms = None;
    let only = Asked { metrics: vec![Metric::Rate, Metric::P50], ..asked(0.05) };
    let gate = compare(&[short.clone()], &[short], Some(&only)).gate.unwrap();
    assert_eq!(gate.found.outcome, Outcome::Passed, "{gate:?}");
}

#[test]
fn json_is_typed_with_words_beside_it() {
    let comparison = compare(&[run(1.0)], &[run(1.2)], Some(&asked(0.05)));
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!(json["lines"][2]["verdict"]["kind"], "slower");
    assert_eq!(json["lines"][2]["text"], "p50 is slower");
    assert_eq!(json["lines"][5]["verdict"]["reason"]["kind"], "too_few_samples");
    assert_eq!(
        (&json["gate"]["outcome"], &json["gate"]["undecided"]),
        (&"failed".into(), &"inconclusive".into())
    );
}

#[test]
fn different_things_are_reported() {
    let mut other = run(1.0);
    other.summary.targets = vec!["GET http://elsewhere/".to_owned()];
    other.summary.arrival = "closed".to_owned();
    other.summary.target_per_second = None;
    let warnings = compare(&[run(1.0)], &[other], None).warnings.join("\n");
    for word in ["targets differ", "arrival differ", "asked for differ", "single run"] {
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
