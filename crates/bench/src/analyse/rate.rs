//! How fast the app is: from the workers' own reports where there are any, from the counter
//! otherwise, and each held against the other.
//!
//! The counter rises in steps, as each worker adds its loops about once a second; a line fitted
//! through many readings is off by at most 6 (tau/T)^2 for a flush period tau and a window T. A
//! worker's report, in contrast, carries the exact time at which its loops were counted, so that
//! between two reports of one worker nothing is rounded. The sum over workers is exact.

use load::numbers::float;

use super::{Interval, Rate};
use crate::measure::{Counter, Samples, WorkerCount};

/// Student's t for 95 % and 9 degrees of freedom.
const T_9: f64 = 2.262;
const BATCHES: u32 = 10;
const SECOND_US: f64 = 1e6;

/// A line fitted through counter readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slope {
    pub(super) per_second: f64,
    /// Length of the readings used, in seconds.
    pub(super) seconds: f64,
    /// Whether the counter fell, so that earlier readings were left out.
    pub(super) was_reset: bool,
}

/// The readings since the counter or the wallet last fell: somebody emptied them then.
pub(super) fn since_reset(counter: &[Counter]) -> &[Counter] {
    let fell = |pair: &[Counter]| pair[1].hashes < pair[0].hashes || pair[1].coins < pair[0].coins;
    let reset = counter.windows(2).rposition(fell);
    &counter[reset.map_or(0, |before| before + 1)..]
}

/// Least-squares slope over the readings since the counter last fell.
pub(super) fn slope(counter: &[Counter]) -> Option<Slope> {
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
    (xx > 0.0).then(|| Slope {
        per_second: xy / xx,
        seconds,
        was_reset: used.len() < counter.len(),
    })
}

/// How often a worker with this loop time adds to the counter: at the start of the first loop
/// that begins a second or more after the last time.
pub(super) fn flush_period(loop_seconds: f64) -> f64 {
    loop_seconds * ((1.0 / loop_seconds).floor() + 1.0)
}

/// The rate by the counter alone.
pub(super) fn from_counter(
    counter: &[Counter],
    loop_seconds: Option<f64>,
    warnings: &mut Vec<String>,
) -> Rate {
    let Some(slope) = slope(counter) else {
        warnings.push("the counter could not be read".to_owned());
        return rate(0.0, None, 0.0);
    };
    if slope.was_reset {
        warnings.push(format!(
            "the counter fell during the window; only the last {:.1} s of it count",
            slope.seconds
        ));
    }
    // Without a report the original's loop time is the best guess.
    let period = flush_period(loop_seconds.unwrap_or(0.3));
    let flush = (6.0 * (period / slope.seconds).powi(2)).min(1.0) * slope.per_second;
    rate(slope.per_second, None, flush)
}

/// The rate by the workers' own reports, if all that counts is in them; else by the counter.
pub(super) fn from_workers(samples: &Samples, counter: Rate, warnings: &mut Vec<String>) -> Rate {
    let ends = ends(samples);
    if ends.is_empty() {
        return counter;
    }
    let exact: f64 = ends.iter().map(|(first, last)| per_second(*first, *last)).sum();
    let statistical = batch_half_width(samples);
    let tolerance = counter.flush + statistical.unwrap_or(0.0) + 0.01 * exact;
    let apart = (exact - counter.interval.value).abs();
    if apart > tolerance && samples.counter.len() > 1 {
        warnings.push(format!(
            "the workers report {exact:.2} hashes/s but the counter says {:.2}: some workers do \
             not report, or somebody else counts; the counter is used",
            counter.interval.value
        ));
        return rate(counter.interval.value, statistical, counter.flush);
    }
    // Too few samples for the scatter: then the counter's own error is the safe thing to say.
    let flush = if statistical.is_none() { counter.flush } else { 0.0 };
    rate(exact, statistical, flush)
}

fn rate(value: f64, statistical: Option<f64>, flush: f64) -> Rate {
    let half = statistical.unwrap_or(0.0) + flush;
    let interval = Interval { value, low: (value - half).max(0.0), high: value + half };
    Rate { interval, statistical, flush }
}

/// Each worker's first and last count of the window.
fn ends(samples: &Samples) -> Vec<(WorkerCount, WorkerCount)> {
    let count = |report: &observation::Report| WorkerCount {
        at_us: report.at_us,
        loops: report.totals.loops,
    };
    let last = samples.last.workers.iter().filter_map(|last| {
        let first = samples.first.workers.iter().find(|first| first.id == last.id)?;
        (last.at_us > first.at_us).then(|| (count(first), count(last)))
    });
    last.collect()
}

fn per_second(first: WorkerCount, last: WorkerCount) -> f64 {
    let loops = float(last.loops.saturating_sub(first.loops));
    loops / (float(last.at_us.saturating_sub(first.at_us)) / SECOND_US)
}

