//! How fast the app is: from the workers' own reports where there are any, from the counter
//! otherwise, and each held against the other.
//!
//! The counter rises in steps, as each worker adds its loops about once a second: `inference::rate`
//! sees through that, and states what it cannot. A worker's report, in contrast, carries the exact
//! time at which its loops were counted, so that between two reports of one worker nothing is
//! rounded. The sum over workers is exact.

use std::collections::HashMap;

use inference::Refusal;
use inference::long_run::{LongRunMean, long_run_mean};
use inference::rate::{Departure, FLUSH_SECONDS, PERIODS_NEEDED, Polled, Reading, flush_period};
use load::numbers::float;
use observation::Report;

use super::series::{SPACING_S, throughput};
use super::{Interval, Rate};
use crate::measure::{Counter, Samples, WorkerCount};

const SECOND_US: f64 = 1e6;
/// Without a report the original's loop time is the best guess.
pub(super) const NOMINAL_LOOP_S: f64 = 0.3;
/// No interval is narrower than this share of the rate to each side: which workers meet at which
/// replica changes over minutes, and what lasts longer than a window it does not show
/// (`docs/benchmarks.md`, coverage).
pub const RESOLUTION: f64 = 0.002;
/// Reports of fewer seconds do not show how much the rate scatters.
const LEAST_S: f64 = 10.0;
/// How far off an estimated loop may be, as a share of it.
const ESTIMATED: f64 = 0.02;
const JUST_UNDER: f64 = 0.999;
/// A worker that has not reported for so many flush periods at the end is gone; fewer may be a queue.
const SILENT: f64 = 10.0;

/// The readings since the counter or the wallet last fell: somebody emptied them then.
pub(super) fn since_reset(counter: &[Counter]) -> &[Counter] {
    let fell = |pair: &[Counter]| pair[1].hashes < pair[0].hashes || pair[1].coins < pair[0].coins;
    let reset = counter.windows(2).rposition(fell);
    &counter[reset.map_or(0, |before| before + 1)..]
}

/// Least-squares slope in hashes per second over the readings since the counter last fell, and their
/// length in seconds: for windows that are too short for a rate with an error.
pub(super) fn slope(counter: &[Counter]) -> Option<(f64, f64)> {
    let used = since_reset(counter);
    let (first, last) = (used.first()?, used.last()?);
    let seconds = float(last.now_us.checked_sub(first.now_us)?) / SECOND_US;
    let point = |c: &Counter| {
        let time = float(c.now_us.saturating_sub(first.now_us)) / SECOND_US;
        (time, float(c.hashes - first.hashes))
    };
    let count = float(used.len() as u64);
    let mean_x = used.iter().map(|c| point(c).0).sum::<f64>() / count;
    let mean_y = used.iter().map(|c| point(c).1).sum::<f64>() / count;
    let (mut xx, mut xy) = (0.0, 0.0);
    for (x, y) in used.iter().map(point) {
        xx += (x - mean_x).powi(2);
        xy += (x - mean_x) * (y - mean_y);
    }
    (xx > 0.0).then(|| (xy / xx, seconds))
}

/// The longest window, in seconds, that is refused for loops of this length.
pub(super) fn needed_seconds(loop_seconds: f64) -> f64 {
    PERIODS_NEEDED * flush_period(loop_seconds, FLUSH_SECONDS)
}

/// Mean loop in seconds of an app whose workers tell nothing: all of them loop all the time, so it is
/// their number by their rate. The plain slope is off by what stairs do to it; with the loop that it
/// gives the rate is estimated again without them.
///
/// What seems to be just over a flush interval may be just under it, and is taken to be: then a worker
/// tells every other loop, and two intervals level the stairs either way.
pub(super) fn loop_of_silent(counter: &[Counter], workers: u32) -> Option<f64> {
    let loop_s = |rate: f64| (rate > 0.0 && workers > 0).then(|| f64::from(workers) / rate);
    let rough = slope(counter).and_then(|(rate, _)| loop_s(rate))?;
    let rate = polled(&readings(counter), Some(rough), &[]).rate().ok();
    let found = rate.and_then(|rate| loop_s(rate.per_second)).unwrap_or(rough);
    let near = (FLUSH_SECONDS..(1.0 + ESTIMATED) * FLUSH_SECONDS).contains(&found);
    Some(if near { JUST_UNDER * FLUSH_SECONDS } else { found })
}

