//! `bench scale --inject` over a simulated app: what the delays say of the verdict, and why nothing is
//! said where the windows do not allow it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::{Command, Output};

use serde_json::Value;

fn inject(words: &str) -> (Output, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(["scale", "--cluster", "sim", "--output", "json"]);
    let output = command.args(words.split_whitespace()).output().unwrap();
    let findings = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, findings)
}

#[test]
fn a_stage_that_takes_half_a_loop_is_not_therefore_the_limit() {
    let app = "--worker 4 --rng 8 --simulate rng=200ms";
    let (output, found) = inject(&format!("{app} --inject think=+10ms,rng=+20ms,hasher=+10ms"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let rng = &found["injections"][1]["elasticity"]["value"];
    assert!(rng.as_f64().unwrap() > 0.4, "the rate depends on rng most: {found}");
    let step = &found["steps"][0];
    assert_eq!(step["bottleneck"]["service"], "worker");
    let votes = step["certainty"]["votes"].as_array().unwrap();
    let vote = votes.iter().find(|vote| vote["method"] == "injected_delay").unwrap();
    assert_eq!(vote["service"], "worker", "{vote}");
    let sentence = step["bottleneck"]["sentence"].as_str().unwrap();
    assert!(!sentence.contains("Not all agree"), "{sentence}");
}

#[test]
fn a_silent_app_is_inconclusive_and_says_why_nothing_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").to_str().unwrap().to_owned();
    let words = format!("--simulate tells=no --inject rng=+10ms --verify --out {run}");
    let (output, found) = inject(&words);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    for left_out in ["uninjected", "unverified"] {
        let reason = found[left_out].as_str().unwrap();
        assert!(reason.contains("without a verdict"), "{left_out}: {reason}");
    }
    let mut report = Command::new(env!("CARGO_BIN_EXE_bench"));
    let told = report.args(["report", &run, "--format", "json"]).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["uninjected"], found["uninjected"], "there are no samples of it");
}

#[test]
fn a_delayed_window_without_a_verdict_is_not_scored() {
    // The first window is over by then, the second one is not.
    let app = "--worker 4 --rng 1 --duration 30s --warmup 5s --simulate hung-workers=2@60s";
    let (output, found) = inject(&format!("{app} --inject rng=+20ms"));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(found["steps"][0]["withheld"].is_null(), "{found}");
    assert!(found["injections"].is_null(), "{found}");
    let reason = found["uninjected"].as_str().unwrap();
    assert!(reason.starts_with("rng, the window with the delay: "), "{reason}");
}
