//! Whether an open window has been open for long enough: where its warm-up ends, how precise the
//! rate is by now, and when it will be precise enough. Pure: it is told what was read so far.

use inference::Refusal;
use inference::batch::{BATCHES, batch_means};
use inference::rate::FLUSH_SECONDS;
use inference::stopping::{Check, Decision, Rule};
use inference::warmup::{Cause, Cut, Series, cut, floor};
use load::numbers::float;
use observation::Stage;

use super::rate::{NOMINAL_LOOP_S, needed_seconds, polled, readings};
use crate::measure::{Counter, Moment, WorkerCount, WorkerCounts};

/// A series whose first half moves its mean by this share of the precision may need a cut;
const CUT: f64 = 0.1;
/// one that moves it by this share is not yet what it will be.
const MOVING: f64 = 0.5;
/// A window can only begin with whole reports, which are read this often, in seconds.
const BEGINS_EVERY_S: f64 = 5.0;
/// Distance of the values of a series, in seconds.
const SPACING_S: f64 = 0.5;

/// What was read of a window so far.
#[derive(Clone, Copy, Debug)]
pub struct SoFar<'a> {
    /// For how long it has been open, in seconds.
    pub seconds: f64,
    /// The counter.
    pub counter: &'a [Counter],
    /// Each worker's own count.
    pub workers: &'a [WorkerCounts],
    /// What all workers together had counted.
    pub moments: &'a [Moment],
}

/// The checks of one window.
#[derive(Clone, Debug)]
pub struct Watch {
    rule: Rule,
    checks: Vec<Check>,
    cut: Cut,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// What to do.
    pub decision: Decision,
    /// Half-width of the rate's interval by now, as a share of the rate.
    pub reached: Option<f64>,
    /// Seconds to be cut off at the beginning.
    pub cut_seconds: f64,
    /// By what rule.
    pub cause: Cause,
}

impl Checked {
    /// Before the first check.
    #[must_use]
    pub fn nothing() -> Self {
        let decision = Decision::GoOn { expected: None };
        Self { decision, reached: None, cut_seconds: 0.0, cause: Cause::Floor }
    }
}

impl Watch {
    /// A window that is to be open until the half-width is `precision` of the rate, or for
    /// `most_seconds`.
    ///
    /// # Errors
    /// When one of them is not over 0.
    pub fn new(precision: f64, most_seconds: f64) -> Result<Self, Refusal> {
        let cut = Cut { seconds: 0.0, cause: Cause::Floor };
        Ok(Self { rule: Rule::new(precision, most_seconds)?, checks: Vec::new(), cut })
    }

    /// One more check. A later cut makes the window a new one, with checks of its own.
    pub fn check(&mut self, seen: SoFar<'_>) -> Checked {
        let throughput = throughput(seen.workers, seen.counter);
        let converged = match &throughput {
            Some(throughput) => self.warm_up(throughput, &residence(seen.moments)),
            None => None,
        };
        if let Some(Ok(cut)) = &converged {
            let seconds = (cut.seconds / BEGINS_EVERY_S).ceil() * BEGINS_EVERY_S;
            self.cut = Cut { seconds, cause: cut.cause.clone() };
            let kept = throughput.as_ref().map_or(&[][..], |of| kept(of, seconds));
            self.checks = checks_until_now(kept);
        }
        let precise = match &throughput {
            Some(of) => batch_means(kept(of, self.cut.seconds))
                .ok()
                .and_then(|means| means.relative_half_width()),
            // The original app's workers do not tell when they counted.
            None => by_counter(seen.counter),
        };
        let reached = precise.filter(|_| !matches!(converged, Some(Err(_))));
        let seconds = seen.seconds - self.cut.seconds;
        self.checks.push(Check { seconds, relative_half_width: reached });
        let needed = needed_seconds(mean_loop_s(seen.moments));
        let rule = Rule {
            least_seconds: self.rule.least_seconds.max(needed),
            most_seconds: self.rule.most_seconds - self.cut.seconds,
            ..self.rule
        };
        Checked {
            decision: rule.decide(&self.checks),
            reached,
            cut_seconds: self.cut.seconds,
            cause: self.cut.cause.clone(),
        }
    }

    /// Where the warm-up ends, where that is later than was known; an error while the app still moves
    /// so much that no number is its speed yet.
    fn warm_up(&self, throughput: &Values, residence: &Values) -> Option<Result<Cut, Refusal>> {
        let named = [("throughput", throughput), ("time at rng", residence)];
        let known = self.cut.seconds;
        let all: Vec<_> = named.map(|(name, of)| (name, kept(of, known), of.begin)).into();
        let series = |share: f64| {
            let moving = all.iter().filter(move |(_, values, _)| self.moves(values, share));
            let series = moving.map(|(name, values, begin)| Series {
                name,
                values,
                begin_seconds: begin.max(known),
                spacing_seconds: SPACING_S,
            });
            series.collect::<Vec<_>>()
        };
        match cut(&series(CUT), known) {
            Ok(cut) if cut.seconds > known => Some(Ok(cut)),
            Err(refusal @ Refusal::NotConverged { .. }) if !series(MOVING).is_empty() => {
                Some(Err(refusal))
            }
            // There is nothing to cut, or it is too early to say.
            _ => None,
        }
    }