/// The counter's readings with seconds of their own.
pub(super) fn readings(counter: &[Counter]) -> Vec<Reading> {
    let begin = counter.first().map_or(0, |first| first.now_us);
    let reading = |one: &Counter| Reading {
        // An answer that was overtaken is before the first: it is left out as such.
        seconds: float(one.now_us.saturating_sub(begin)) / SECOND_US,
        count: one.hashes,
    };
    counter.iter().map(reading).collect()
}

/// The counter as it was polled.
pub(super) fn polled<'a>(
    readings: &'a [Reading],
    loop_seconds: Option<f64>,
    departures: &'a [Departure],
) -> Polled<'a> {
    Polled {
        readings,
        loop_seconds: loop_seconds.unwrap_or(NOMINAL_LOOP_S),
        flush_seconds: FLUSH_SECONDS,
        workers: 1,
        departures,
    }
}

/// The rate by the counter alone. `workers` are loops run at a time.
pub(super) fn from_counter(
    samples: &Samples,
    loop_seconds: Option<f64>,
    workers: u64,
    warnings: &mut Vec<String>,
) -> Rate {
    if !samples.replicas.can_loop() {
        return rate(0.0, None, 0.0); // its window is none
    }
    let silent = || loop_of_silent(&samples.counter, samples.replicas.worker);
    let loop_seconds = loop_seconds.or_else(silent);
    let readings = readings(&samples.counter);
    let departures = departures(samples, loop_seconds.unwrap_or(NOMINAL_LOOP_S));
    let workers = u32::try_from(workers).unwrap_or(u32::MAX).max(1);
    let polled = Polled { workers, ..polled(&readings, loop_seconds, &departures) };
    match polled.rate() {
        Ok(found) => {
            if found.falls > 0 {
                warnings.push(format!(
                    "the counter fell during the window; only the last {:.1} s of it count",
                    found.seconds
                ));
            }
            if found.untold > 0.0 {
                warnings.push(format!(
                    "workers left during the window; what they had not told is up to {:.2} hashes/s",
                    found.untold
                ));
            }
            let mut rate = rate(found.per_second, Some(found.statistical), found.flush);
            rate.interval.high += found.untold;
            rate
        }
        Err(refusal) => refused(&samples.counter, &refusal, polled.period(), warnings),
    }
}

/// What can still be said where a rate with an error cannot.
fn refused(
    counter: &[Counter],
    refusal: &Refusal,
    period: f64,
    warnings: &mut Vec<String>,
) -> Rate {
    let Some((per_second, seconds)) = slope(counter) else {
        warnings.push("the counter could not be read".to_owned());
        return rate(0.0, None, 0.0);
    };
    warnings.push(format!("the rate by the counter is rough: {refusal}"));
    let flush = (6.0 * (period / seconds).powi(2)).min(1.0) * per_second;
    rate(per_second, None, flush)
}

/// Workers that stopped reporting before the end of the window, and when, by the readings' clock.
fn departures(samples: &Samples, loop_seconds: f64) -> Vec<Departure> {
    let Some(begin) = samples.counter.first().map(|first| first.now_us) else { return Vec::new() };
    let newest = samples.last.workers.iter().map(|report| report.at_us).max().unwrap_or(begin);
    let silent = SILENT * flush_period(loop_seconds, FLUSH_SECONDS);
    let gone = |report: &Report| {
        let (at, newest) = (float(report.at_us), float(newest));
        let left = (newest - at) / SECOND_US > silent;
        // A worker that was gone before the window takes nothing from it.
        left.then(|| Departure {
            seconds: (at - float(begin)) / SECOND_US,
            workers: report.virtual_workers,
        })
    };
    let still = by_id(&samples.last.workers);
    let vanished = samples.first.workers.iter().filter(|first| !still.contains_key(&*first.id));
    samples.last.workers.iter().chain(vanished).filter_map(gone).collect()
}

