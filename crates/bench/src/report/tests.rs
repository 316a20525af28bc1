//! The words of every format, on the findings of an ideal app.

use super::*;
use crate::analyse::{SCHEMA_VERSION, predict, step, tests::ideal};

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
fn a_step_as_csv() {
    let text = render(&findings(&[(10, 1)]), Format::Csv);
    let columns: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [21; 4]);
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
