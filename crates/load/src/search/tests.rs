//! Searches of servers whose capacity is known, under a clock that is only calculated with.

use super::bracket::Trial;
use super::*;
use crate::run::{Measured, Trend};
use crate::summary::tests::{measured, plan};

/// A step of `trial` with this outcome.
fn step(trial: Trial, outcome: Outcome) -> Step {
    let error = RunError::Stopped;
    let met = outcome == Outcome::Met;
    let verdict = if met { "met" } else { "missed" }.to_owned();
    let may_be_gone = false;
    Step { met, outcome, verdict, may_be_gone, errors: 0.0, ..Step::broken(trial, &error) }
}

/// A search as it may have gone.
pub(crate) fn found() -> Search {
    let mut bracket = Bracket::from(6.4, 0.7);
    let mut steps = Vec::new();
    let mut took = |rate: f64, confirming: bool, outcome: Outcome, verdict: &str| {
        let step = Step {
            achieved: Some(if verdict == "met" { 1.0 } else { 0.912 }),
            p50_ms: Some(101.5),
            p99_ms: Some(900.0),
            verdict: verdict.to_owned(),
            ..step(Trial { rate, confirming }, outcome)
        };
        bracket.learn(&step);
        steps.push(step);
    };
    took(6.4, false, Outcome::Met, "met");
    let behind = Outcome::Behind { achieved: 0.912, completed_per_second: 10.0 };
    took(12.8, false, behind, "only 91.20% of the rate");
    took(9.8, false, Outcome::Met, "met");
    let growing = Outcome::Growing { ms_per_s: 20.0 };
    took(10.2, true, growing, "not sustained: latency +20.0 ms/s");
    took(9.8, true, Outcome::Met, "met");
    Search::new(steps, &bracket, End::Found)
}

/// All trials with a server that falls behind above `capacity`: a short step shows
/// it above 1.03 of that, and only a longer run below.
fn tried(first: f64, capacity: f64, floor: f64) -> (Vec<Trial>, Bracket) {
    let mut bracket = Bracket::from(first, floor);
    let mut trials = Vec::new();
    while let Some(trial) = bracket.next() {
        assert!(trials.len() < MOST_STEPS, "{trials:?}");
        let over = trial.rate / capacity;
        let outcome = match trial.confirming {
            _ if over > 1.03 => {
                Outcome::Behind { achieved: 1.0 / over, completed_per_second: capacity * 1.01 }
            }
            true if over > 1.001 => Outcome::Growing { ms_per_s: 1e3 * (over - 1.0) },
            _ => Outcome::Met,
        };
        bracket.learn(&step(trial, outcome));
        trials.push(trial);
    }
    (trials, bracket)
}

#[test]
fn the_answer_lies_within_a_twentieth_below_the_capacity() {
    for capacity in [0.9, 3.0, 10.0, 20.0, 64.0, 904.0, 12_345.0, 80_000.0] {
        for first in [capacity * 0.24, capacity * 0.26, capacity * 0.99, capacity * 3.0] {
            let (trials, bracket) = tried(first, capacity, capacity / 100.0);
            let (met, times) = bracket.met().unwrap();
            let missed = bracket.missed().unwrap();
            assert!(met <= capacity * 1.001, "{capacity}: {met} of {trials:?}");
            assert!(met >= capacity * 0.95, "{capacity}: {met} of {trials:?}");
            assert!(missed > capacity && times == 2, "{capacity}: {trials:?}");
            assert!(trials.len() <= 18, "{}: {trials:?}", trials.len());
        }
    }
}

#[test]
fn a_server_that_bears_nothing_ends_at_the_lowest_rate_that_can_be_judged() {
    let (trials, bracket) = tried(64.0, 0.0, 1.0);
    assert!(bracket.met().is_none() && trials.len() < 6, "{trials:?}");
    assert!(trials.iter().all(|trial| trial.rate >= 1.0), "{trials:?}");
}

#[test]
fn a_good_rate_that_fails_when_it_is_confirmed_leaves_the_one_below() {
    let mut bracket = Bracket::from(50.0, 1.0);
    let mut take = |rate: f64, confirming: bool, outcome: Outcome| {
        bracket.learn(&step(Trial { rate, confirming }, outcome));
        (
            bracket.met(),
            bracket.missed(),
            bracket.next().map(|trial| (trial.rate, trial.confirming)),
        )
    };
    let failed = || Outcome::Failed { errors: 0.5 };
    take(50.0, false, Outcome::Met);
    take(100.0, false, Outcome::Met);
    let next = take(102.5, false, failed());
    assert_eq!(next, (Some((100.0, 1)), Some(102.5), Some((100.0, true))));
    let next = take(100.0, true, failed());
    assert_eq!(next, (Some((50.0, 1)), Some(100.0), Some((75.0, false))));
    // What only seems to grow is decided by a longer run, at once.
    let next = take(75.0, false, Outcome::Growing { ms_per_s: 2.0 });
    assert_eq!(next.2, Some((75.0, true)));
}

#[test]
fn a_step_that_was_spoilt_is_tried_again_at_its_rate() {
    let mut bracket = Bracket::from(5.0, 1.0);
    bracket.learn(&step(Trial { rate: 5.0, confirming: false }, Outcome::Met));
    let behind = Outcome::Behind { achieved: 0.8, completed_per_second: 10.0 };
    bracket.learn(&step(Trial { rate: 12.5, confirming: false }, behind));
    let beside = bracket.next();
    assert_eq!(beside.map(|trial| trial.rate), Some(9.8));
    assert_eq!(bracket.next(), beside);
    bracket.learn(&step(beside.unwrap(), Outcome::Met));
    assert_eq!(bracket.next().map(|trial| trial.rate), Some(10.2));
}

