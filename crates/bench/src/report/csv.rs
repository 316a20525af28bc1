//! Findings as CSV: one row for each stage of each step, times in milliseconds.

use crate::analyse::{Findings, StageFindings, StepFindings};

const HEAD: [&str; 22] = [
    "worker",
    "rng",
    "hasher",
    "hashes_per_second",
    "hashes_per_second_low",
    "hashes_per_second_high",
    "coins_per_second",
    "coins_per_second_low",
    "coins_per_second_high",
    "closure",
    "bottleneck",
    "stage",
    "replicas",
    "calls_per_second",
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "max_ms",
    "utilisation",
    "waiting",
    "present",
    "policy",
];

pub(super) fn render(findings: &Findings) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail, and every row has as many fields as the head.
    let _ = writer.write_record(HEAD);
    for step in &findings.steps {
        let stages = step.stages.iter().map(Some).chain(step.stages.is_empty().then_some(None));
        for stage in stages {
            let policy = step.policy.clone().unwrap_or_default();
            let fields = step_fields(step).into_iter().chain(stage_fields(stage));
            let _ = writer.write_record(fields.chain([policy]));
        }
    }
    writer.into_inner().map_or_else(
        |error| format!("error: {error}\n"),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

fn step_fields(step: &StepFindings) -> [String; 11] {
    let (hashes, coins) = (step.hashes_per_second.interval, step.coins_per_second);
    let rate = |value: f64| optional((!step.rate_is_withheld()).then_some(value));
    [
        step.replicas.worker.to_string(),
        step.replicas.rng.to_string(),
        step.replicas.hasher.to_string(),
        rate(hashes.value),
        rate(hashes.low),
        rate(hashes.high),
        rate(coins.value),
        rate(coins.low),
        rate(coins.high),
        optional(step.closure),
        step.bottleneck.as_ref().map_or_else(String::new, |b| b.service.name().to_owned()),
    ]
}

fn stage_fields(stage: Option<&StageFindings>) -> [String; 10] {
    let Some(stage) = stage else { return Default::default() };
    [
        stage.name.name().to_owned(),
        optional(stage.replicas),
        stage.calls_per_second.to_string(),
        optional(stage.p50_ms),
        optional(stage.p90_ms),
        optional(stage.p99_ms),
        optional(stage.max_ms),
        optional(stage.utilisation),
        optional(stage.waiting),
        stage.present.to_string(),
    ]
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