    /// Whether cutting off the first half would change the mean by this share of the precision that
    /// is wanted or more.
    fn moves(&self, values: &[f64], share: f64) -> bool {
        let mean = |of: &[f64]| of.iter().sum::<f64>() / float(of.len().max(1) as u64);
        let (all, later) = (mean(values), mean(&values[values.len() / 2..]));
        (all - later).abs() >= share * self.rule.precision * all.abs() && !values.is_empty()
    }
}

/// The shortest warm-up of an app of which this was seen, in seconds: two flush periods and ten
/// loops.
#[must_use]
pub fn shortest_warm_up(moments: &[Moment]) -> f64 {
    floor(mean_loop_s(moments), FLUSH_SECONDS)
}

/// Mean time of a loop in seconds; the original app's where nobody tells another.
#[must_use]
pub fn mean_loop_s(moments: &[Moment]) -> f64 {
    let sums = |moment: &Moment| {
        moment.totals.stages.get(&Stage::Loop).map_or((0, 0), |l| (l.count(), l.sum_us()))
    };
    let (first, last) = (moments.first().map(sums), moments.last().map(sums));
    let seconds = first.zip(last).and_then(|(first, last)| {
        let count = last.0.checked_sub(first.0).filter(|count| *count > 0)?;
        Some(float(last.1.checked_sub(first.1)?) / 1e6 / float(count))
    });
    seconds.unwrap_or(NOMINAL_LOOP_S)
}

/// What earlier checks would have found, had the window begun where it is now found to begin.
fn checks_until_now(kept: &[f64]) -> Vec<Check> {
    let each_second = (BATCHES..=kept.len()).filter(|length| length % 2 == 0);
    each_second
        .filter_map(|length| {
            let index = u32::try_from(length).ok()?;
            let means = batch_means(&kept[..length]).ok()?;
            Some(Check {
                seconds: SPACING_S * f64::from(index),
                relative_half_width: means.relative_half_width(),
            })
        })
        .collect()
}

/// Values at even distances, the first from `begin` seconds after the window was opened.
pub(super) struct Values {
    begin: f64,
    pub(super) values: Vec<f64>,
}

impl Values {
    /// Means of so many seconds each; what is left over at the end is left out.
    pub(super) fn means_over(&self, seconds: f64) -> Vec<f64> {
        let mut end = 0.0;
        let mut means = Vec::new();
        let (mut sum, mut count) = (0.0, 0_u32);
        for value in &self.values {
            (sum, count, end) = (sum + value, count + 1, end + SPACING_S);
            if end >= seconds - 1e-9 {
                means.push(sum / f64::from(count));
                (sum, count, end) = (0.0, 0, 0.0);
            }
        }
        means
    }
}

fn kept(of: &Values, from: f64) -> &[f64] {
    let left_out = of
        .values
        .iter()
        .zip(0_u32..)
        .take_while(|(_, index)| of.begin + SPACING_S * f64::from(*index) < from);
    &of.values[left_out.count()..]
}

/// Hashes per second over time, by the workers' own counts; `None` where they tell none.
pub(super) fn throughput(workers: &[WorkerCounts], counter: &[Counter]) -> Option<Values> {
    let begin_us = counter.first().map_or(0, |counter| counter.now_us);
    let curves = curves(workers);
    if curves.is_empty() {
        return None;
    }
    let begin = curves.iter().map(|curve| curve[0].0).fold(f64::MIN, f64::max);
    let end = curves.iter().map(|curve| curve[curve.len() - 1].0).fold(f64::MAX, f64::min);
    let at = |time: f64| curves.iter().map(|curve| interpolated(curve, time)).sum::<f64>();
    let edges: Vec<f64> = grid(begin, end).map(at).collect();
    let values = edges.windows(2).map(|pair| (pair[1] - pair[0]) / SPACING_S).collect();
    Some(Values { begin: (begin - float(begin_us) / 1e6).max(0.0), values })
}

/// How well the counter alone tells the rate, as a share of it: chance and flush together.
fn by_counter(counter: &[Counter]) -> Option<f64> {
    let readings = readings(counter);
    let polled = polled(&readings, None, &[]);
    let rate = polled.rate().ok()?;
    (rate.per_second > 0.0).then(|| (rate.statistical + rate.flush) / rate.per_second)
}

/// Mean time at rng in seconds, over time.
fn residence(moments: &[Moment]) -> Values {
    let sums = |moment: &Moment| {
        let rng = moment.totals.stages.get(&Stage::Rng)?;
        Some((float(moment.now_us) / 1e6, float(rng.count()), float(rng.sum_us()) / 1e6))
    };
    let sums: Vec<_> = moments.iter().filter_map(sums).collect();
    let (Some(first), Some(last)) = (sums.first(), sums.last()) else {
        return Values { begin: 0.0, values: Vec::new() };
    };
    let counts: Vec<_> = sums.iter().map(|sums| (sums.0, sums.1)).collect();
    let times: Vec<_> = sums.iter().map(|sums| (sums.0, sums.2)).collect();
    let edges: Vec<_> = grid(first.0, last.0)
        .map(|time| (interpolated(&counts, time), interpolated(&times, time)))
        .collect();
    let mean = |pair: &[(f64, f64)]| (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0).max(1e-9);
    Values { begin: 0.0, values: edges.windows(2).map(mean).collect() }
}