/// The rate by the workers' own reports, if all that counts is in them; else by the counter.
pub(super) fn from_workers(samples: &Samples, counter: Rate, warnings: &mut Vec<String>) -> Rate {
    let ends = ends(samples);
    if ends.is_empty() {
        return counter;
    }
    let exact: f64 = ends.iter().map(|(first, last)| per_second(*first, *last)).sum();
    let scatter = scatter(samples);
    let statistical = scatter.map(|found| found.half_width);
    let half = |rate: Option<f64>| rate.unwrap_or(0.0);
    let tolerance = counter.flush + half(counter.statistical) + half(statistical) + 0.01 * exact;
    let apart = (exact - counter.interval.value).abs();
    if apart > tolerance && samples.counter.len() > 1 {
        warnings.push(format!(
            "the workers report {exact:.2} hashes/s but the counter says {:.2}: some workers do \
             not report, or somebody else counts; the counter is used",
            counter.interval.value
        ));
        return counter;
    }
    // Too few samples for the scatter: then the counter's own error is the safe thing to say.
    let flush = if statistical.is_none() { counter.flush } else { 0.0 };
    Rate { freedom: scatter.map(|found| found.freedom), ..rate(exact, statistical, flush) }
}

fn rate(value: f64, statistical: Option<f64>, flush: f64) -> Rate {
    let statistical = statistical.map(|half| half.max(RESOLUTION * value));
    let half = statistical.unwrap_or(0.0) + flush;
    let interval = Interval { value, low: (value - half).max(0.0), high: value + half };
    Rate { interval, statistical, flush, freedom: None }
}

/// Reports by the ids of their workers, of whom there may be thousands.
pub(super) fn by_id(reports: &[Report]) -> HashMap<&str, &Report> {
    reports.iter().map(|report| (report.id.as_str(), report)).collect()
}

/// Each worker's first and last count of the window.
fn ends(samples: &Samples) -> Vec<(WorkerCount, WorkerCount)> {
    let count = |report: &Report| WorkerCount { at_us: report.at_us, loops: report.totals.loops };
    let begun = by_id(&samples.first.workers);
    let last = samples.last.workers.iter().filter_map(|last| {
        let first = begun.get(&*last.id)?;
        (last.at_us > first.at_us).then(|| (count(first), count(last)))
    });
    last.collect()
}

fn per_second(first: WorkerCount, last: WorkerCount) -> f64 {
    let loops = float(last.loops.saturating_sub(first.loops));
    loops / (float(last.at_us.saturating_sub(first.at_us)) / SECOND_US)
}

