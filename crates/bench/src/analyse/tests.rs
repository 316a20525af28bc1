//! Findings of apps whose truth is known: ideal ones, computed sample by sample, and simulated ones with
//! faults.

pub(crate) mod app;
mod faults;
mod ideal;

use observation::Stage;
use proptest::prelude::*;

use super::*;
use crate::cluster::Service;
pub(crate) use app::{App, replica};
use ideal::Ideal;
pub(crate) use ideal::ideal;

fn stage(findings: &StepFindings, name: StageName) -> &StageFindings {
    findings.stages.iter().find(|stage| stage.name == name).unwrap()
}

#[test]
fn ten_workers_wait_at_one_rng() {
    let findings = step(&ideal(10, 1));
    let rate = findings.hashes_per_second;
    assert!((rate.interval.value - 10.0).abs() < 1e-6, "{rate:?}");
    assert!((findings.closure.unwrap() - 1.0).abs() < 1e-6);
    let rng = stage(&findings, StageName::Rng);
    assert!((rng.utilisation.unwrap() - 1.0).abs() < 1e-6);
    assert!((rng.waiting.unwrap() - 7.0).abs() < 1e-3 && (rng.present - 8.0).abs() < 1e-3);
    let bottleneck = findings.bottleneck.unwrap();
    assert_eq!(bottleneck.service, Service::Rng);
    assert!(bottleneck.sentence.contains("7.0 of 10 workers wait"), "{}", bottleneck.sentence);
    assert_eq!((findings.next[0].service, findings.next[0].replicas), (Service::Rng, 2));
    assert!((findings.next[0].at_most - 20.0).abs() < 1e-3);
    assert_eq!(findings.warnings, Vec::<String>::new());
}

#[test]
fn with_five_rng_the_workers_are_the_limit() {
    let findings = step(&ideal(10, 5));
    assert!((findings.hashes_per_second.interval.value - 33.333).abs() < 1e-3);
    assert_eq!(findings.bottleneck.unwrap().service, Service::Worker);
    assert_eq!(findings.next[0].service, Service::Worker);
    assert!((findings.next[0].gain - 0.1).abs() < 1e-3);
}

#[test]
fn where_two_bounds_meet_both_are_named() {
    let sentence = step(&ideal(3, 1)).bottleneck.unwrap().sentence;
    assert!(sentence.contains("binds almost as early"), "{sentence}");
    let sentence = step(&ideal(10, 1)).bottleneck.unwrap().sentence;
    assert!(!sentence.contains("binds almost as early"), "{sentence}");
}

#[test]
fn a_missing_stage_withholds_the_verdict() {
    let mut samples = ideal(10, 1);
    for report in samples.first.workers.iter_mut().chain(&mut samples.last.workers) {
        report.totals.stages.remove(&Stage::Think);
    }
    let findings = step(&samples);
    assert_eq!(findings.bottleneck, None);
    assert!(findings.withheld.unwrap().reason.contains("90.0 % of the workers"));
}

#[test]
fn a_window_too_short_for_the_loop_withholds_the_verdict() {
    let mut samples = ideal(50, 1);
    samples.window_ms = 30_000;
    let reason = step(&samples).withheld.unwrap().reason;
    assert!(reason.contains("at least 50 s"), "{reason}");
}

#[test]
fn nothing_is_said_of_an_app_scaled_to_nothing() {
    let mut samples = ideal(1, 1);
    samples.replicas.rng = 0;
    samples.first.workers.clear();
    samples.last.workers.clear();
    samples.workers.clear();
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.contains("rng is scaled to 0"));
    assert_eq!(findings.closure, None);
}

#[test]
fn workers_that_do_not_report_are_noticed_by_the_counter() {
    let mut samples = ideal(10, 5);
    samples.first.workers.truncate(5);
    samples.last.workers.truncate(5);
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.starts_with("5 of 10 workers reported"));
    assert!((findings.hashes_per_second.interval.value - 33.3).abs() < 0.2);
    assert!(findings.warnings.iter().any(|warning| warning.contains("do not report")));
}

#[test]
fn what_went_wrong_during_the_window_is_said() {
    let mut samples = ideal(10, 1);
    samples.restarts = 1;
    let report = &mut samples.last.workers[0];
    report.totals.errors.insert("rng: closed".to_owned(), 3);
    let findings = step(&samples);
    assert!(findings.withheld.unwrap().reason.starts_with("1 replica died"));
    let warnings = findings.warnings;
    assert!(warnings.iter().any(|w| w.contains("3 x rng: closed")), "{warnings:?}");
}

#[test]
fn the_recommended_state_sums_to_its_workers() {
    let findings = step(&app::App::new(10, 1).samples());
    let state = findings.recommended.unwrap();
    assert_eq!(state.replicas.rng, 2);
    let sum: f64 = state.present.iter().map(|present| present.present).sum();
    assert!((sum - 10.0).abs() < 1e-6, "{state:?}");
    assert_eq!(findings.walls.len(), 3);
    assert_eq!(findings.walls[0].limits, [Service::Rng]);
    let elasticities = findings.elasticities.unwrap();
    assert!((elasticities.delay + elasticities.rng + elasticities.hasher - 1.0).abs() < 0.02);
    assert!(elasticities.rng > 0.95, "{elasticities:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// The model's answer comes out whatever the sizes, and the stages always add up.
    #[test]
    fn the_rate_is_the_bound_and_closure_holds(workers in 1_u32..20, rng in 1_u32..8) {
        let app = Ideal { workers, rng };
        let findings = step(&app.samples());
        let rate = findings.hashes_per_second.interval;
        // Loops are whole microseconds here.
        prop_assert!((rate.value / app.speed() - 1.0).abs() < 1e-4, "{rate:?}");
        prop_assert!((findings.closure.unwrap() - 1.0).abs() < 1e-4);
        prop_assert!(rate.low <= rate.value && rate.value <= rate.high);
        let counter = findings.counter_hashes_per_second;
        prop_assert!((counter.interval.value - app.speed()).abs() <= counter.flush + 0.01 * app.speed());
    }
}

#[test]
fn a_vote_for_the_workers_says_why_it_is_for_no_service() {
    let vote = |workers| step(&ideal(workers, 1)).certainty.unwrap().votes.remove(0).sentence;
    assert_eq!(vote(2), "no service is busy to 90 %; rng, the busiest, is to 67 %");
    assert_eq!(vote(10), "rng is the busiest, 100 %");
}
