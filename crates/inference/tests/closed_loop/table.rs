//! How many of many intervals hold the truth: replications of the closed loop, each measured for a
//! fixed time and by the stopping rule.

use inference::rate::{CounterRate, FLUSH_SECONDS, Polled};
use inference::stopping::{Check, Decision, Rule};

use super::{Balancing, Model, Run};

/// Mean lateness of a step, in seconds: an exponential one with the median of 1.25 ms that timers
/// were seen to have on a small machine.
pub const LATE: f64 = 0.0018;

/// What a set of replications showed.
#[derive(Clone, Copy, Debug)]
pub struct Coverage {
    /// Share of intervals that held the truth.
    pub held: f64,
    /// Share that did with the flush limit added.
    pub held_with_limits: f64,
    /// Mean half-width, as a share of the truth.
    pub half_width: f64,
    /// Mean length of the windows, in seconds.
    pub seconds: f64,
    /// Truth, per second.
    pub truth: f64,
}

/// A model of the app with a window that is long enough for what is asked.
pub fn model(workers: usize, replicas: usize, balancing: Balancing, window: f64) -> Model {
    Model { workers, replicas, balancing, jitter: LATE, warmup: 60.0, window }
}

fn rate(run: &Run, seconds: f64, workers: usize) -> Option<CounterRate> {
    let end = run.readings.partition_point(|reading| reading.seconds <= seconds);
    let polled = Polled {
        readings: &run.readings[..end],
        loop_seconds: run.loop_seconds,
        flush_seconds: FLUSH_SECONDS,
        workers: u32::try_from(workers).unwrap(),
        departures: &[],
    };
    polled.rate().ok()
}

/// The rate when the rule says stop, and how long that took.
fn until_precise(run: &Run, rule: Rule, workers: usize) -> (CounterRate, f64) {
    let mut checks = Vec::new();
    let mut seconds = rule.least_seconds - rule.apart_seconds;
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
pub fn coverage(model: Model, replications: u32, rule: Option<Rule>) -> Coverage {
    let runs: Vec<Run> = (0..replications).map(|seed| model.run(u64::from(seed))).collect();
    let share = 1.0 / f64::from(replications);
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let truth = runs.iter().map(|run| run.completed as f64 / model.window * share).sum();
    let mut coverage =
        Coverage { held: 0.0, held_with_limits: 0.0, half_width: 0.0, seconds: 0.0, truth };
    for run in &runs {
        let (rate, seconds) = match rule {
            Some(rule) => until_precise(run, rule, model.workers),
            None => (rate(run, model.window, model.workers).unwrap(), model.window),
        };
        coverage.held += f64::from(rate.interval().holds(truth)) * share;
        coverage.held_with_limits += f64::from(rate.limits().holds(truth)) * share;
        coverage.half_width += rate.statistical / truth * share;
        coverage.seconds += seconds * share;
    }
    coverage
}