/// How the rate scatters over the time that every worker's reports cover; `None` where that is too short.
fn scatter(samples: &Samples) -> Option<LongRunMean> {
    let rates = throughput(&samples.workers, &samples.counter)?.values;
    let is_enough = float(rates.len() as u64) * SPACING_S >= LEAST_S;
    is_enough.then(|| long_run_mean(&rates).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::analyse::tests::ideal;

    /// An app without reports, made once: histograms take their time.
    fn silent() -> Samples {
        static SILENT: LazyLock<Samples> = LazyLock::new(|| {
            let mut samples = ideal(1, 1);
            samples.first.workers.clear();
            samples.last.workers.clear();
            samples.moments.clear();
            samples
        });
        SILENT.clone()
    }

    /// Samples with readings every 50 ms for `seconds` of one worker with a loop of `loop_s`, flushing
    /// as the worker does, the first flush at `phase` of its period.
    fn polled_for(seconds: f64, loop_s: f64, phase: f64) -> Samples {
        let period = flush_period(loop_s, FLUSH_SECONDS);
        let per_flush = (period / loop_s).round();
        let reading = |index: u32| {
            let time = f64::from(index) * 0.05;
            let flushes = (time / period + phase).floor();
            let now_us = load::numbers::whole(time * 1e6);
            Counter { now_us, hashes: load::numbers::whole(flushes * per_flush), coins: 0 }
        };
        let all = (0..=u32::MAX).map(reading);
        let counter = all.take_while(|c| float(c.now_us) <= seconds * 1e6).collect();
        Samples { counter, ..silent() }
    }

    #[test]
    fn a_counter_that_falls_starts_again_from_there() {
        let mut samples = polled_for(40.0, 0.3, 0.0);
        let half = samples.counter.len() / 2;
        let reset = samples.counter[half].hashes;
        for reading in &mut samples.counter[half..] {
            reading.hashes -= reset;
        }
        let mut warnings = Vec::new();
        let rate = from_counter(&samples, Some(0.3), 1, &mut warnings);
        assert!((rate.interval.value - 1.0 / 0.3).abs() < 0.1, "{rate:?}");
        assert!(warnings[0].contains("only the last 20.0 s of it count"), "{warnings:?}");
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        for seconds in [-1.0, 0.0] {
            let samples = polled_for(seconds, 0.3, 0.0);
            assert_eq!(slope(&samples.counter), None);
            let mut warnings = Vec::new();
            let rate = from_counter(&samples, None, 0, &mut warnings);
            assert!(rate.interval.value.abs() < f64::EPSILON);
            assert_eq!(warnings, ["the counter could not be read"]);
        }
    }

    #[test]
    fn a_short_window_has_a_rough_rate_and_says_how_long_is_needed() {
        let mut warnings = Vec::new();
        let rate = from_counter(&polled_for(8.0, 0.3, 0.0), Some(0.3), 1, &mut warnings);
        assert!(rate.statistical.is_none() && rate.flush > 0.1 * rate.interval.value, "{rate:?}");
        assert!(warnings[0].ends_with("too short: 12.0 s are needed"), "{warnings:?}");
    }

    #[test]
    fn of_an_app_that_tells_nothing_the_loop_follows_from_its_rate() {
        for (workers, rng, loop_s, needed) in [(10, 5, 0.3, "12."), (10, 1, 1.0, "20.")] {
            let mut samples = ideal(workers, rng);
            samples.first.workers.clear();
            samples.last.workers.clear();
            let found = loop_of_silent(&samples.counter, workers).unwrap();
            assert!((found / loop_s - 1.0_f64).abs() < 0.01, "{found} for {loop_s}");
            // Of 11 s too little is known; of 13 s enough where loops are short.
            for (seconds, is_short) in [(11, true), (13, loop_s > 0.5)] {
                let mut short = samples.clone();
                short.counter.truncate(20 * seconds + 1);
                let mut warnings = Vec::new();
                let rate = from_counter(&short, None, 0, &mut warnings);
                assert_eq!(rate.statistical.is_none(), is_short, "{seconds} s: {warnings:?}");
                let told = warnings.first().is_some_and(|w| w.contains(needed));
                assert_eq!(told, is_short, "{warnings:?}");
            }
        }
    }

    #[test]
    fn what_a_worker_that_left_did_not_tell_is_allowed_for() {
        let mut samples = ideal(10, 5);
        let left = &mut samples.last.workers[3];
        left.at_us -= 20_000_000;
        let mut warnings = Vec::new();
        let rate = from_counter(&samples, Some(0.3), 10, &mut warnings);
        let Interval { value, low, high } = rate.interval;
        assert!(high - value > value - low, "{rate:?}");
        assert!(warnings[0].starts_with("workers left during the window"), "{warnings:?}");
    }

    proptest! {
        /// Whatever the phase, the truth is inside the errors that are stated.
        #[test]
        fn the_rate_is_off_by_no_more_than_its_errors(
            seconds in 12.0_f64..90.0, loop_s in 0.05_f64..1.9, phase in 0.0_f64..1.0,
        ) {
            let period = flush_period(loop_s, FLUSH_SECONDS);
            prop_assume!(seconds > 10.1 * period);
            // The true rate of this staircase is exactly per_flush / period.
            let truth = (period / loop_s).round() / period;
            let samples = polled_for(seconds, loop_s, phase);
            let mut warnings = Vec::new();
            let rate = from_counter(&samples, Some(loop_s), 1, &mut warnings);
            let Interval { low, high, .. } = rate.interval;
            prop_assert!(low <= truth && truth <= high, "{truth}: {rate:?}");
            prop_assert!(high - low < truth, "{rate:?}");
            prop_assert_eq!(warnings, Vec::<String>::new());
        }
    }
}