#[test]
fn a_step_that_was_missed_otherwise_is_not_undecided() {
    let slo: Slo = "p99.9<250ms".parse().unwrap();
    let undecided = |answers: u64| {
        let mut run = measured();
        run.recording.counts.answers_in_window = answers;
        let goal = Goal { slo: &slo, most_errors: 1.0 };
        let step = Step::new(Trial { rate: 100.0, confirming: false }, &plan(true), &run, goal);
        step.undecided
    };
    assert!(undecided(1_002) && !undecided(700));
}

#[test]
fn rates_can_be_typed_again() {
    for (rate, text) in [
        (12_345.6, "12300"),
        (96.04, "96"),
        (4.321, "4.32"),
        (9.6871, "9.69"),
        (0.034_56, "0.0346"),
    ] {
        assert_eq!(rounded(rate).to_string(), text);
    }
}

#[test]
fn what_steps_cannot_judge_is_refused_with_the_percentile_that_they_can() {
    let slo = |terms: &str| terms.parse::<Slo>().unwrap();
    let plan = plan(true);
    // The longest step is 30 s.
    let few = TooFew::check(&plan, &slo("p99.9<1s"), 9.8).unwrap();
    assert_eq!((few.needed, few.instead), (10_000, Some(("p95", 200))));
    insta::assert_snapshot!(few.to_string(), @"--find-max: a percentile of --slo needs 10,000 requests a step, and at the 9.80/s that the server reached the longest step (30.0 s) has 294: use p95 at most, which needs 200, or a longer step: --duration 1123s");
    assert_eq!(TooFew::check(&plan, &slo("p95<1s,errors<1%"), 9.8), None);
    assert_eq!(TooFew::check(&plan, &slo("p99<1s"), 40.0), None);
    assert_eq!(TooFew::check(&plan, &slo("mean<1s,max<2s"), 0.0), None);
    let none = TooFew::check(&plan, &slo("p50<1s"), 0.1).unwrap().to_string();
    assert!(none.contains("--duration 220s") && !none.contains("at most"), "{none}");
}

/// The outcome of a step whose measurement was changed.
fn outcome(change: impl FnOnce(&mut Measured)) -> Outcome {
    let mut run = measured();
    run.recording.failures.clear();
    run.recording.counts.sent = 1_000;
    run.recording.counts.good = 1_000;
    change(&mut run);
    let slo: Slo = "p99<250ms".parse().unwrap();
    let goal = Goal { slo: &slo, most_errors: 0.0 };
    Step::new(Trial { rate: 100.0, confirming: false }, &plan(true), &run, goal).outcome
}

#[test]
fn a_step_is_met_only_where_the_server_keeps_up() {
    assert_eq!(outcome(|_| {}), Outcome::Met);
    let trend = |slope: f64| Some(Trend { slope, error: 0.0001 });
    let growing = outcome(|run| run.trend = trend(0.02));
    assert_eq!(growing, Outcome::Growing { ms_per_s: 20.0 });
    assert_eq!(outcome(|run| run.trend = trend(-0.02)), Outcome::Met);
    assert_eq!(outcome(|run| run.trend = trend(0.0002)), Outcome::Met);
    let behind = outcome(|run| run.recording.counts.answers_in_window = 900);
    assert!(matches!(behind, Outcome::Behind { achieved, .. } if (achieved - 0.9).abs() < 1e-9));
    assert_eq!(outcome(|run| run.recording.counts.good = 0), Outcome::NothingGood);
    let failed = outcome(|run| run.recording.counts.good = 500);
    assert!(matches!(failed, Outcome::Failed { .. }), "{failed:?}");
}

#[test]
fn a_generator_that_waits_for_a_processor_is_no_excuse_for_a_server_that_falls_behind() {
    let blamed = |answers: u64, waited: u64, limit: &str| {
        let mut run = measured();
        run.recording.counts.answers_in_window = answers;
        let time = Duration::from_millis(waited);
        run.generator.held_up.waited = Some(crate::generator::Waits { times: 100, time });
        let slo: Slo = limit.parse().unwrap();
        let goal = Goal { slo: &slo, most_errors: 1.0 };
        Step::new(Trial { rate: 100.0, confirming: false }, &plan(true), &run, goal)
            .generator_was_the_limit
    };
    // A quarter of 10 s it works.
    assert!(!blamed(700, 2_000, "p99<250ms") && blamed(700, 7_000, "p99<250ms"));
    assert!(blamed(1_002, 2_000, "p99<50ms") && !blamed(1_002, 20, "p99<50ms"));
}

#[test]
fn a_server_that_is_gone_is_said_to_be() {
    let end = |failure| End::Gone { rate: 80.0, failure };
    let conclusion = |end| {
        let mut bracket = Bracket::from(40.0, 1.0);
        bracket.learn(&step(Trial { rate: 40.0, confirming: false }, Outcome::Met));
        Search::new(Vec::new(), &bracket, end).conclusion
    };
    insta::assert_snapshot!(conclusion(end(Some(Failure::Descriptors.to_string()))), @"The server is gone after 80/s: no connection can be made any more: too many open files: raise the limit with `ulimit -n`, or use fewer connections; 40/s was good before.");
    insta::assert_snapshot!(conclusion(end(None)), @"The server is gone after 80/s: it answers nothing any more, not even a rate that was good before; 40/s was good before.");
}
