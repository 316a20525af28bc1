//! What was read of a window as series of even distances: hashes per second, and the time at rng. Pure.

use std::collections::HashMap;

use load::numbers::float;
use observation::Stage;

use crate::measure::{Counter, Moment, WorkerCount, WorkerCounts};

/// Distance of the values of a series, in seconds.
pub(super) const SPACING_S: f64 = 0.5;

/// Values at even distances, the first from `begin` seconds after the window was opened.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) begin: f64,
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

    /// Those that begin so many seconds after the window was opened, or later.
    pub(super) fn from(&self, seconds: f64) -> &[f64] {
        let left_out = self
            .values
            .iter()
            .zip(0_u32..)
            .take_while(|(_, index)| self.begin + SPACING_S * f64::from(*index) < seconds);
        &self.values[left_out.count()..]
    }
}

/// Each worker's counts over time, each report once. What was read is kept, so that a look at a window
/// that has grown takes only what is new of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Curves {
    /// Seconds and loops, by the worker's id.
    of: HashMap<String, Vec<(f64, f64)>>,
    /// How many readings are in them.
    read: usize,
}

impl Curves {
    /// Takes in what is new of these readings, which begin with those it knows.
    pub(super) fn read(&mut self, readings: &[WorkerCounts]) {
        let news = readings.get(self.read..).unwrap_or_default();
        for (id, WorkerCount { at_us, loops }) in news.iter().flatten() {
            let point = (float(*at_us) / 1e6, float(*loops));
            match self.of.get_mut(id) {
                Some(curve) if curve.last().is_some_and(|last| point.0 <= last.0) => {}
                Some(curve) => curve.push(point),
                None => drop(self.of.insert(id.clone(), vec![point])),
            }
        }
        self.read = readings.len();
    }

    /// Hashes per second over time of the workers of the last reading; `None` where they tell none.
    pub(super) fn throughput(
        &self,
        last: Option<&WorkerCounts>,
        counter: &[Counter],
    ) -> Option<Values> {
        let begin_us = counter.first().map_or(0, |counter| counter.now_us);
        let known = last?.keys().filter_map(|id| self.of.get(id));
        let curves: Vec<_> = known.filter(|curve| curve.len() > 2).collect();
        if curves.is_empty() {
            return None;
        }
        let begin = curves.iter().map(|curve| curve[0].0).fold(f64::MIN, f64::max);
        let end = curves.iter().map(|curve| curve[curve.len() - 1].0).fold(f64::MAX, f64::min);
        let times: Vec<f64> = grid(begin, end).collect();
        let mut edges = vec![0.0; times.len()];
        for curve in curves {
            add_interpolated(&mut edges, curve, &times);
        }
        let values = edges.windows(2).map(|pair| (pair[1] - pair[0]) / SPACING_S).collect();
        Some(Values { begin: (begin - float(begin_us) / 1e6).max(0.0), values })
    }
}

/// Hashes per second over time, by the workers' own counts; `None` where they tell none.
pub(super) fn throughput(workers: &[WorkerCounts], counter: &[Counter]) -> Option<Values> {
    let mut curves = Curves::default();
    curves.read(workers);
    curves.throughput(workers.last(), counter)
}

/// Mean time at rng in seconds, over time.
pub(super) fn residence(moments: &[Moment]) -> Values {
    let sums = |moment: &Moment| {
        let rng = moment.totals.stages.get(&Stage::Rng)?;
        Some((float(moment.now_us) / 1e6, float(rng.count()), float(rng.sum_us()) / 1e6))
    };
    let sums: Vec<_> = moments.iter().filter_map(sums).collect();
    let (Some(first), Some(last)) = (sums.first(), sums.last()) else {
        return Values { begin: 0.0, values: Vec::new() };
    };
    let times: Vec<f64> = grid(first.0, last.0).collect();
    let edges = |curve: Vec<(f64, f64)>| {
        let mut edges = vec![0.0; times.len()];
        add_interpolated(&mut edges, &curve, &times);
        edges
    };
    let counts = edges(sums.iter().map(|sums| (sums.0, sums.1)).collect());
    let spent = edges(sums.iter().map(|sums| (sums.0, sums.2)).collect());
    let mean = |(counts, spent): (&[f64], &[f64])| {
        (spent[1] - spent[0]) / (counts[1] - counts[0]).max(1e-9)
    };
    Values { begin: 0.0, values: counts.windows(2).zip(spent.windows(2)).map(mean).collect() }
}

/// Times from `begin` to `end` at even distances.
fn grid(begin: f64, end: f64) -> impl Iterator<Item = f64> {
    (0_u32..).map(move |step| begin + SPACING_S * f64::from(step)).take_while(move |t| *t <= end)
}

/// Adds to each sum the curve's value at its time, between the points around it. Times are in order.
fn add_interpolated(sums: &mut [f64], curve: &[(f64, f64)], times: &[f64]) {
    let mut after = 0;
    for (sum, time) in sums.iter_mut().zip(times) {
        while curve.get(after).is_some_and(|point| point.0 < *time) {
            after += 1;
        }
        *sum += match (after.checked_sub(1).map(|before| curve[before]), curve.get(after)) {
            (Some(before), Some(after)) => {
                before.1 + (after.1 - before.1) * (time - before.0) / (after.0 - before.0)
            }
            (Some(point), None) => point.1,
            (None, point) => point.map_or(0.0, |point| point.1),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::tests::ideal;

    #[test]
    fn a_window_that_grows_is_the_same_as_one_that_is_read_at_once() {
        let samples = ideal(7, 2);
        let mut curves = Curves::default();
        for second in 1..=60 {
            let workers = &samples.workers[..second];
            curves.read(workers);
            let grown = curves.throughput(workers.last(), &samples.counter);
            assert_eq!(grown, throughput(workers, &samples.counter), "after {second} s");
        }
        let rates = curves.throughput(samples.workers.last(), &samples.counter).unwrap();
        assert!(rates.values.len() > 100, "{}", rates.values.len());
        assert!(rates.values.iter().all(|rate| (rate - 20.0).abs() < 2.0), "{:?}", rates.values);
        let left_out = rates.values.len() - rates.from(10.0).len();
        let first = rates.begin + 0.5 * float(left_out as u64);
        assert!((10.0..10.5).contains(&first), "{first}");
    }
}