/// 95 % half-width of the mean over ten equal batches of the time that every worker's reports
/// cover, widened by sqrt((1+r)/(1-r)) for a positive correlation r of neighbouring batches.
fn batch_half_width(samples: &Samples) -> Option<f64> {
    let curves = curves(samples);
    let from = curves.iter().map(|curve| curve[0].at_us).max()?;
    let to = curves.iter().map(|curve| curve[curve.len() - 1].at_us).min()?;
    // Each batch should hold a report or two of every worker.
    let length = float(to.checked_sub(from)?) / f64::from(BATCHES);
    if length < SECOND_US {
        return None;
    }
    let at = |batch: u32| float(from) + length * f64::from(batch);
    let count = |time: f64| curves.iter().map(|curve| interpolate(curve, time)).sum::<f64>();
    let edges: Vec<f64> = (0..=BATCHES).map(|batch| count(at(batch))).collect();
    let rates: Vec<f64> =
        edges.windows(2).map(|edge| (edge[1] - edge[0]) / (length / SECOND_US)).collect();
    let n = f64::from(BATCHES);
    let mean = rates.iter().sum::<f64>() / n;
    let squares: f64 = rates.iter().map(|rate| (rate - mean).powi(2)).sum();
    if squares <= f64::EPSILON {
        return Some(0.0);
    }
    let products: f64 = rates.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
    let correlation = (products / squares).clamp(0.0, 0.9);
    let widened = ((1.0 + correlation) / (1.0 - correlation)).sqrt();
    Some(T_9 * (squares / (n - 1.0) / n).sqrt() * widened)
}

/// Every worker's counts over the window, each time once.
pub(super) fn curves(samples: &Samples) -> Vec<Vec<WorkerCount>> {
    let ids = samples.last.workers.iter().map(|report| report.id.as_str());
    let curve = |id: &str| {
        let mut counts: Vec<WorkerCount> =
            samples.workers.iter().filter_map(|counts| counts.get(id).copied()).collect();
        counts.dedup_by_key(|count| count.at_us);
        counts
    };
    ids.map(curve).filter(|curve| curve.len() > 2).collect()
}

/// The count at `time`, between the two reports around it.
pub(super) fn interpolate(curve: &[WorkerCount], time: f64) -> f64 {
    let after = curve.partition_point(|count| float(count.at_us) < time);
    let (before, after) = match after {
        0 => return float(curve[0].loops),
        after if after == curve.len() => return float(curve[after - 1].loops),
        after => (curve[after - 1], curve[after]),
    };
    let share = (time - float(before.at_us)) / float(after.at_us - before.at_us);
    float(before.loops) + share * float(after.loops.saturating_sub(before.loops))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Readings every 50 ms for `seconds` of one worker with a loop of `loop_s`, flushing as the
    /// worker does, the first flush at `phase` of its period.
    fn readings(seconds: f64, loop_s: f64, phase: f64) -> Vec<Counter> {
        let period = flush_period(loop_s);
        let per_flush = (period / loop_s).round();
        let reading = |index: u32| {
            let time = f64::from(index) * 0.05;
            let flushes = (time / period + phase).floor();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let (now_us, hashes) = ((time * 1e6) as u64, (flushes * per_flush) as u64);
            Counter { now_us, hashes, coins: 0 }
        };
        (0..=u32::MAX).map(reading).take_while(|c| float(c.now_us) <= seconds * 1e6).collect()
    }

    #[test]
    fn flush_periods_are_whole_loops_over_a_second() {
        for (loop_s, period) in [(0.3, 1.2), (0.25, 1.25), (0.6, 1.2), (2.0, 2.0), (1.0, 2.0)] {
            assert!((flush_period(loop_s) - period).abs() < 1e-9, "{loop_s}");
        }
    }

    #[test]
    fn a_counter_that_falls_starts_again_from_there() {
        let mut counter = readings(20.0, 0.3, 0.0);
        let half = counter.len() / 2;
        let reset = counter[half].hashes;
        for reading in &mut counter[half..] {
            reading.hashes -= reset;
        }
        let slope = slope(&counter).unwrap();
        assert!(slope.was_reset && (slope.seconds - 10.0).abs() < 0.2, "{slope:?}");
        assert!((slope.per_second - 1.0 / 0.3).abs() < 0.3, "{slope:?}");
    }

    #[test]
    fn nothing_is_made_of_nothing() {
        assert_eq!(slope(&[]), None);
        assert_eq!(slope(&readings(0.0, 0.3, 0.0)), None);
        let mut warnings = Vec::new();
        assert!(from_counter(&[], None, &mut warnings).interval.value.abs() < f64::EPSILON);
        assert_eq!(warnings.len(), 1);
    }

    proptest! {
        /// Whatever the phase, the truth is inside the flush error that is stated.
        #[test]
        fn the_slope_is_off_by_no_more_than_its_flush_error(
            seconds in 12.0_f64..90.0, loop_s in 0.05_f64..1.9, phase in 0.0_f64..1.0,
        ) {
            let period = flush_period(loop_s);
            prop_assume!(seconds > 10.0 * period);
            // The true rate of this staircase is exactly per_flush / period.
            let truth = (period / loop_s).round() / period;
            let rate = from_counter(&readings(seconds, loop_s, phase), Some(loop_s), &mut Vec::new());
            // Readings every 50 ms see each step up to 50 ms late.
            let reading = 6.0 * 0.05 / seconds * truth / 10.0;
            let error = (rate.interval.value - truth).abs();
            prop_assert!(error <= rate.flush + reading, "off by {error}, stated {}", rate.flush);
        }
    }
}
