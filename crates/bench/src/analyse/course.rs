//! Whether one number can stand for the whole window: whether the app stayed the same in it, and
//! whether bench itself kept up with it.

use inference::changepoint::{Better, Class, course};
use load::numbers::float;
use observation::{Latency, Stage};

use super::rate::{loop_of_silent, polled, readings};
use super::series::throughput;
use crate::measure::Samples;

/// Changes are looked for in values a second apart.
const STEP_S: f64 = 1.0;
/// A second without a reading is a gap: twenty were due.
const GAP_US: u64 = 1_000_000;
/// With more of the window in gaps, or of the readings failed, bench saw too little of it.
const UNSEEN: f64 = 0.1;

/// What became of throughput and of the time at rng, whichever is worse; `None` where there are too
/// few readings to tell.
pub(super) fn class(samples: &Samples, loop_seconds: Option<f64>) -> Option<Class> {
    let throughput =
        per_second(samples, loop_seconds).and_then(|rates| course(&rates, Better::Higher).ok());
    let residence = course(&residence_us(samples), Better::Lower).ok();
    let classes = [throughput, residence].into_iter().flatten().map(|course| course.class);
    classes.max_by_key(|class| match class {
        Class::Flat => 0,
        Class::WarmUp => 1,
        Class::SlowDown => 2,
        Class::NoSteadyState => 3,
    })
}

/// Hashes in each second: by the workers' own reports, which tell when each loop was counted; else
/// by the counter, whose stairs cannot be levelled quite where loops take about a second.
fn per_second(samples: &Samples, loop_seconds: Option<f64>) -> Option<Vec<f64>> {
    match throughput(&samples.workers, &samples.counter) {
        Some(rates) => Some(rates.means_over(STEP_S)),
        None => {
            let readings = readings(&samples.counter);
            let silent = || loop_of_silent(&samples.counter, samples.replicas.worker);
            polled(&readings, loop_seconds.or_else(silent), &[]).per_step(STEP_S).ok()
        }
    }
}

/// A class as findings name it.
pub(super) fn name(class: Class) -> &'static str {
    match class {
        Class::Flat => "flat",
        Class::WarmUp => "warm_up",
        Class::SlowDown => "slow_down",
        Class::NoSteadyState => "no_steady_state",
    }
}

/// What the class means for the numbers of the window; `None` of a flat one.
pub(super) fn doubt(class: Class) -> Option<&'static str> {
    match class {
        Class::Flat => None,
        Class::WarmUp => Some(
            "the app was slower at the beginning of the window than later: a longer --warmup is needed",
        ),
        Class::SlowDown => Some(
            "the app was faster earlier in the window than at its end: something fills up, heats up or leaks",
        ),
        Class::NoSteadyState => {
            Some("the app still changed at the end of the window: no number is its speed")
        }
    }
}

/// Mean time at rng in each second in which requests were answered.
fn residence_us(samples: &Samples) -> Vec<f64> {
    let at_rng = |index: usize| {
        samples.moments.get(index).and_then(|moment| moment.totals.stages.get(&Stage::Rng)).cloned()
    };
    let between = |index: usize| {
        let (before, after): (Latency, Latency) = (at_rng(index)?, at_rng(index + 1)?);
        after.since(&before)?.mean_us()
    };
    (0..samples.moments.len()).filter_map(between).collect()
}

/// Why bench itself saw too little of the window, if it did.
pub(super) fn blind(samples: &Samples) -> Option<String> {
    let counter = &samples.counter;
    let (first, last) = (counter.first()?, counter.last()?);
    let apart = counter.windows(2).map(|pair| pair[1].now_us.saturating_sub(pair[0].now_us));
    let missing = apart.filter(|gap| *gap > GAP_US).sum();
    let window = last.now_us.saturating_sub(first.now_us).max(samples.window_ms * 1000);
    if load::numbers::share(missing, window) > UNSEEN {
        return Some(format!(
            "bench could not keep up: nothing was read in {:.1} s of {:.1} s",
            float(missing) / 1e6,
            float(window) / 1e6
        ));
    }
    let asked = counter.len() as u64 + samples.failed_readings;
    (load::numbers::share(samples.failed_readings, asked) > UNSEEN).then(|| {
        format!("{} of {asked} readings failed: bench saw too little", samples.failed_readings)
    })
}
