//! How many of many intervals hold the truth: replications of the closed loop, each measured for a
//! fixed time and by the stopping rule.

#![expect(clippy::expect_used, reason = "what these tests share fails the test")]

use inference::rate::{CounterRate, FLUSH_SECONDS, Polled};
use inference::stopping::{Check, Decision, Rule};

use super::{Balancing, Model, Run};

/// Mean lateness of a step, in seconds: an exponential one with the median of 1.25 ms that timers
/// were seen to have on a small machine.
pub(crate) const LATE: f64 = 0.0018;

/// Other replications than those on which the estimator's constants were chosen, which began at 0.
const FIRST_SEED: u64 = 1_000_000;

/// What a set of replications showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coverage {
    /// Share of intervals that held the truth.
    pub(crate) held: f64,
    /// Share that did with the flush limit added.
    pub(crate) held_with_limits: f64,
    /// Mean half-width, as a share of the truth.
    pub(crate) half_width: f64,
    /// Mean length of the windows, in seconds.
    pub(crate) seconds: f64,
}

/// A model of the app with a window that is long enough for what is asked.
pub(crate) fn model(workers: usize, replicas: usize, balancing: Balancing, window: f64) -> Model {
    // The more workers, the longer it takes until queues are as long as they stay.
    let warmup = if workers > 10 { 60.0 } else { 30.0 };
    Model { workers, replicas, balancing, jitter: LATE, warmup, window }
}

fn rate(run: &Run, seconds: f64, workers: usize) -> Option<CounterRate> {
    let end = run.readings.partition_point(|reading| reading.seconds <= seconds);
    let polled = Polled {
        readings: &run.readings[..end],
        loop_seconds: run.loop_seconds,
        flush_seconds: FLUSH_SECONDS,
        workers: u32::try_from(workers).expect("few workers"),
        departures: &[],
    };
    polled.rate().ok()
}

/// The rate when the rule says stop, and how long that took.
fn until_precise(run: &Run, rule: Rule, workers: usize) -> (CounterRate, f64) {
    let mut checks = Vec::new();
    let mut seconds = rule.least_seconds / 2.0;
    loop {
        let rate = rate(run, seconds, workers);
        let relative_half_width = rate.as_ref().map(|r| r.statistical / r.per_second);
        checks.push(Check { seconds, relative_half_width });
        if let (Decision::Stop(_), Some(rate)) = (rule.decide(&checks), rate) {
            return (rate, seconds);
        }
        seconds += rule.apart_seconds;
    }
}

/// Replications of a model with windows of a fixed length, or with a rule that ends them.
pub(crate) fn coverage(model: Model, replications: u32, rule: Option<Rule>) -> Coverage {
    let runs: Vec<Run> =
        (0..replications).map(|seed| model.run(FIRST_SEED + u64::from(seed))).collect();
    let share = 1.0 / f64::from(replications);
    let (mut held, mut held_with_limits) = (0_u32, 0_u32);
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let truth: f64 = runs.iter().map(|run| run.completed as f64 / model.window * share).sum();
    let mut coverage = Coverage { held: 0.0, held_with_limits: 0.0, half_width: 0.0, seconds: 0.0 };
    for run in &runs {
        let (rate, seconds) = match rule {
            Some(rule) => until_precise(run, rule, model.workers),
            None => (
                rate(run, model.window, model.workers).expect("a window long enough"),
                model.window,
            ),
        };
        held += u32::from(rate.interval().holds(truth));
        held_with_limits += u32::from(rate.limits().holds(truth));
        coverage.half_width += rate.statistical / truth * share;
        coverage.seconds += seconds * share;
    }
    coverage.held = f64::from(held) / f64::from(replications);
    coverage.held_with_limits = f64::from(held_with_limits) / f64::from(replications);
    coverage
}
