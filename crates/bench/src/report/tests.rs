//! The words of every format, on the findings of an ideal app.

use super::*;
use crate::analyse::{CellFindings, SCHEMA_VERSION, predict, step, tests::ideal};

fn findings(steps: &[(u32, u32)]) -> Findings {
    Findings {
        cluster: "local, started by this command".to_owned(),
        steps: steps.iter().map(|(workers, rng)| step(&ideal(*workers, *rng))).collect(),
        ..Findings::none()
    }
}

#[test]
fn a_prediction_and_what_came_of_it_come_last() {
    let mut verified = findings(&[(10, 1), (10, 2)]);
    let prediction = predict(&verified.steps[0], &ideal(10, 1)).unwrap();
    verified.verification = Some(prediction.score(&verified.steps[1]));
    let last = |format| plain(&render(&verified, format)).trim().lines().last().unwrap().to_owned();
    insta::assert_snapshot!(last(Format::Table));
    assert_eq!(last(Format::Table), last(Format::Markdown));
    let mut unverified = findings(&[(10, 1)]);
    unverified.unverified = Some("nothing that can be done next brings more".to_owned());
    let text = plain(&render(&unverified, Format::Table));
    assert!(
        text.ends_with("\nNot verified: nothing that can be done next brings more.\n"),
        "{text}"
    );
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_step_as_a_table() {
    insta::assert_snapshot!(plain(&render(&findings(&[(10, 1)]), Format::Table)));
}

#[test]
fn several_steps_end_with_a_summary() {
    let text = plain(&render(&findings(&[(1, 1), (10, 5)]), Format::Table));
    let summary = text.rsplit("\n\n").next().unwrap();
    insta::assert_snapshot!(summary);
}

#[test]
fn steps_as_markdown() {
    insta::assert_snapshot!(render(&findings(&[(10, 1), (10, 2)]), Format::Markdown));
}

#[test]
fn what_was_tried_beside_the_steps_is_told_in_markdown_too() {
    let mut findings = findings(&[(10, 1)]);
    fixture::tried(&mut findings);
    let (markdown, table) = (Format::Markdown, Format::Table);
    let (markdown, table) = (render(&findings, markdown), plain(&render(&findings, table)));
    for line in [
        "10 ms more at rng: 9.09 hashes/s.",
        "0.1 ms more at hasher: 10.00 hashes/s.",
        "Not injected: the delay did not arrive.",
        "3 runs of worker 10, rng 1, hasher 1: 10.00 ± 0.20 hashes/s; a restart changes it by 0.10 \
         (standard deviation).",
    ] {
        for text in [&markdown, &table] {
            assert!(text.lines().any(|told| told == line), "{line} is not in {text}");
        }
    }
}

#[test]
fn a_restart_that_changes_nothing_to_be_seen_is_told_so() {
    let mut findings = findings(&[(10, 1)]);
    fixture::tried(&mut findings);
    findings.repetitions[0].between_runs = 0.001;
    let words = words::repetitions(&findings.repetitions[0]);
    assert!(words.ends_with("a restart changes nothing that can be seen."), "{words}");
}

#[test]
fn a_sweep_is_told_with_the_whole_grid() {
    let swept = fixture::swept(&[None]);
    let grid = &swept.sweep.as_ref().unwrap().sweeps[0];
    let of_sweep = plain(&sweep::tables(swept.sweep.as_ref().unwrap()));
    assert!(of_sweep.contains("~ 10.0") && of_sweep.contains("\u{25c6}"), "{of_sweep}");
    for format in [ReportFormat::Markdown, ReportFormat::Table] {
        let text = plain(&review(&swept, format));
        assert!(text.contains(of_sweep.trim_matches('\n')), "{text}");
        assert!(text.contains(&grid.sentence));
    }
    let off = |error| CellFindings { error: Some(error), ..grid.cells[1].clone() };
    for (error, words) in [(-0.000_4, "(+0.0 %)"), (-0.021, "(-2.1 %)")] {
        assert!(sweep::line(&off(error)).contains(words), "{}", sweep::line(&off(error)));
    }
}

#[test]
fn a_policy_that_was_set_is_named_with_its_step() {
    let swept = fixture::swept(&[Some("round-robin"), Some("random")]);
    for format in [ReportFormat::Markdown, ReportFormat::Table] {
        let text = plain(&review(&swept, format));
        let head = |line: &str| line.contains("hasher") && line.contains("hashes/s");
        assert!(text.lines().any(|line| head(line) && line.contains("policy")), "{text}");
        for words in ["1 hasher, policy random", "1 hasher, policy round-robin"] {
            assert!(text.contains(words), "{words} is not in {text}");
        }
    }
    let none = plain(&review(&fixture::review_of(&[(1, 1), (2, 1)]), ReportFormat::Table));
    assert!(!none.contains("policy"), "{none}");
    let csv = review(&swept, ReportFormat::Csv);
    assert!(csv.lines().any(|row| row.ends_with(",random")), "{csv}");
}

#[test]
fn a_step_as_csv() {
    let text = render(&findings(&[(10, 1)]), Format::Csv);
    let columns: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [22; 4]);
    insta::assert_snapshot!(text);
}

#[test]
fn json_holds_what_it_is_documented_to_hold() {
    let text = render(&findings(&[(10, 1)]), Format::Json);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let step = &json["steps"][0];
    for pointer in [
        "/replicas/worker",
        "/replicas/rng",
        "/replicas/hasher",
        "/hashes_per_second/value",
        "/hashes_per_second/low",
        "/hashes_per_second/high",
        "/coins_per_second/value",
        "/closure",
        "/stages/0/name",
        "/stages/0/calls_per_second",
        "/stages/1/replicas",
        "/stages/1/p50_ms",
        "/stages/1/p90_ms",
        "/stages/1/p99_ms",
        "/stages/1/max_ms",
        "/stages/1/utilisation",
        "/stages/1/waiting",
        "/stages/1/present",
        "/bottleneck/service",
        "/bottleneck/sentence",
        "/warnings",
    ] {
        assert!(step.pointer(pointer).is_some_and(|value| !value.is_null()), "no {pointer}");
    }
    assert_eq!(json["schema_version"], SCHEMA_VERSION);
    let back: Findings = serde_json::from_str(&text).unwrap();
    assert_eq!(back, findings(&[(10, 1)]));
}
