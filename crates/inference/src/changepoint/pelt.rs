//! Pruned exact linear time: the best way to cut a series, found without trying every one. It knows
//! the cost of a segment and nothing of what segments mean.

use std::f64::consts::PI;

use super::SHORTEST;
use crate::numbers::{mean, size};

/// Sums from the first value to each, so that a segment's cost takes one step.
struct Costs {
    sums: Vec<f64>,
    squares: Vec<f64>,
    least_variance: f64,
}

impl Costs {
    fn new(values: &[f64], least_variance: f64) -> Self {
        // About the mean, so that squares lose no digits.
        let middle = mean(values);
        let running = |of: fn(f64) -> f64| {
            let mut sum = 0.0;
            let mut sums = vec![0.0];
            for value in values {
                sum += of(value - middle);
                sums.push(sum);
            }
            sums
        };
        Self { sums: running(|x| x), squares: running(|x| x * x), least_variance }
    }

    /// Minus twice the log-likelihood of the values `from..to` with the best mean and variance.
    fn of(&self, from: usize, to: usize) -> f64 {
        let count = size(to - from);
        let mean = (self.sums[to] - self.sums[from]) / count;
        let variance = (self.squares[to] - self.squares[from]) / count - mean * mean;
        let variance = variance.max(0.0);
        // The best variance that is allowed; cutting a segment then never costs more, so that
        // pruning is exact.
        let allowed = variance.max(self.least_variance);
        count * ((2.0 * PI * allowed).ln() + variance / allowed)
    }
}

/// Where the segments but the last end, for the least sum of costs and penalties.
pub(super) fn pelt(values: &[f64], least_variance: f64, penalty: f64) -> Vec<usize> {
    best_cuts(values, least_variance, penalty, true)
}

/// The same without pruning.
#[cfg(test)]
pub(super) fn exhaustive(values: &[f64], least_variance: f64, penalty: f64) -> Vec<usize> {
    best_cuts(values, least_variance, penalty, false)
}

fn best_cuts(values: &[f64], least_variance: f64, penalty: f64, prune: bool) -> Vec<usize> {
    let costs = Costs::new(values, least_variance);
    // For each end: the least sum up to there, and where the last segment of it begins.
    let mut best = vec![(f64::INFINITY, 0); values.len() + 1];
    best[0].0 = -penalty;
    // Where a segment may begin, and from which end on that begin is out.
    let mut begins: Vec<(usize, usize)> = vec![(0, usize::MAX)];
    for end in SHORTEST..=values.len() {
        begins.retain(|(_, out)| *out > end);
        let sum = |begin: usize| best[begin].0 + costs.of(begin, end);
        let sums = begins.iter().map(|(begin, _)| (sum(*begin) + penalty, *begin));
        let least = sums.fold((f64::INFINITY, 0), |a, b| if b.0 < a.0 { b } else { a });
        for (begin, out) in begins.iter_mut().filter(|_| prune) {
            // Cutting here would be better by a whole penalty, and stays so; but a segment that
            // begins here is long enough only later.
            if sum(*begin) > least.0 {
                *out = (*out).min(end + SHORTEST);
            }
        }
        best[end] = least;
        let next = end + 1 - SHORTEST;
        if next >= SHORTEST {
            begins.push((next, usize::MAX));
        }
    }
    let mut ends = Vec::new();
    let mut end = best[values.len()].1;
    while end > 0 {
        ends.push(end);
        end = best[end].1;
    }
    ends.reverse();
    ends
}