/// Each worker's reports, as seconds and loops, each report once.
fn curves(workers: &[WorkerCounts]) -> Vec<Vec<(f64, f64)>> {
    let Some(last) = workers.last() else { return Vec::new() };
    let point = |count: &WorkerCount| (float(count.at_us) / 1e6, float(count.loops));
    let curve = |id: &String| {
        let counts = workers.iter().filter_map(|counts| counts.get(id));
        let mut curve: Vec<_> = counts.map(point).collect();
        curve.dedup_by(|a, b| a.0 <= b.0);
        curve
    };
    last.keys().map(curve).filter(|curve| curve.len() > 2).collect()
}

/// Times from `begin` to `end` at even distances.
fn grid(begin: f64, end: f64) -> impl Iterator<Item = f64> {
    (0_u32..).map(move |step| begin + SPACING_S * f64::from(step)).take_while(move |t| *t <= end)
}

/// The value at a time, between the points around it.
fn interpolated(curve: &[(f64, f64)], time: f64) -> f64 {
    let after = curve.partition_point(|point| point.0 < time);
    match (after.checked_sub(1).map(|before| curve[before]), curve.get(after)) {
        (Some(before), Some(after)) => {
            before.1 + (after.1 - before.1) * (time - before.0) / (after.0 - before.0)
        }
        (Some(point), None) => point.1,
        (None, point) => point.map_or(0.0, |point| point.1),
    }
}

#[cfg(test)]
mod tests {
    use inference::stopping::Reason;

    use super::*;
    use crate::analyse::tests::ideal;

    /// Checks each second of a window of which `seconds` are read.
    fn watched(watch: &mut Watch, workers: u32, rng: u32, seconds: usize) -> Vec<Checked> {
        let samples = ideal(workers, rng);
        let check = |second: usize| {
            watch.check(SoFar {
                seconds: float(second as u64),
                counter: &samples.counter[..=20 * second],
                workers: &samples.workers[..=second],
                moments: &samples.moments[..=second],
            })
        };
        (1..=seconds).map(check).collect()
    }

    #[test]
    fn an_even_app_is_measured_for_as_long_as_the_least_window() {
        let mut watch = Watch::new(0.01, 120.0).unwrap();
        let found = watched(&mut watch, 10, 5, 60);
        let stop = |found: &Checked| found.decision == Decision::Stop(Reason::Precise);
        let first = found.iter().position(stop).unwrap() + 1;
        assert!((30..=40).contains(&first), "stops after {first} s");
        assert!(found.iter().all(|found| found.cut_seconds < 1e-9), "there is no warm-up");
        assert!(found[59].reached.unwrap() < 0.01);
    }

    #[test]
    fn what_is_never_precise_enough_ends_when_time_is_over_and_says_when_it_would_be() {
        let mut watch = Watch::new(1e-9, 50.0).unwrap();
        let found = watched(&mut watch, 7, 1, 50);
        assert!(matches!(found[40].decision, Decision::GoOn { expected: Some(_) }), "{found:?}");
        assert_eq!(found[49].decision, Decision::Stop(Reason::TimeOver));
    }

    #[test]
    fn a_slow_beginning_is_cut_off() {
        let samples = ideal(10, 5);
        // For the first ten seconds a request takes 100 ms longer.
        let mut slow = samples.clone();
        let until = samples.moments[10].totals.stages[&Stage::Rng].count();
        for moment in &mut slow.moments {
            let rng = moment.totals.stages[&Stage::Rng].clone();
            let more = 100_000 * rng.count().min(until);
            let sums = observation::Latency::of_sums(rng.count(), rng.sum_us() + more);
            moment.totals.stages.insert(Stage::Rng, sums);
        }
        let seen = |samples: &'static crate::measure::Samples| SoFar {
            seconds: 60.0,
            counter: &samples.counter,
            workers: &samples.workers,
            moments: &samples.moments,
        };
        let cut = |samples: crate::measure::Samples| {
            Watch::new(0.01, 120.0).unwrap().check(seen(Box::leak(Box::new(samples))))
        };
        assert!(cut(samples).cut_seconds < 1e-9);
        let found = cut(slow);
        assert!((5.0..=15.0).contains(&found.cut_seconds), "{found:?}");
        assert_eq!(found.cause, Cause::Series("time at rng".to_owned()));
    }

    #[test]
    fn the_shortest_warm_up_follows_the_loop() {
        let nominal = shortest_warm_up(&[]);
        assert!((nominal - 3.0).abs() < 1e-9, "ten loops of 0.3 s");
        let slow = shortest_warm_up(&ideal(10, 1).moments);
        assert!((slow - 10.0).abs() < 1e-6, "ten loops of 1 s: {slow}");
    }
}
