//! The rate over the window, second by second: as it looks to somebody who reads the counter once a
//! second and subtracts, and as it is by the workers' own reports. Pure.

use inference::rate::{FLUSH_SECONDS, flush_period};
use load::numbers::float;
use serde::{Deserialize, Serialize};

use crate::measure::{Counter, Samples, WorkerCount};

const SECOND_US: u64 = 1_000_000;
/// So many seconds are told: a picture of more shows nothing of single ones.
const MOST_SECONDS: usize = 60;

/// The rate over the first minute of a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BySecond {
    /// By two readings of the counter about a second apart, as the original's page calculates it.
    pub naive: Vec<Moving>,
    /// By the workers' reports, each loop counted when it was done; empty without reports.
    pub exact: Vec<Moving>,
    /// How often a worker adds its loops to the counter, in seconds; `None` without a loop time.
    pub flush_seconds: Option<f64>,
    /// How many loops it adds then.
    pub loops_at_a_time: Option<f64>,
}

/// A rate over about a second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moving {
    /// Its beginning, in seconds since the first reading of the window.
    pub from: f64,
    /// Its end.
    pub to: f64,
    /// Hashes per second.
    pub per_second: f64,
}

/// The rates over a window, in an app whose mean loop takes so many milliseconds.
#[must_use]
pub fn by_second(samples: &Samples, loop_ms: Option<f64>) -> BySecond {
    let loop_seconds = loop_ms.map(|ms| ms / 1000.0).filter(|seconds| *seconds > 0.0);
    let flush_seconds = loop_seconds.map(|each| flush_period(each, FLUSH_SECONDS));
    let loops_at_a_time = flush_seconds.zip(loop_seconds).map(|(every, each)| every / each);
    let naive = naive(&samples.counter);
    BySecond {
        naive,
        exact: exact(samples),
        flush_seconds,
        loops_at_a_time: loops_at_a_time.map(f64::round),
    }
}

/// Differences of readings about a second apart. A counter that fell gives none there.
fn naive(counter: &[Counter]) -> Vec<Moving> {
    let mut once_a_second: Vec<Counter> = Vec::new();
    for reading in counter {
        let due = once_a_second.last().is_none_or(|last| reading.now_us >= last.now_us + SECOND_US);
        if due {
            once_a_second.push(*reading);
        }
    }
    let Some(begin) = once_a_second.first().map(|first| first.now_us) else { return Vec::new() };
    let since = |reading: &Counter| float(reading.now_us - begin) / float(SECOND_US);
    let pairs = once_a_second.windows(2).take(MOST_SECONDS);
    let moving = |pair: &[Counter]| {
        let (from, to) = (since(&pair[0]), since(&pair[1]));
        let hashes = pair[1].hashes.checked_sub(pair[0].hashes)?;
        Some(Moving { from, to, per_second: float(hashes) / (to - from) })
    };
    pairs.filter_map(moving).collect()
}

/// Each second between the first reading and the last one that all workers' reports cover.
fn exact(samples: &Samples) -> Vec<Moving> {
    let curves = curves(samples);
    let begins = curves.iter().map(|curve| curve[0].at_us).max();
    let ends = curves.iter().map(|curve| curve[curve.len() - 1].at_us).min();
    let origin = samples.counter.first().map(|first| first.now_us);
    let (Some(begin), Some(end), Some(origin)) = (begins, ends, origin) else { return Vec::new() };
    let loops = |time: u64| curves.iter().map(|curve| interpolate(curve, float(time))).sum::<f64>();
    let seconds = (0..).map(|second| origin + second * SECOND_US).take(MOST_SECONDS);
    let covered = seconds.filter(|from| *from >= begin && from + SECOND_US <= end);
    let moving = |from: u64| {
        let second = float(from - origin) / float(SECOND_US);
        let per_second = loops(from + SECOND_US) - loops(from);
        Moving { from: second, to: second + 1.0, per_second }
    };
    covered.map(moving).collect()
}

/// Every worker's counts over the window, each time once.
fn curves(samples: &Samples) -> Vec<Vec<WorkerCount>> {
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
fn interpolate(curve: &[WorkerCount], time: f64) -> f64 {
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
    use super::*;
    use crate::analyse::tests::ideal;

    #[test]
    fn one_worker_looks_like_4_4_4_4_4_0() {
        let samples = ideal(1, 1);
        let rates = by_second(&samples, Some(300.0));
        let seen: Vec<f64> = rates.naive.iter().map(|moving| moving.per_second).collect();
        assert_eq!(seen[..12], [0.0, 4.0, 4.0, 4.0, 4.0, 4.0, 0.0, 4.0, 4.0, 4.0, 4.0, 4.0]);
        assert!((rates.flush_seconds.unwrap() - 1.2).abs() < 1e-9);
        assert_eq!(rates.loops_at_a_time, Some(4.0));
        assert!(rates.exact.len() > 50, "{}", rates.exact.len());
        let even = rates.exact.iter().all(|moving| (moving.per_second - 1.0 / 0.3).abs() < 1e-3);
        assert!(even, "{:?}", rates.exact);
    }

    #[test]
    fn without_readings_or_reports_there_is_nothing_to_show() {
        let mut samples = ideal(2, 1);
        samples.workers.clear();
        assert_eq!(by_second(&samples, None).exact, []);
        samples.counter.clear();
        assert_eq!(by_second(&samples, None), BySecond::default());
    }

    #[test]
    fn a_counter_that_falls_gives_no_negative_rate() {
        let mut samples = ideal(2, 1);
        for reading in &mut samples.counter[600..] {
            reading.hashes -= samples.first.hashes;
        }
        samples.counter[700].hashes = 0;
        let rates = by_second(&samples, None);
        assert!(rates.naive.iter().all(|moving| moving.per_second >= 0.0), "{:?}", rates.naive);
        assert!(rates.naive.len() < 60, "{}", rates.naive.len());
    }
}
